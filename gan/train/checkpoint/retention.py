"""Which checkpoints of a run are kept, by training and by `gan gc`."""

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
    referenced: Collection[int] = (),
    unscheduled: Collection[int] = (),
) -> frozenset[int]:
    """The steps among `steps` whose checkpoints are kept.

    Args:
        steps: those that have a checkpoint.
        last: how many of the newest ones are kept.
        every_steps: its multiples are kept; None for no such rule.
        referenced: steps that something refers to, which are kept: the best by score, and exported ones.
        unscheduled: steps saved only because the run was stopped. Such a step is kept only while it is the newest, so
            that a run that was stopped keeps the same checkpoints as one that was not.

    Returns:
        The steps to keep; the newest is always among them.
    """
    ascending = sorted(steps)
    candidates = [step for step in ascending if step == ascending[-1] or step not in unscheduled]
    kept = set(candidates[-last:])
    kept |= {step for step in ascending if step in referenced}
    if every_steps:
        kept |= {step for step in candidates if step % every_steps == 0}
    return frozenset(kept)


class ReferencedSteps:
    """The steps of a run that something else in the store refers to."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._run_id = run_id
        self._exported: dict[str, int | None] = {}  # by generator id; published generators never change

    def steps(self) -> frozenset[int]:
        """The best step by FID, one per evaluation identity, and every step that a generator was exported from."""
        return best_steps(self._store, self._run_id) | self._exported_steps()

    def _exported_steps(self) -> frozenset[int]:
        for generator_id in immutable.ids(self._store, "generator"):
            if generator_id not in self._exported:
                self._exported[generator_id] = self._step_of(generator_id)
        return frozenset(step for step in self._exported.values() if step is not None)

    def _step_of(self, generator_id: str) -> int | None:
        """The step that a generator was exported from; None if it is of another run, or damaged."""
        try:
            found = metadata.read(self._store, generator_id)
        except (IntegrityError, NotFoundError):
            return None  # `gan verify` reports the damage
        return found.step if found.run_id == self._run_id else None


def best_steps(store: Store, run_id: str) -> frozenset[int]:
    """The step with the lowest recorded FID, one per evaluation identity.

    The step of an unreadable record is included, since it might be the best.
    """
    best: dict[str, tuple[float, int]] = {}
    unreadable = set()
    for key in evaluations.keys(store, run_id):
        step, _, identity = key.rpartition("/")[2].partition("-")
        try:
            scored = (float(evaluations.read_key(store, key)["scores"]["fid"]["value"]), int(step))
        except (IntegrityError, NotFoundError):
            unreadable |= {int(step)} if step.isdecimal() else set()
        else:
            best[identity] = min(best.get(identity, scored), scored)
    return frozenset(unreadable | {step for _, step in best.values()})
