"""Which checkpoints of a run stay: one rule, for training and for `gan gc`."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from gan.errors import IntegrityError, NotFoundError
from gan.export import metadata
from gan.metrics import evaluations
from gan.store import Store, immutable


def retained(
    steps: Iterable[int],
    *,
    last: int,
    every_steps: int | None = None,
    needed: Collection[int] = (),
    unscheduled: Collection[int] = (),
) -> frozenset[int]:
    """The steps among `steps` whose checkpoints stay.

    Args:
        steps: those that have a whole checkpoint.
        last: so many of the newest ones stay.
        every_steps: its multiples stay; None for no such rule.
        needed: steps that something refers to: the best one by its scores, those that generators were exported from.
        unscheduled: steps that were saved only because the run was stopped. One of these stays while it is the newest,
            so that a run that was stopped keeps the same checkpoints as a run that never was.

    Returns:
        The steps to keep; the newest is always among them.
    """
    ascending = sorted(steps)
    candidates = [step for step in ascending if step == ascending[-1] or step not in unscheduled]
    kept = set(candidates[-last:])
    kept |= {step for step in ascending if step in needed}
    if every_steps:
        kept |= {step for step in candidates if step % every_steps == 0}
    return frozenset(kept)


class ReferencedSteps:
    """Which steps of a run something else in the store refers to."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._run_id = run_id
        self._exported: dict[str, int | None] = {}  # by generator; what is published never changes

    def steps(self) -> frozenset[int]:
        """The best step by FID, one for each way of measuring, and every step that a generator was exported from."""
        return best_steps(self._store, self._run_id) | self._exported_steps()

    def _exported_steps(self) -> frozenset[int]:
        for generator_id in immutable.ids(self._store, "generator"):
            if generator_id not in self._exported:
                self._exported[generator_id] = self._step_of(generator_id)
        return frozenset(step for step in self._exported.values() if step is not None)

    def _step_of(self, generator_id: str) -> int | None:
        """The step that a generator was made from; None where that was another run's or the generator is damaged."""
        try:
            found = metadata.read(self._store, generator_id)
        except (IntegrityError, NotFoundError):
            return None  # `gan verify` tells of it, and no checkpoint can be told from it
        return found.step if found.run_id == self._run_id else None


def best_steps(store: Store, run_id: str) -> frozenset[int]:
    """The step with the lowest FID on record, one for each way of measuring.

    A record that can't be read might be the best one, so its step is among them.
    """
    best: dict[str, tuple[float, int]] = {}
    unreadable = set()
    for key in evaluations.keys(store, run_id):
        step, _, measured = key.rpartition("/")[2].partition("-")
        try:
            scored = (float(evaluations.read_key(store, key)["scores"]["fid"]["value"]), int(step))
        except (IntegrityError, NotFoundError):
            unreadable |= {int(step)} if step.isdecimal() else set()
        else:
            best[measured] = min(best.get(measured, scored), scored)
    return frozenset(unreadable | {step for _, step in best.values()})
