"""The evaluate step: draw images from checkpoints and score them against a reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from gan import build
from gan.config import Evaluate, override
from gan.console import Advance, progress, say, warn
from gan.data import spec
from gan.data.spec import Dataset
from gan.errors import ConfigError
from gan.metrics import evaluations
from gan.metrics import reference as references
from gan.metrics.fid import FEW_IMAGES
from gan.metrics.reference import Reference
from gan.steps.lineage import still_there
from gan.steps.outcome import Outcome, Stopwatch
from gan.store import Store
from gan.train.checkpoint import Checkpoints, load_ema
from gan.train.chosen import kept_steps, named_step
from gan.train.run import Run, read_run
from gan.types import Json

if TYPE_CHECKING:
    from gan.types import Draw, Pixels


def evaluate(
    store: Store,
    run_id: str,
    reference_id: str,
    *,
    checkpoint: str | None = None,
    sets: Sequence[str] = (),
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Outcome:
    """Score one checkpoint of a run, or each one that is kept, and tell the scores of the best.

    What was scored before under the same identity is not scored again. Different numbers of samples and of real
    images are fine within one identity, but bias FID, so that only scores with the same numbers can be compared.

    Args:
        store: where everything is.
        run_id: the run.
        reference_id: what to score against.
        checkpoint: a step, "latest" or "best" (by FID); None: `evaluate.checkpoint` of the run's config.
        sets: overrides of the run's `evaluate` keys, `evaluate.samples=1000`.
        now: the clock.

    Returns:
        The run's id, the URI of the record; details: the record itself and `fid_by_step`.

    Raises:
        NotFoundError: no such run, reference or checkpoint.
        ConfigError: a wrong override, or images of another shape than the reference's.
        IntegrityError: the checkpoint, reference or an earlier record is damaged.
    """
    watch = Stopwatch()
    run = read_run(store, run_id)
    protocol = override(run.config, sets).evaluate
    wanted = checkpoint or protocol.checkpoint
    steps = kept_steps(store, run) if wanted == "best" else [named_step(store, run, wanted)]
    reference = references.load(store, reference_id)
    dataset = spec.load(store, run.dataset_id)
    judge = _Judge(store, run, dataset, reference, reference_id, protocol, now)
    judge.check()
    records = [judge.record(step) for step in steps]
    best = evaluations.best(records) or records[-1]
    return Outcome(
        run_id,
        store.uri_of(evaluations.key_of(run_id, best["step"], reference_id, best["identity"])),
        watch.seconds(),
        skipped=not judge.scored,
        details={**best, "fid_by_step": {str(each["step"]): each["scores"]["fid"]["value"] for each in records}},
    )


def checkpoint_draw(store: Store, run: Run, dataset: Dataset, step: int) -> Draw:
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


class _Judge:
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
        score.check(self._reference, self._protocol)
        self._warn()

    def record(self, step: int) -> Json:
        """The record of a checkpoint: from the store if it is there under the same identity, else made and written."""
        sha256 = Checkpoints(self._store, self._run.run_id).read_meta(step)["sha256"]
        identity = self._reference.identity(self._protocol, self._protocol.samples).to_json()
        known = evaluations.read(self._store, self._run.run_id, step, self._reference_id, identity)
        if known and known.get("checkpoint_sha256") == sha256:
            say(f"step {step} is scored already", fid=known["scores"]["fid"]["value"])
            return known
        watch = Stopwatch()
        scored = self._score(step)
        record = {
            "run_id": self._run.run_id,
            "step": step,
            "reference_id": self._reference_id,
            "checkpoint_sha256": sha256,
            **scored,
            "real": self._real["scores"],
            "real_identity": self._real["identity"],
            "seconds": watch.seconds(),
            "evaluated_at": evaluations.date(evaluations.read_all(self._store, self._run.run_id), self._now()),
        }
        evaluations.write(self._store, record)
        still_there(self._store, "reference", self._reference_id)
        still_there(self._store, "run", self._run.run_id)
        self.scored += 1
        say(f"step {step} scored", **{scored["label"]: scored["scores"]["fid"]["value"]})
        return record

    def _score(self, step: int) -> Json:
        import tensorflow as tf

        from gan.metrics import samples, score

        tf.config.experimental.enable_op_determinism()
        draw = checkpoint_draw(self._store, self._run, self._dataset, step)
        drawn = samples.draw_pixels(
            draw, self._protocol, self._run.config.generator.latent_size, label_shares(self._run, self._reference)
        )
        with progress(f"draw and look, step {step}", self._protocol.samples, unit="images") as advance:
            return score.score(self._reference, _counted(drawn, advance), self._protocol)

    @cached_property
    def _real(self) -> Json:
        from gan.metrics import score

        return score.score_real(self._reference, self._protocol)

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


def _counted(batches: Iterator[Pixels], advance: Advance) -> Iterator[Pixels]:
    for batch in batches:
        yield batch
        advance(len(batch))
