"""The evaluate step: choose a checkpoint, generate images and score them against a reference."""

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
from gan.metrics.maths.frechet import FEW_IMAGES
from gan.metrics.reference import Reference
from gan.metrics.registry import METRICS
from gan.result import StepResult, Stopwatch
from gan.store import Store
from gan.train.checkpoint.files import Checkpoints, load_ema
from gan.train.checkpoint.selection import kept_steps, named_step
from gan.train.run import Run, read_run
from gan.types import Json
from gan.util import log
from gan.util.log import Advance

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

    The choice is by FID, on separate latents and held-out images, so that the final scores are not those that the
    checkpoint was selected by. Scores that exist under the same identity are reused. Numbers of samples and of real
    images may differ within one identity, but they bias FID: only scores with the same numbers can be compared.

    Args:
        store: where everything is.
        run_id: the run.
        reference_id: the reference.
        checkpoint: a step, "latest" or "best"; None: `evaluate.checkpoint` of the run's config.
        sets: overrides of the run's `evaluate` keys, `evaluate.samples=1000`.
        now: the clock.

    Returns:
        The run's id and the URI of the record; details: the record and `fid_by_step`, the FIDs of the selection.

    Raises:
        NotFoundError: no such run, reference or checkpoint.
        ConfigError: a wrong override, or the images of run and reference differ in shape.
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
    """The selection record of one checkpoint: the values of `metrics`, for choosing among checkpoints.

    It raises what `evaluate` raises.
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
    """The scorer of a run's checkpoints, and the steps that `checkpoint` names."""
    run = read_run(store, run_id)
    protocol = override(run.config, sets).evaluate
    wanted = checkpoint or protocol.checkpoint
    steps = kept_steps(store, run) if wanted == "best" else [named_step(store, run, wanted)]
    reference = references.load(store, reference_id)
    scorer = _Scorer(store, run, spec.load(store, run.dataset_id), reference, reference_id, protocol, now)
    scorer.check()
    return scorer, steps


def checkpoint_generator(store: Store, run: Run, dataset: Dataset, step: int) -> GenerateFn:
    """A checkpoint's EMA generator: from latents [B, Z] and labels [B] (or None) to Images [B, H, W, C] in [-1, 1].

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
    """The relative frequency of each class in the real data, for a conditional generator; None for another."""
    return reference.label_shares if run.config.generator.conditional else None


class _Scorer:
    """Scores checkpoints of one run under one identity. `scored` counts the scores that were not in the store."""

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
        """Check everything that can be checked before an image is generated."""
        from gan.metrics import score

        shape, wanted = self._dataset.image_shape, self._reference.image_shape
        if shape != wanted:
            raise ConfigError(
                f"run {self._run.run_id} draws images of shape {list(shape)}, the reference has {list(wanted)}; "
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
        """The selection record of a checkpoint: from the store if it is there, else computed and written."""
        from gan.metrics import score

        stored = self._stored(step, SELECTION)
        if stored is not None and set(metrics) <= set(stored["metrics"]):
            return stored
        protocol = self._with_metrics(metrics, stored)
        return self._write(
            step,
            self._score(step, SELECTION, lambda drawn: score.score_for_selection(self._reference, drawn, protocol)),
        )

    def record(self, step: int) -> Json:
        """The final record of a checkpoint: from the store if it is there, else computed and written."""
        from gan.metrics import score

        stored = self._stored(step, FINAL)
        if stored is not None and set(self._protocol.metrics) <= set(stored["metrics"]):
            log.info(f"step {step} is scored already", fid=stored["scores"]["fid"]["value"])
            return stored
        watch = Stopwatch()
        protocol = self._with_metrics(self._protocol.metrics, stored)
        scored, contributions = self._score(step, FINAL, lambda drawn: score.score(self._reference, drawn, protocol))
        real = score.score_real(self._reference, protocol)
        scored |= {
            "real": real["scores"],
            "real_identity": real["identity"],
            "weakness": weakness(self._reference.record["feature_network"]),
            "seconds": watch.seconds(),
        }
        record = self._write(step, scored, contributions)
        log.info(f"step {step} scored", **{scored["label"]: scored["scores"]["fid"]["value"]})
        return record

    def _stored(self, step: int, purpose: str) -> Json | None:
        """The record of a checkpoint in the store."""
        identity = self._reference.identity(self._protocol, purpose=purpose).to_json()
        stored = evaluations.read(self._store, self._run.run_id, step, self._reference_id, identity)
        return stored if stored and stored.get("checkpoint_sha256") == self._sha256(step) else None

    def _with_metrics(self, metrics: Sequence[str], stored: Json | None) -> Evaluate:
        """The protocol with these metrics, and those of the stored record that the new one will replace."""
        before = stored["metrics"] if stored else ()
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

    def _score(self, step: int, purpose: str, score: Callable[[ImageBatches], T]) -> T:
        """The result of `score` for the images that a checkpoint generates for a purpose."""
        import tensorflow as tf

        from gan.metrics import samples

        tf.config.experimental.enable_op_determinism()
        generate = checkpoint_generator(self._store, self._run, self._dataset, step)
        shares = label_shares(self._run, self._reference)
        batches = samples.draw_pixels(generate, self._protocol, self._run.config.generator.latent_size, shares, purpose)
        count = sample_count(self._protocol, purpose)
        with log.progress(f"generate and score, step {step}, {purpose}", count, unit="images") as advance:
            return score(_counted(batches, advance))

    def _warn(self) -> None:
        smaller = min(self._protocol.samples, len(self._reference.real))
        if smaller < FEW_IMAGES:
            log.warning(
                f"scores of {self._protocol.samples} samples against {len(self._reference.real)} real images are "
                "coarse and FID is biased upward; compare only scores with the same numbers"
            )
        if len(self._reference.train) < self._protocol.samples:
            log.warning(
                f"the row of real data is scored with {len(self._reference.train)} training images, the generator "
                f"with {self._protocol.samples}: its FID is somewhat too high compared with the generator's"
            )
        if self._run.dataset_id != self._reference.record["dataset_id"]:
            log.warning(
                f"run {self._run.run_id} was trained on {self._run.dataset_id}, the reference is of "
                f"{self._reference.record['dataset_id']}"
            )


def _counted(batches: ImageBatches, advance: Advance) -> ImageBatches:
    for pixels, labels in batches:
        yield pixels, labels
        advance(len(pixels))
