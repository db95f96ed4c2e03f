"""The evaluate step: choose a checkpoint, draw images from it and score them against a reference."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from gan import build
from gan.config import Evaluate, override
from gan.data import spec
from gan.data.spec import Dataset
from gan.errors import ConfigError
from gan.lineage import require_exists
from gan.metrics import evaluations
from gan.metrics import reference as references
from gan.metrics.features.trained.quality import weakness
from gan.metrics.identity import FINAL, SELECTION, sample_count
from gan.metrics.reference import Reference
from gan.metrics.registry import METRICS
from gan.metrics.scores.fid import FEW_IMAGES
from gan.result import StepResult, Stopwatch
from gan.store import Store
from gan.train.checkpoint.files import Checkpoints, load_ema
from gan.train.checkpoint.selection import kept_steps, named_step
from gan.train.run import Run, read_run
from gan.types import Json
from gan.util.log import Advance, progress, say, warn

if TYPE_CHECKING:
    from gan.metrics.maths.contributions import Contributions
    from gan.metrics.score import ImageBatches
    from gan.types import GenerateFn

T = TypeVar("T")


def evaluate(
    store: Store,
    run_id: str,
    reference_id: str,
    *,
    checkpoint: str | None = None,
    sets: Sequence[str] = (),
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> StepResult:
    """Choose a checkpoint of a run and score it.

    The choice is by FID on latents and held-out images of its own, so that the scores of the chosen checkpoint are not
    those that it was chosen by. What was scored before under the same identity is not scored again. Different numbers
    of samples and of real images are fine within one identity, but bias FID, so that only scores with the same numbers
    can be compared.

    Args:
        store: where everything is.
        run_id: the run.
        reference_id: what to score against.
        checkpoint: a step, "latest" or "best"; None: `evaluate.checkpoint` of the run's config.
        sets: overrides of the run's `evaluate` keys, `evaluate.samples=1000`.
        now: the clock.

    Returns:
        The run's id, the URI of the record; details: the record itself and `fid_by_step`, the FIDs of the selection.

    Raises:
        NotFoundError: no such run, reference or checkpoint.
        ConfigError: a wrong override, or images of another shape than the reference's.
        IntegrityError: the checkpoint, reference or an earlier record is damaged.
    """
    watch = Stopwatch()
    scorer, steps = _prepare(store, run_id, reference_id, checkpoint, sets, now)
    candidates = [scorer.selection_record(step) for step in steps]
    chosen = evaluations.best(candidates) or candidates[-1]
    record = scorer.record(int(chosen["step"]))
    return StepResult(
        run_id,
        store.uri_of(evaluations.key_of(run_id, record["step"], reference_id, record["identity"])),
        watch.seconds(),
        skipped=not scorer.scored,
        details={**record, "fid_by_step": {str(each["step"]): each["scores"]["fid"]["value"] for each in candidates}},
    )


def evaluate_for_selection(
    store: Store, run_id: str, reference_id: str, *, checkpoint: str, metrics: Sequence[str] = ("fid",)
) -> Json:
    """The record of selection of one checkpoint: the values of `metrics` that it may be chosen by.

    Raises:
        See `evaluate`.
    """
    scorer, (step,) = _prepare(store, run_id, reference_id, checkpoint, (), lambda: datetime.now(UTC))
    return scorer.selection_record(step, metrics)


def _prepare(
    store: Store,
    run_id: str,
    reference_id: str,
    checkpoint: str | None,
    sets: Sequence[str],
    now: Callable[[], datetime],
) -> tuple[_Scorer, list[int]]:
    """What scores the checkpoints of a run, and the steps that are meant."""
    run = read_run(store, run_id)
    protocol = override(run.config, sets).evaluate
    wanted = checkpoint or protocol.checkpoint
    steps = kept_steps(store, run) if wanted == "best" else [named_step(store, run, wanted)]
    reference = references.load(store, reference_id)
    scorer = _Scorer(store, run, spec.load(store, run.dataset_id), reference, reference_id, protocol, now)
    scorer.check()
    return scorer, steps


def checkpoint_draw(store: Store, run: Run, dataset: Dataset, step: int) -> GenerateFn:
    """What draws Images [B, H, W, C] in [-1, 1] from latents [B, Z] and labels [B] (or None) with a checkpoint's EMA.

    Raises:
        NotFoundError: there is no such checkpoint.
        IntegrityError: it is damaged.
    """
    import tensorflow as tf

    generator = build.build_generator(run.config, dataset)
    load_ema(store, run.run_id, step, generator)
    conditional = run.config.generator.conditional
    call = tf.function(lambda inputs: generator(inputs, training=False))
    return lambda latents, labels: call([latents, labels] if conditional else latents)


def label_shares(run: Run, reference: Reference) -> tuple[float, ...] | None:
    """How often a conditional generator is asked for each class: as often as it occurs; None if it takes no labels."""
    return reference.label_shares if run.config.generator.conditional else None


class _Scorer:
    """Scores checkpoints of one run under one identity. `scored` counts those that were not in the store."""

    def __init__(
        self,
        store: Store,
        run: Run,
        dataset: Dataset,
        reference: Reference,
        reference_id: str,
        protocol: Evaluate,
        now: Callable[[], datetime],
    ) -> None:
        self._store, self._run, self._dataset = store, run, dataset
        self._reference, self._reference_id, self._protocol = reference, reference_id, protocol
        self._now = now
        self.scored = 0

    def check(self) -> None:
        """Everything that can be known before an image is drawn."""
        from gan.metrics import score

        shape, wanted = self._dataset.image_shape, self._reference.image_shape
        if shape != wanted:
            raise ConfigError(
                f"run {self._run.run_id} draws images of shape {list(shape)}, the reference looks at {list(wanted)}; "
                f"make one of its own dataset with: gan reference --dataset-id {self._run.dataset_id}"
            )
        shares = label_shares(self._run, self._reference)
        if shares is not None and len(shares) != len(self._dataset.classes):
            raise ConfigError(
                f"run {self._run.run_id} draws {len(self._dataset.classes)} classes, the reference has {len(shares)}; "
                f"make one of its own dataset with: gan reference --dataset-id {self._run.dataset_id}"
            )
        score.check(self._reference, self._protocol, conditional=shares is not None)
        self._warn()

    def selection_record(self, step: int, metrics: Sequence[str] = ("fid",)) -> Json:
        """The record of what a checkpoint may be chosen by: from the store if it is there, else made and written."""
        from gan.metrics import score

        known = self._known(step, SELECTION)
        if known is not None and set(metrics) <= set(known["metrics"]):
            return known
        protocol = self._with(metrics, known)
        return self._write(
            step,
            self._drawn(step, SELECTION, lambda drawn: score.score_for_selection(self._reference, drawn, protocol)),
        )

    def record(self, step: int) -> Json:
        """The final scores of a checkpoint: from the store if they are there under the same identity, else made."""
        from gan.metrics import score

        known = self._known(step, FINAL)
        if known is not None and set(self._protocol.metrics) <= set(known["metrics"]):
            say(f"step {step} is scored already", fid=known["scores"]["fid"]["value"])
            return known
        watch = Stopwatch()
        protocol = self._with(self._protocol.metrics, known)
        scored, contributions = self._drawn(step, FINAL, lambda drawn: score.score(self._reference, drawn, protocol))
        real = score.score_real(self._reference, protocol)
        scored |= {
            "real": real["scores"],
            "real_identity": real["identity"],
            "weakness": weakness(self._reference.record["feature_network"]),
            "seconds": watch.seconds(),
        }
        record = self._write(step, scored, contributions)
        say(f"step {step} scored", **{scored["label"]: scored["scores"]["fid"]["value"]})
        return record

    def _known(self, step: int, purpose: str) -> Json | None:
        """The record of a checkpoint in the store."""
        identity = self._reference.identity(self._protocol, purpose=purpose).to_json()
        known = evaluations.read(self._store, self._run.run_id, step, self._reference_id, identity)
        return known if known and known.get("checkpoint_sha256") == self._sha256(step) else None

    def _with(self, metrics: Sequence[str], known: Json | None) -> Evaluate:
        """The protocol with these metrics and those of a known record, which the new one replaces."""
        before = known["metrics"] if known else ()
        return dataclasses.replace(
            self._protocol, metrics=tuple(name for name in METRICS if name in {*metrics, *before})
        )

    def _write(self, step: int, scored: Json, contributions: Mapping[str, Contributions] | None = None) -> Json:
        record: Json = {
            "run_id": self._run.run_id,
            "step": step,
            "reference_id": self._reference_id,
            "checkpoint_sha256": self._sha256(step),
            **scored,
            "evaluated_at": evaluations.date(evaluations.read_all(self._store, self._run.run_id), self._now()),
        }
        record = evaluations.write(self._store, record, contributions)
        require_exists(self._store, "reference", self._reference_id)
        require_exists(self._store, "run", self._run.run_id)
        self.scored += 1
        return record

    def _sha256(self, step: int) -> str:
        return str(Checkpoints(self._store, self._run.run_id).read_meta(step)["sha256"])

    def _drawn(self, step: int, purpose: str, scored: Callable[[ImageBatches], T]) -> T:
        """What `scored` makes of the images that a checkpoint draws for a purpose."""
        import tensorflow as tf

        from gan.metrics import samples

        tf.config.experimental.enable_op_determinism()
        draw = checkpoint_draw(self._store, self._run, self._dataset, step)
        shares = label_shares(self._run, self._reference)
        drawn = samples.draw_pixels(draw, self._protocol, self._run.config.generator.latent_size, shares, purpose)
        count = sample_count(self._protocol, purpose)
        with progress(f"draw and look, step {step}, {purpose}", count, unit="images") as advance:
            return scored(_counted(drawn, advance))

    def _warn(self) -> None:
        smaller = min(self._protocol.samples, len(self._reference.real))
        if smaller < FEW_IMAGES:
            warn(
                f"scores of {self._protocol.samples} samples against {len(self._reference.real)} real images are "
                "coarse and FID is biased upward; compare only scores with these very numbers"
            )
        if len(self._reference.train) < self._protocol.samples:
            warn(
                f"the row of real data is scored with {len(self._reference.train)} training images, the generator "
                f"with {self._protocol.samples}: its FID is somewhat too high beside the generator's"
            )
        if self._run.dataset_id != self._reference.record["dataset_id"]:
            warn(
                f"run {self._run.run_id} was trained on {self._run.dataset_id}, the reference is of "
                f"{self._reference.record['dataset_id']}"
            )


def _counted(batches: ImageBatches, advance: Advance) -> ImageBatches:
    for pixels, labels in batches:
        yield pixels, labels
        advance(len(pixels))
