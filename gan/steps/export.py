"""The export step: publish a checkpoint's generator as a SavedModel that draws the same pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gan import build
from gan.config import Evaluate
from gan.data import spec
from gan.data.spec import Dataset
from gan.errors import NotFoundError
from gan.export import metadata as generator_metadata
from gan.export import parity
from gan.export.card import DatasetSummary, card
from gan.export.metadata import GeneratorMetadata
from gan.export.sample_grid import SampleGrid, sample_grid
from gan.lineage import require_exists
from gan.result import StepResult, Stopwatch
from gan.store import Store, immutable, step_cache
from gan.train.checkpoint.files import Checkpoints, load_ema
from gan.train.checkpoint.selection import kept_steps, named_step
from gan.train.run import Run, read_run
from gan.types import Json
from gan.util import log
from gan.util.images import png
from gan.util.scratch import scratch_folder

if TYPE_CHECKING:
    import keras

    from gan.export.saved_model import Exported
    from gan.types import Images

METHOD = 3  # increase it whenever the contents of an export change
PARITY_ROWS = 32


def export(
    store: Store,
    run_id: str,
    *,
    checkpoint: str | None = None,
    reference_id: str | None = None,
    protocol: Evaluate | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> StepResult:
    """Publish the EMA generator of a checkpoint, as SavedModel and .keras file.

    Args:
        store: where the run is and the generator goes.
        run_id: the run.
        checkpoint: a step, "latest" or "best"; None: the best evaluated one, else the latest. The best one has the
            lowest selection FID among the kept checkpoints that were evaluated in the same way as the newest
            evaluation.
        reference_id: only evaluations against this reference count; None: any.
        protocol: only evaluations with these `evaluate` keys count; None: any.
        now: the clock.

    Returns:
        The generator's id; details: run_id, step, reference_id (None without an evaluation) and `parity`.

    Raises:
        NotFoundError: no such run or checkpoint, or no evaluation where `reference_id` or "best" asks for one.
        ConfigError: `checkpoint` is none of them.
        IdentityError: the checkpoint was evaluated by a version that measured differently.
        IntegrityError: the checkpoint, the dataset's description or the reference is damaged.
        ParityError: the export draws other images than the checkpoint.
    """
    watch = Stopwatch()
    run = read_run(store, run_id)
    dataset = spec.load(store, run.dataset_id)
    step, evaluation = _chosen(store, run, checkpoint, reference_id, protocol)
    recipe = {
        "method": METHOD,
        "run_id": run_id,
        "step": step,
        "checkpoint_sha256": Checkpoints(store, run_id).read_meta(step)["sha256"],
        "evaluation": evaluation,
    }
    known = step_cache.published(store, "export", recipe, "generator")
    if known is not None:
        return _result(store, known, watch, skipped=True)
    with scratch_folder() as folder:
        _fill(store, run, dataset, step, evaluation, folder, now())
        files = immutable.files_below(folder)
        generator_id = immutable.sums_id("gen", files)
        step_cache.put(store, "export", recipe, generator_id)
        immutable.publish(store, "generator", generator_id, files)
    require_exists(store, "run", run_id)
    return _result(store, generator_id, watch)


def _result(store: Store, generator_id: str, watch: Stopwatch, *, skipped: bool = False) -> StepResult:
    metadata = generator_metadata.read(store, generator_id)
    details = {
        "run_id": metadata.run_id,
        "step": metadata.step,
        "reference_id": metadata.reference_id,
        "parity": metadata.parity,
    }
    uri = store.uri_of(immutable.prefix_of("generator", generator_id))
    return StepResult(generator_id, uri, watch.seconds(), skipped=skipped, details=details)


def _chosen(
    store: Store, run: Run, checkpoint: str | None, reference_id: str | None, protocol: Evaluate | None
) -> tuple[int, Json | None]:
    """The step to export, and its newest evaluation that counts."""
    from gan.metrics import evaluations, identity

    kept = kept_steps(store, run)
    records = [
        each for each in evaluations_newest_first(store, run.run_id) if reference_id in (None, each["reference_id"])
    ]
    selections = [each for each in records if evaluations.purpose_of(each) == identity.SELECTION]
    finals = [
        each
        for each in records
        if evaluations.purpose_of(each) == identity.FINAL
        and (protocol is None or identity.is_final_under(each["identity"], protocol))
    ]
    if checkpoint in (None, "best") and finals:
        comparable = {each["step"]: each for each in finals if each["identity"] == finals[0]["identity"]}
        best = comparable[_selected_step(selections, finals[0], comparable)]
        log.info(f"step {best['step']} was chosen by its selection FID", evaluated=len(comparable))
        return int(best["step"]), best
    if checkpoint == "best" or (checkpoint is None and reference_id is not None):
        raise NotFoundError(
            f"no kept checkpoint of run {run.run_id} was evaluated{_against(reference_id)}, so none is the best; "
            f"{_remedy(run, reference_id)}{'' if reference_id else ', or export with --checkpoint latest'}"
        )
    step = kept[-1] if checkpoint is None else named_step(store, run, checkpoint)
    evaluation = next((each for each in finals if each["step"] == step), None)
    if evaluation is None and reference_id is not None:
        raise NotFoundError(
            f"the checkpoint of step {step} of run {run.run_id} was not evaluated{_against(reference_id)}; "
            f"{_remedy(run, reference_id)} --checkpoint {step}"
        )
    return step, evaluation


def _selected_step(selections: list[Json], newest: Json, among: Mapping[int, Json]) -> int:
    """The step with the lowest selection FID, by the newest selection identity; the step of `newest` without one."""
    from gan.metrics import evaluations

    candidates = [
        each for each in selections if each["step"] in among and each["reference_id"] == newest["reference_id"]
    ]
    comparable = [each for each in candidates if each["identity"] == candidates[0]["identity"]]
    best = evaluations.best(comparable)
    return int((best or newest)["step"])


def _against(reference_id: str | None) -> str:
    return f" against {reference_id}" if reference_id else ""


def _remedy(run: Run, reference_id: str | None) -> str:
    return f"evaluate it with: gan evaluate --run-id {run.run_id} --reference-id {reference_id or 'ID'}"


def evaluations_newest_first(store: Store, run_id: str) -> list[Json]:
    """The evaluations of a run's current checkpoints, the newest first.

    Evaluations of checkpoints that were deleted or retrained since are left out.
    """
    from gan.metrics import evaluations

    checkpoints = Checkpoints(store, run_id)
    sha256s = {step: checkpoints.read_meta(step)["sha256"] for step in checkpoints.steps()}
    return evaluations.newest_first(
        [
            record
            for record in evaluations.read_all(store, run_id)
            if record["step"] in sha256s and record.get("checkpoint_sha256") == sha256s[record["step"]]
        ]
    )


def _fill(
    store: Store, run: Run, dataset: Dataset, step: int, evaluation: Json | None, folder: Path, moment: datetime
) -> None:
    """Write all files of the generator into `folder`."""
    from gan.export import saved_model

    generator = build.build_generator(run.config, dataset)
    checkpoint_sha256 = load_ema(store, run.run_id, step, generator)
    log.info("export", run_id=run.run_id, step=step)
    saved_model.write(generator, folder)
    exported = saved_model.Exported(folder / generator_metadata.SAVED_MODEL)
    classes = dataset.classes if run.config.generator.conditional else ()
    latent_size = run.config.generator.latent_size
    measured = _pixel_parity(
        generator, exported, folder, sample_grid(latent_size, len(classes) or None, rows=PARITY_ROWS)
    )
    if evaluation is not None:
        rescored = _rescored(store, run, evaluation, exported)
        measured |= _score_parity(evaluation, rescored)
        text = json.dumps({**evaluation, "exported_scores": rescored}, indent=2)
        (folder / generator_metadata.EVALUATION).write_text(text, encoding="utf-8")
    metadata = GeneratorMetadata(
        run_id=run.run_id,
        step=step,
        dataset_id=dataset.id,
        reference_id=None if evaluation is None else evaluation["reference_id"],
        checkpoint_sha256=checkpoint_sha256,
        config=run.config.to_dict(),
        latent_size=latent_size,
        conditional=run.config.generator.conditional,
        classes=classes,
        image_shape=dataset.image_shape,
        parity=measured,
        exported_at=moment.isoformat(timespec="microseconds"),
    )
    text = json.dumps(metadata.to_dict(), indent=2, sort_keys=True)
    (folder / generator_metadata.METADATA).write_text(text, encoding="utf-8")
    shown = sample_grid(latent_size, len(classes) or None)
    (folder / generator_metadata.SAMPLES).write_bytes(png(shown.picture(exported.pixels(shown.latents, shown.labels))))
    (folder / generator_metadata.CARD).write_text(
        card(metadata, _dataset_summary(dataset), evaluation), encoding="utf-8"
    )


def _pixel_parity(generator: keras.Model, exported: Exported, folder: Path, drawn: SampleGrid) -> Json:
    """Compare the images of checkpoint, SavedModel and .keras file for the same latents."""
    import keras

    def through(network: keras.Model) -> Images:
        given = drawn.latents if drawn.labels is None else [drawn.latents, drawn.labels]
        return np.asarray(network(given, training=False))

    expected = through(generator)
    reloaded = keras.models.load_model(folder / generator_metadata.KERAS, safe_mode=True, compile=False)
    differences = {
        "saved_model": parity.largest_difference(expected, exported.images(drawn.latents, drawn.labels)),
        "keras": parity.largest_difference(expected, through(reloaded)),
    }
    parity.check(differences)
    return {"images": len(expected), **differences, "largest_pixel_difference": max(differences.values())}


def _rescored(store: Store, run: Run, evaluation: Json, exported: Exported) -> Json:
    """The SavedModel's scores, measured in the same way as the checkpoint's."""
    import tensorflow as tf

    from gan.metrics import identity, samples, score
    from gan.metrics import reference as references
    from gan.steps.evaluate import label_shares

    tf.config.experimental.enable_op_determinism()
    reference = references.load(store, evaluation["reference_id"])
    chosen = identity.protocol_keys(evaluation["identity"])
    protocol = Evaluate(**chosen, metrics=tuple(evaluation["metrics"]))
    identity.require_same(
        evaluation["identity"],
        reference.identity(protocol).to_json(),
        "the scores of the checkpoint and of its export",
        f"evaluate the checkpoint again with: gan evaluate --run-id {run.run_id} --reference-id "
        f"{evaluation['reference_id']} --checkpoint {evaluation['step']}",
    )
    drawn = samples.draw_pixels(
        exported.images, protocol, run.config.generator.latent_size, label_shares(run, reference)
    )
    return {name: {"value": value} for name, value in score.score_values(reference, drawn, protocol).items()}


def _score_parity(evaluation: Json, rescored: Json) -> Json:
    differences = parity.score_differences(evaluation["scores"], rescored)
    return {
        "score_differences": differences,
        "scores_equal": parity.scores_equal(evaluation["scores"], differences),
    }


def _dataset_summary(dataset: Dataset) -> DatasetSummary:
    examples = {name: split.examples for name, split in dataset.splits.items()}
    return DatasetSummary(
        dataset.id,
        dataset.source,
        dataset.matches_published_checksums,
        dataset.crop,
        dataset.crop_offset,
        dataset.resizer,
        examples,
    )
