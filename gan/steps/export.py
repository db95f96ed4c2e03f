"""The export step: publish a checkpoint's generator for whoever has TensorFlow, proven to draw the same pictures."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gan import build
from gan.console import say
from gan.data import spec
from gan.data.spec import Dataset
from gan.errors import ConfigError, NotFoundError
from gan.export import facts as facts_module
from gan.export import parity
from gan.export.card import DataFacts, card
from gan.export.facts import Facts
from gan.export.sheet import Sheet, sheet
from gan.pixels import grid, png
from gan.scratch import scratch_folder
from gan.steps.outcome import Outcome, Stopwatch
from gan.store import Store, memo, runs, sealed
from gan.train.checkpoint import Checkpoints, load_ema
from gan.train.run import Run, read_run
from gan.types import Json

if TYPE_CHECKING:
    import keras

    from gan.export.saved_model import Exported
    from gan.types import Images

METHOD = 1  # rises with any change of what an export holds
PARITY_ROWS = 32
COMFORTABLE_SIDE = 64


def export(store: Store, run_id: str, *, checkpoint: str | None = None) -> Outcome:
    """Publish the generator of a checkpoint: its moving averages, as SavedModel and .keras file.

    Args:
        store: where the run is and the generator goes.
        run_id: the run.
        checkpoint: a step, "latest" or "best"; None: the best evaluated one, else the latest. Best is the lowest FID
            among the checkpoints that are still kept and were evaluated in the same way as the newest evaluation.

    Returns:
        The generator's id; details: run_id, step, reference_id (None without an evaluation) and `parity`.

    Raises:
        NotFoundError: no such run or checkpoint.
        ConfigError: `checkpoint` is none of these.
        IntegrityError: the checkpoint, the dataset's description or the reference is damaged.
        ParityError: what was exported draws something else than the checkpoint.
    """
    watch = Stopwatch()
    run = read_run(store, run_id)
    dataset = spec.load(store, run.dataset_id)
    step, evaluation = _chosen(store, run_id, checkpoint)
    recipe = {
        "method": METHOD,
        "run_id": run_id,
        "step": step,
        "checkpoint_sha256": Checkpoints(store, run_id).read_meta(step)["sha256"],
        "evaluation": evaluation,
    }
    known = memo.recall(store, "export", recipe)
    if known is not None and sealed.is_published(store, "generator", known):
        return _outcome(store, known, watch, skipped=True)
    with scratch_folder() as folder:
        _fill(store, run, dataset, step, evaluation, folder)
        files = sealed.files_below(folder)
        generator_id = sealed.sums_id("gen", files)
        sealed.publish(store, "generator", generator_id, files)
    memo.remember(store, "export", recipe, generator_id)
    return _outcome(store, generator_id, watch)


def _outcome(store: Store, generator_id: str, watch: Stopwatch, *, skipped: bool = False) -> Outcome:
    facts = facts_module.read(store, generator_id)
    details = {
        "run_id": facts.run_id,
        "step": facts.step,
        "reference_id": facts.reference_id,
        "parity": facts.parity,
    }
    uri = store.uri_of(sealed.prefix_of("generator", generator_id))
    return Outcome(generator_id, uri, watch.seconds(), skipped=skipped, details=details)


def _chosen(store: Store, run_id: str, checkpoint: str | None) -> tuple[int, Json | None]:
    """The step to export, and its newest evaluation."""
    checkpoints = Checkpoints(store, run_id)
    steps = checkpoints.steps()
    if not steps:
        raise NotFoundError(f"run {run_id} has no checkpoint yet; go on with: gan train --run-id {run_id}")
    newest_first = evaluations_newest_first(store, run_id)
    if checkpoint in (None, "best") and newest_first:
        from gan.metrics import evaluations

        alike = [each for each in newest_first if each["identity"] == newest_first[0]["identity"]]
        best = evaluations.best(alike)
        if best is not None:
            say(
                f"step {best['step']} has the lowest FID of {len(alike)} evaluated",
                **{best["label"]: best["scores"]["fid"]["value"]},
            )
            return int(best["step"]), best
    if checkpoint == "best":
        raise NotFoundError(
            f"no kept checkpoint of run {run_id} was evaluated, so none is the best; evaluate it with: gan evaluate "
            f"--run-id {run_id} --reference-id ID, or export with --checkpoint latest"
        )
    step = steps[-1] if checkpoint in (None, "latest") else _step(checkpoints, str(checkpoint))
    return step, next((each for each in newest_first if each["step"] == step), None)


def _step(checkpoints: Checkpoints, checkpoint: str) -> int:
    if not checkpoint.isdecimal():
        raise ConfigError(f'--checkpoint must be a step, latest or best; got "{checkpoint}"')
    checkpoints.read_meta(int(checkpoint))
    return int(checkpoint)


def evaluations_newest_first(store: Store, run_id: str) -> list[Json]:
    """The evaluations of a run's checkpoints as they are now, the newest first.

    Those of a checkpoint that was deleted, or trained anew since, are left out.
    """
    from gan.metrics import evaluations

    checkpoints = Checkpoints(store, run_id)
    sha256s = {step: checkpoints.read_meta(step)["sha256"] for step in checkpoints.steps()}
    records = {
        evaluations.key_of(run_id, record["step"], record["reference_id"]): record
        for record in evaluations.read_all(store, run_id)
        if record["step"] in sha256s and record.get("checkpoint_sha256") == sha256s[record["step"]]
    }
    written = {item.key: item.modified for item in store.list(runs.evaluations(run_id))}
    return [records[key] for key in sorted(records, key=lambda key: (written[key], key), reverse=True)]


def _fill(store: Store, run: Run, dataset: Dataset, step: int, evaluation: Json | None, folder: Path) -> None:
    """Write every file of the generator into `folder`."""
    from gan.export import saved_model

    generator = build.build_generator(run.config, dataset)
    checkpoint_sha256 = load_ema(store, run.run_id, step, generator)
    say("export", run_id=run.run_id, step=step)
    saved_model.write(generator, folder)
    exported = saved_model.Exported(folder / saved_model.FOLDER)
    classes = dataset.classes if run.config.generator.conditional else ()
    latent_size = run.config.generator.latent_size
    measured = _pixel_parity(generator, exported, folder, sheet(latent_size, len(classes) or None, rows=PARITY_ROWS))
    if evaluation is not None:
        rescored = _rescored(store, run, evaluation, exported)
        measured |= _score_parity(evaluation, rescored)
        text = json.dumps({**evaluation, "exported_scores": rescored}, indent=2)
        (folder / "evaluation.json").write_text(text, encoding="utf-8")
    facts = Facts(
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
    )
    text = json.dumps(facts.to_dict(), indent=2, sort_keys=True)
    (folder / facts_module.FILE).write_text(text, encoding="utf-8")
    (folder / "samples.png").write_bytes(_samples(exported, sheet(latent_size, len(classes) or None)))
    (folder / "card.md").write_text(card(facts, _data_facts(dataset), evaluation), encoding="utf-8")


def _pixel_parity(generator: keras.Model, exported: Exported, folder: Path, drawn: Sheet) -> Json:
    """The same latents through checkpoint, SavedModel and .keras file."""
    import keras

    from gan.export import saved_model

    def through(network: keras.Model) -> Images:
        given = drawn.latents if drawn.labels is None else [drawn.latents, drawn.labels]
        return np.asarray(network(given, training=False))

    expected = through(generator)
    reloaded = keras.models.load_model(folder / saved_model.KERAS_FILE, safe_mode=True, compile=False)
    differences = {
        "saved_model": parity.largest_difference(expected, exported.images(drawn.latents, drawn.labels)),
        "keras": parity.largest_difference(expected, through(reloaded)),
    }
    parity.check(differences)
    return {"images": len(expected), **differences, "largest_pixel_difference": max(differences.values())}


def _rescored(store: Store, run: Run, evaluation: Json, exported: Exported) -> Json:
    """The scores of the SavedModel, with the identity of the checkpoint's evaluation."""
    import tensorflow as tf

    from gan.config import Evaluate
    from gan.metrics import identity, samples, score
    from gan.metrics import reference as references
    from gan.steps.evaluate import label_shares

    tf.config.experimental.enable_op_determinism()
    reference = references.load(store, evaluation["reference_id"])
    protocol = Evaluate(**{name: evaluation["identity"][name] for name in identity.PROTOCOL})
    drawn = samples.draw_pixels(
        exported.images, protocol, run.config.generator.latent_size, label_shares(run, reference)
    )
    scored = score.score(reference, drawn, protocol)
    identity.require_same(
        evaluation["identity"],
        scored["identity"],
        "the scores of the checkpoint and of its export",
        "evaluate the checkpoint again with: gan evaluate",
    )
    rescored: Json = scored["scores"]
    return rescored


def _score_parity(evaluation: Json, rescored: Json) -> Json:
    differences = parity.score_differences(evaluation["scores"], rescored)
    return {
        "score_differences": differences,
        "scores_equal": parity.scores_equal(evaluation["scores"], differences),
    }


def _samples(exported: Exported, drawn: Sheet) -> bytes:
    pixels = exported.pixels(drawn.latents, drawn.labels)
    return png(grid(pixels, columns=drawn.columns, scale=math.ceil(COMFORTABLE_SIDE / pixels.shape[1])))


def _data_facts(dataset: Dataset) -> DataFacts:
    examples = {name: split.examples for name, split in dataset.splits.items()}
    return DataFacts(dataset.id, dataset.source, dataset.genuine, dataset.crop, dataset.resizer, examples)
