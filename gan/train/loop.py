"""The loop: steps, and between them figures, samples and checkpoints where they are due."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence

from gan.errors import DivergedError, StoreError
from gan.train.checkpoint.async_checkpointer import AsyncCheckpointer
from gan.train.checkpoint.pending import PendingCheckpoint
from gan.train.distributed.coordination import NullCheckpointer
from gan.train.logging.recorder import Recorder
from gan.train.logging.sample_sheets import SampleSheet
from gan.train.logging.throughput import Throughput
from gan.train.nan_guard import FLAG, NanGuard
from gan.train.run import Run
from gan.train.state import TrainState
from gan.train.stop_signals import StopRequest
from gan.types import Json, Scalar, Tensor
from gan.util.log import Advance, Clock, progress, say, warn

Batch = dict[str, Tensor]
TakeStep = Callable[[int, Sequence[Batch]], dict[str, Scalar]]
SHOWN = ("generator_loss", "discriminator_loss", "images_per_second")


class Loop:
    """Trains a run from the step it stands at to its last one, or to the step at which a signal came.

    Args:
        run: the run.
        players: what is trained and saved.
        take_step: a `gan.train.step.TrainingStep`.
        batches: what it is trained on, from the batch that the next step takes.
        sheet: draws the samples.
        recorder: takes in figures and samples.
        outbox: publishes what was recorded, and the state.
        done: the step that the run stands at.
        stop: tells that a signal came.
        seconds: what earlier sessions took.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        run: Run,
        players: TrainState,
        take_step: TakeStep,
        batches: Iterator[Batch],
        sheet: SampleSheet,
        recorder: Recorder | NullCheckpointer,
        outbox: AsyncCheckpointer | NullCheckpointer,
        *,
        done: int,
        stop: StopRequest,
        seconds: float = 0.0,
        clock: Clock = time.monotonic,
    ) -> None:
        self._run = run
        self._settings = run.config.train
        self._players = players
        self._take_step = take_step
        self._batches = batches
        self._sheet = sheet
        self._recorder = recorder
        self._outbox = outbox
        self._sentinel = NanGuard(run.run_id)
        self._stop = stop
        self._clock = clock
        self._shown: dict[str, float] = {}
        self.speed = Throughput(clock, seconds)
        self.step = self._handed_over = self.began_at = done
        if done:
            self._sentinel.saved(done)

    def train(self) -> None:
        """Train until done or asked to stop, and wait until the last step is saved, or the grace of the stop is over.

        Whatever else ends training, what was handed to the outbox before is published first.

        Raises:
            DivergedError: a loss, a gradient or a weight is not finite; the last checkpoint is from before that.
            FencedError: a newer attempt at the run took over.
            StoreError: something could not be written; the last checkpoint is whole.
        """
        try:
            with progress("train", self._settings.steps, start=self.step, clock=self._clock) as advance:
                while self.step < self._settings.steps and not self._stop:
                    self._outbox.check()
                    self._train_step(self.step + 1, advance)
            self._save()
        except Exception as error:
            self._give_up(error)
            raise
        self._outbox.drain(self._stop)

    def _give_up(self, error: Exception) -> None:
        try:
            if isinstance(error, DivergedError):
                self._outbox.put(PendingCheckpoint(self.step, self._recorder.take(self.step)))
            self._outbox.drain(self._stop)
        except StoreError as second:
            if second is not error:
                warn("not everything could be saved", reason=str(second))

    def _train_step(self, step: int, advance: Advance) -> None:
        with self.speed.waiting():
            batches = list(itertools.islice(self._batches, self._settings.discriminator_steps))
        if len(batches) < self._settings.discriminator_steps:
            return  # asked to stop while waiting for data
        with self.speed.stepping(len(batches) * self._settings.batch_size):
            metrics = self._take_step(step, batches)
            self._sentinel.watch(step, metrics)
        self.step = step
        last = step == self._settings.steps
        if last or step % self._settings.log_every_steps == 0:
            self._log(metrics)
        if last or step % self._settings.sample_every_steps == 0:
            self._sentinel.settle()
            self._recorder.samples(step, self._sheet.draw())
        if step % self._settings.checkpoint_every_steps == 0:
            self._save()
        advance(1, **self._shown)

    def _log(self, metrics: dict[str, Scalar]) -> None:
        self._sentinel.settle()
        figures = {name: float(value) for name, value in metrics.items() if name != FLAG} | self.speed.tell()
        self._recorder.figures(self.step, figures)
        self._shown = {name: round(figures[name], 4) for name in SHOWN if name in figures}

    def _save(self) -> None:
        """Hand over the state of the step just done, unless that was done already or it is not finite."""
        if self.step == self._handed_over:
            return
        self._sentinel.settle()
        tensors = self._players.tensors()
        self._sentinel.check_state(self.step, tensors)
        self._outbox.put(PendingCheckpoint(self.step, self._recorder.take(self.step), tensors, self._meta()))
        self._handed_over = self.step
        self._sentinel.saved(self.step)
        if self._stop:
            say(f"saving step {self.step}; stopping")

    def _meta(self) -> Json:
        return {
            "run_id": self._run.run_id,
            "dataset_id": self._run.dataset_id,
            "config_hash": self._run.config_hash,
            "seed": self._settings.seed,
            "on_schedule": self.step % self._settings.checkpoint_every_steps == 0 or self.step == self._settings.steps,
            "batches": self.step * self._settings.discriminator_steps,
            "seconds": round(self.speed.seconds, 3),
        }
