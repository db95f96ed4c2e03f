"""Where what a report shows came from, link by link, from data to promotion.

No step of its own; `gan.steps.report` calls it.
"""

from __future__ import annotations

from gan.data.spec import Dataset
from gan.export.metadata import GeneratorMetadata
from gan.metrics.requirements import split_of
from gan.report.data import LineageEntry
from gan.steps.reporting.subject import Focus
from gan.store import Store, alias, immutable
from gan.train.checkpoint.files import Checkpoints
from gan.train.run import Run


def lineage(store: Store, run: Run, dataset: Dataset, focus: Focus) -> list[LineageEntry]:
    """The links of a run, each with what to know of it."""
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
    if focus.step is not None:
        links.append(
            LineageEntry("Checkpoint", f"{run.run_id}, step {focus.step}", _checkpoint_summary(store, run, focus))
        )
    if focus.evaluation is not None:
        reference_id = focus.evaluation["reference_id"]
        links.append(LineageEntry("Reference", reference_id, _reference_summary(store, reference_id)))
    if focus.generator_id is not None and focus.facts is not None:
        links.append(LineageEntry("Generator", focus.generator_id, _parity_summary(focus.facts)))
        links += _promotions(store, focus.generator_id)
    return links


def _checkpoint_summary(store: Store, run: Run, focus: Focus) -> str:
    if focus.facts is not None:
        return f"SHA-256 {focus.facts.checkpoint_sha256}"
    return f"SHA-256 {Checkpoints(store, run.run_id).read_meta(int(focus.step or 0))['sha256']}"


def _reference_summary(store: Store, reference_id: str) -> str:
    if not immutable.is_published(store, "reference", reference_id):
        return "no longer in this store"
    record = immutable.read_json(store, "reference", reference_id, "reference.json")
    network = record["feature_network"]
    right = ""
    if "accuracy" in network:
        chance = f" (chance {network['chance']:.1%})" if "chance" in network else ""
        right = f", balanced accuracy {network['accuracy']:.1%} on held-out images{chance}"
    return f"{network['name']}:{network['hash'][:6]}{right}; {split_of(record)} split"


def _parity_summary(facts: GeneratorMetadata) -> str:
    difference = facts.parity["largest_pixel_difference"]
    if difference == 0:
        return "draws the checkpoint's pictures to the last bit"
    return f"no pixel (range [-1, 1]) differs from the checkpoint's by more than {difference:.2g}"


def _promotions(store: Store, generator_id: str) -> list[LineageEntry]:
    """Every name that the generator is or was live under."""
    links = []
    for name in alias.names(store):
        found = alias.read(store, name)
        moves = [move for move in found.moves if move.generator_id == generator_id]
        if moves:
            state = "live since" if found.live == generator_id else "no longer live; last promoted at"
            before = f"; before it: {moves[-1].before}" if moves[-1].before else ""
            links.append(LineageEntry("Promotion", name, f"{state} {moves[-1].at}{before}"))
    return links
