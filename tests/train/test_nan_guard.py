from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from gan.errors import DivergedError
from gan.train.nan_guard import FLAG, NanGuard


def metrics(**terms: float) -> dict[str, tf.Tensor]:
    values = {"generator_loss": 1.0, "discriminator_loss": 2.0, **terms}
    finite = all(np.isfinite(value) for value in values.values())
    return {**{name: tf.constant(value) for name, value in values.items()}, FLAG: tf.constant(finite)}


def test_healthy_steps_pass() -> None:
    guard = NanGuard("r")
    for step in range(1, 5):
        guard.watch(step, metrics())
    guard.check_last()
    guard.check_last()


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_the_step_and_the_metric_are_named_when_the_next_step_is_watched(bad: float) -> None:
    guard = NanGuard("r")
    guard.saved(5)
    guard.watch(7, metrics(generator_loss=bad))
    with pytest.raises(
        DivergedError, match=r"run r diverged at step 7: generator_loss not finite; checkpoint 5 is kept"
    ):
        guard.watch(8, metrics(generator_loss=bad, discriminator_loss=bad))


def test_the_last_step_is_checked_on_request() -> None:
    guard = NanGuard("r")
    guard.watch(7, metrics())
    guard.watch(8, metrics(discriminator_gradient_norm=float("inf"), kl=float("nan")))
    with pytest.raises(
        DivergedError, match=r"at step 8: discriminator_gradient_norm and kl not finite; no checkpoint was"
    ):
        guard.check_last()


def test_weights_that_are_not_finite_are_named() -> None:
    guard = NanGuard("r")
    guard.check_state(3, {"generator/0000": np.ones(3, np.float32), "d": np.ones(2, np.int64)})
    with pytest.raises(DivergedError, match="at step 4: variable ema/0001 not finite"):
        guard.check_state(4, {"ema/0001": np.array([1, np.nan], np.float32)})
