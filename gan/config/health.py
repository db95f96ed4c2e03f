"""The group `health`: how the health of training is watched, and what is done when it fails."""

from __future__ import annotations

from dataclasses import dataclass

from gan.config.group import Group
from gan.errors import ConfigError
from gan.options import key

WARN, ROLL_BACK = "warn", "roll_back"


@dataclass(frozen=True)
class Health(Group):
    """How the health of training is watched, and what is done when it fails (docs/health.md)."""

    every_steps: int | None = key(50, "Steps between checks of the health of training; none: no checks.", min_value=1)
    policy: str = key(
        WARN,
        "What follows a bad verdict: a warning; or a return to the last healthy checkpoint, and then another data "
        "order and the two factors below.",
        choices=(WARN, ROLL_BACK),
    )
    max_rollbacks: int = key(
        2,
        "How often a run returns to a healthy checkpoint before it fails with exit code 21.",
        min_value=1,
        max_value=20,
    )
    learning_rate_factor: float = key(
        0.5, "Both learning rates are multiplied by this at each rollback.", min_value=0.001, max_value=1
    )
    penalty_factor: float = key(
        1.0,
        "The gradient penalty of the loss and the weights of the regularisers are multiplied by this at each rollback.",
        min_value=1,
        max_value=100,
    )

    def __post_init__(self, where: str | None) -> None:
        super().__post_init__(where)
        if self.policy == ROLL_BACK and self.every_steps is None:
            raise ConfigError(
                "health.policy=roll_back needs checks; got health.every_steps=null. Set it, or health.policy=warn"
            )
