"""What a report is about: a run's last exported or judged generator, or its newest checkpoint before there is one.

Not a pipeline step; `gan.steps.report` calls it.
"""

from __future__ import annotations

from dataclasses import dataclass

from gan.data.spec import Dataset
from gan.errors import IntegrityError, NotFoundError
from gan.export import metadata as generator_metadata
from gan.export.metadata import GeneratorMetadata
from gan.metrics import evaluations
from gan.metrics.identity import FINAL
from gan.metrics.requirements import split_of
from gan.report.data import LineageEntry
from gan.steps.export import evaluations_newest_first
from gan.store import Store, alias, immutable
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
    found = [verdicts.read(store, run.run_id, name) for name in verdicts.names(store, run.run_id)]
    judged = [each for each in found if each["generator_id"] in generators]
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


def _judged_at(verdict: Json) -> str:
    return str(verdict.get("judged_at", ""))


def lineage(store: Store, run: Run, dataset: Dataset, subject: ReportSubject) -> list[LineageEntry]:
    """The links of a run's lineage, each with a short description."""
    examples = ", ".join(f"{split.examples:,} {name}" for name, split in dataset.splits.items())
    size = f"{dataset.image_size} x {dataset.image_size} x {dataset.channels}"
    matches_published_checksums = {True: ", genuine files", False: ", not the published files", None: ""}[
        dataset.matches_published_checksums
    ]
    links = [
        LineageEntry("Data", dataset.id, f"{dataset.source}{matches_published_checksums}: {examples} images of {size}"),
        LineageEntry("Config", run.config.name, f"hash {run.config_hash}"),
        LineageEntry("Run", run.run_id, f"{run.config.train.steps:,} steps of {run.config.train.batch_size} images"),
    ]
    if subject.step is not None:
        links.append(
            LineageEntry("Checkpoint", f"{run.run_id}, step {subject.step}", _checkpoint_summary(store, run, subject))
        )
    if subject.evaluation is not None:
        reference_id = subject.evaluation["reference_id"]
        links.append(LineageEntry("Reference", reference_id, _reference_summary(store, reference_id)))
    if subject.generator_id is not None and subject.metadata is not None:
        links.append(LineageEntry("Generator", subject.generator_id, _parity_summary(subject.metadata)))
        links += _promotions(store, subject.generator_id)
    return links


def _checkpoint_summary(store: Store, run: Run, subject: ReportSubject) -> str:
    if subject.metadata is not None:
        return f"SHA-256 {subject.metadata.checkpoint_sha256}"
    return f"SHA-256 {Checkpoints(store, run.run_id).read_meta(int(subject.step or 0))['sha256']}"


def _reference_summary(store: Store, reference_id: str) -> str:
    if not immutable.is_published(store, "reference", reference_id):
        return "no longer in this store"
    record = immutable.read_json(store, "reference", reference_id, "reference.json")
    network = record["feature_network"]
    accuracy = ""
    if "accuracy" in network:
        chance = f" (chance {network['chance']:.1%})" if "chance" in network else ""
        accuracy = f", balanced accuracy {network['accuracy']:.1%} on held-out images{chance}"
    return f"{network['name']}:{network['hash'][:6]}{accuracy}; {split_of(record)} split"


def _parity_summary(metadata: GeneratorMetadata) -> str:
    difference = metadata.parity["largest_pixel_difference"]
    if difference == 0:
        return "draws the same pictures as the checkpoint, bit for bit"
    return f"no pixel (range [-1, 1]) differs from the checkpoint's by more than {difference:.2g}"


def _promotions(store: Store, generator_id: str) -> list[LineageEntry]:
    """A link for every name under which the generator is or was live."""
    links = []
    for name in alias.names(store):
        found = alias.read(store, name)
        history = [move for move in found.history if move.generator_id == generator_id]
        if history:
            state = "live since" if found.live == generator_id else "no longer live; last promoted at"
            before = f"; before it: {history[-1].before}" if history[-1].before else ""
            links.append(LineageEntry("Promotion", name, f"{state} {history[-1].at}{before}"))
    return links
