"""What a report is about: the generator that a run dealt with last, or before there is one its newest checkpoint.

No step of its own; `gan.steps.report` calls it.
"""

from __future__ import annotations

from dataclasses import dataclass

from gan.errors import IntegrityError, NotFoundError
from gan.export import metadata as facts_module
from gan.export.metadata import GeneratorMetadata
from gan.metrics import evaluations
from gan.metrics.identity import FINAL
from gan.steps.export import evaluations_newest_first
from gan.store import Store, immutable
from gan.store.records import verdicts
from gan.train.checkpoint.files import Checkpoints
from gan.train.run import Run
from gan.types import Json
from gan.util.log import warn


@dataclass(frozen=True)
class Focus:
    """What a report is about.

    `step` is None before the first checkpoint, `evaluation` before the first evaluation, `verdict` before the gate's.
    """

    step: int | None
    generator_id: str | None
    facts: GeneratorMetadata | None
    evaluation: Json | None
    verdict: Json | None


def find(store: Store, run: Run) -> Focus:
    """The generator that was exported or judged last, with the newest verdict on it, or else the newest checkpoint.

    Raises:
        IntegrityError: a verdict, an evaluation or the record of a checkpoint is damaged.
    """
    known = _generators(store, run.run_id)
    judged = [each for each in _verdicts(store, run.run_id) if each["generator_id"] in known]
    moments = [(facts.exported_at, generator_id) for generator_id, facts in known.items()]
    moments += [(_judged_at(each), each["generator_id"]) for each in judged]
    if not moments:
        return _checkpoint(store, run)
    _, generator_id = max(moments)
    verdict = max((each for each in judged if each["generator_id"] == generator_id), key=_judged_at, default=None)
    evaluation = facts_module.read_evaluation(store, generator_id)
    return Focus(known[generator_id].step, generator_id, known[generator_id], evaluation, verdict)


def _checkpoint(store: Store, run: Run) -> Focus:
    for evaluation in evaluations_newest_first(store, run.run_id):
        if evaluations.purpose_of(evaluation) == FINAL:
            return Focus(evaluation["step"], None, None, evaluation, None)
    steps = Checkpoints(store, run.run_id).steps()
    return Focus(steps[-1] if steps else None, None, None, None, None)


def _generators(store: Store, run_id: str) -> dict[str, GeneratorMetadata]:
    """The generators of a run by id; damaged ones are passed over with a warning."""
    found = {}
    for generator_id in immutable.ids(store, "generator"):
        try:
            facts = facts_module.read(store, generator_id)
        except (IntegrityError, NotFoundError) as error:
            warn("a damaged generator of this run or another is passed over", reason=str(error))
        else:
            if facts.run_id == run_id:
                found[generator_id] = facts
    return found


def _verdicts(store: Store, run_id: str) -> list[Json]:
    return [verdicts.read(store, run_id, name) for name in verdicts.names(store, run_id)]


def _judged_at(verdict: Json) -> str:
    return str(verdict.get("judged_at", ""))
