"""What a report is about: a run's last exported or judged generator, or its newest checkpoint before there is one.

Not a pipeline step; `gan.steps.report` calls it.
"""

from __future__ import annotations

from dataclasses import dataclass

from gan.errors import IntegrityError, NotFoundError
from gan.export import metadata as generator_metadata
from gan.export.metadata import GeneratorMetadata
from gan.metrics import evaluations
from gan.metrics.identity import FINAL
from gan.steps.export import evaluations_newest_first
from gan.store import Store, immutable
from gan.store.records import verdicts
from gan.train.checkpoint.files import Checkpoints
from gan.train.run import Run
from gan.types import Json
from gan.util import log


@dataclass(frozen=True)
class ReportSubject:
    """What a report is about.

    `step` is None before the first checkpoint, `evaluation` before the first evaluation, `verdict` before the gate's.
    """

    step: int | None
    generator_id: str | None
    metadata: GeneratorMetadata | None
    evaluation: Json | None
    verdict: Json | None


def find_subject(store: Store, run: Run) -> ReportSubject:
    """The generator that was exported or judged last, with its newest verdict, or else the newest checkpoint.

    Raises:
        IntegrityError: a verdict, an evaluation or the record of a checkpoint is damaged.
    """
    generators = _generators(store, run.run_id)
    judged = [each for each in _verdicts(store, run.run_id) if each["generator_id"] in generators]
    moments = [(metadata.exported_at, generator_id) for generator_id, metadata in generators.items()]
    moments += [(_judged_at(each), each["generator_id"]) for each in judged]
    if not moments:
        return _checkpoint_subject(store, run)
    _, generator_id = max(moments)
    verdict = max((each for each in judged if each["generator_id"] == generator_id), key=_judged_at, default=None)
    evaluation = generator_metadata.read_evaluation(store, generator_id)
    return ReportSubject(generators[generator_id].step, generator_id, generators[generator_id], evaluation, verdict)


def _checkpoint_subject(store: Store, run: Run) -> ReportSubject:
    for evaluation in evaluations_newest_first(store, run.run_id):
        if evaluations.purpose_of(evaluation) == FINAL:
            return ReportSubject(evaluation["step"], None, None, evaluation, None)
    steps = Checkpoints(store, run.run_id).steps()
    return ReportSubject(steps[-1] if steps else None, None, None, None, None)


def _generators(store: Store, run_id: str) -> dict[str, GeneratorMetadata]:
    """The generators of a run by id; damaged ones are skipped with a warning."""
    found = {}
    for generator_id in immutable.ids(store, "generator"):
        try:
            metadata = generator_metadata.read(store, generator_id)
        except (IntegrityError, NotFoundError) as error:
            log.warning("skipped a damaged generator of this or another run", reason=str(error))
        else:
            if metadata.run_id == run_id:
                found[generator_id] = metadata
    return found


def _verdicts(store: Store, run_id: str) -> list[Json]:
    return [verdicts.read(store, run_id, name) for name in verdicts.names(store, run_id)]


def _judged_at(verdict: Json) -> str:
    return str(verdict.get("judged_at", ""))
