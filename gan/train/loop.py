"""The training loop: steps, and between them metrics, samples and checkpoints when they are due."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

from gan.config.health import ROLL_BACK
from gan.errors import DivergedError, StoreError, UnhealthyError
from gan.train.checkpoint.pending import PendingCheckpoint
from gan.train.health.rollback import COUNT
from gan.train.health.sentinel import Sentinel, diverged
from gan.train.health.verdicts import Check
from gan.train.interface import Batch, Checkpointer, Metrics, MetricsRecorder, TakeStep
from gan.train.logging.sample_sheets import SampleSheet
from gan.train.logging.throughput import Throughput
from gan.train.nan_guard import FLAG, NanGuard
from gan.train.run import Run
from gan.train.state import TrainState
from gan.train.stop_signals import StopRequest
from gan.types import Json
from gan.util import log
from gan.util.log import Advance, Clock

SHOWN = ("generator_loss", "discriminator_loss", "images_per_second")


class Loop:
    """Trains a run from its current step to its last one, or until a signal asks to stop.

    Args:
        run: the run.
        state: what is trained and saved.
        take_step: a `gan.train.step.TrainingStep`.
        batches: the training data, from the batch that the next step takes.
        sheet: draws the samples.
        recorder: takes metrics and samples.
        checkpointer: publishes what was recorded, and the state.
        sentinel: checks the health; None for no checks.
        rollbacks: how often the run returned to a healthy checkpoint.
        done: the number of steps done.
        stop: whether a signal asked to stop.
        seconds: the training time of earlier sessions.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        run: Run,
        state: TrainState,
        take_step: TakeStep,
        batches: Iterator[Batch],
        sheet: SampleSheet,
        recorder: MetricsRecorder,
        checkpointer: Checkpointer,
        *,
        sentinel: Sentinel | None = None,
        rollbacks: int = 0,
        done: int,
        stop: StopRequest,
        seconds: float = 0.0,
        clock: Clock = time.monotonic,
    ) -> None:
        self._run = run
        self._settings = run.config.train
        self._state = state
        self._take_step = take_step
        self._batches = batches
        self._sheet = sheet
        self._recorder = recorder
        self._checkpointer = checkpointer
        self._sentinel = sentinel
        self._rollbacks = rollbacks
        self.last_check: Check | None = None
        self._nan_guard = NanGuard(run.run_id)
        self._stop = stop
        self._clock = clock
        self._shown: dict[str, float] = {}
        self.throughput = Throughput(clock, seconds)
        self.step = self._handed_over = self.began_at = done
        if done:
            self._nan_guard.saved(done)

    def train(self) -> None:
        """Train until done or asked to stop, then wait until the last step is saved or the grace period is over.

        After an error, checkpoints that are still pending are published before the error is raised.

        Raises:
            DivergedError: a loss, a gradient or a weight is not finite; the last checkpoint is from before that.
            UnhealthyError: a check found the run ill, and `health.policy` is roll_back.
            FencedError: a newer attempt at the run took over.
            StoreError: something could not be written; the last checkpoint is complete.
        """
        try:
            with log.progress("train", self._settings.steps, start=self.step, clock=self._clock) as advance:
                while self.step < self._settings.steps and not self._stop:
                    self._checkpointer.check()
                    self._train_step(self.step + 1, advance)
            self._save()
        except Exception as error:
            self._publish_pending(error)
            raise
        self._checkpointer.drain(self._stop)

    @property
    def last_healthy(self) -> int:
        """The step of the last check that found the run healthy; 0 for none."""
        return 0 if self._sentinel is None else self._sentinel.last_healthy

    def _publish_pending(self, error: Exception) -> None:
        try:
            if isinstance(error, DivergedError):
                if not isinstance(error, UnhealthyError):
                    self.last_check = diverged(self.step, str(error))
                    self._recorder.record_health(self.last_check.to_json())
                self._checkpointer.put(PendingCheckpoint(self.step, self._recorder.take(self.step)))
            self._checkpointer.drain(self._stop)
        except StoreError as second:
            if second is not error:
                log.warning("not everything could be saved", reason=str(second))

    def _train_step(self, step: int, advance: Advance) -> None:
        with self.throughput.waiting():
            batches = list(itertools.islice(self._batches, self._settings.discriminator_steps))
        if len(batches) < self._settings.discriminator_steps:
            return  # asked to stop while waiting for data
        if self._sentinel is not None:
            self._sentinel.before_step(step)
        with self.throughput.stepping(len(batches) * self._settings.batch_size):
            metrics = self._take_step(step, batches)
            self._nan_guard.watch(step, metrics)
        self.step = step
        last = step == self._settings.steps
        if last or step % self._settings.log_every_steps == 0:
            self._log(metrics)
        if self._sentinel is not None and self._sentinel.due(step):
            self._check_health(self._sentinel, metrics, batches[-1])
        if last or step % self._settings.sample_every_steps == 0:
            self._nan_guard.check_last()
            self._recorder.record_samples(step, self._sheet.draw())
        if step % self._settings.checkpoint_every_steps == 0:
            self._save()
        advance(1, **self._shown)

    def _check_health(self, sentinel: Sentinel, metrics: Metrics, batch: Batch) -> None:
        values = self._checked(metrics)
        total = self.throughput.total
        check = sentinel.check(self.step, values, batch, total.images, total.step_seconds + total.wait_seconds)
        self.last_check = check
        self._recorder.record_health(check.to_json())
        if check.ill and self._run.config.health.policy == ROLL_BACK:
            raise UnhealthyError(f"run {self._run.run_id} is {check.verdict} at step {self.step}: {check.reason}")

    def _log(self, metrics: Metrics) -> None:
        values = self._checked(metrics) | self.throughput.since_last_call()
        self._recorder.record_metrics(self.step, values)
        self._shown = {name: round(values[name], 4) for name in SHOWN if name in values}

    def _checked(self, metrics: Metrics) -> dict[str, float]:
        """The metrics of the last step on the host, once they are known to be finite."""
        self._nan_guard.check_last()
        return {name: float(value) for name, value in metrics.items() if name != FLAG}

    def _save(self) -> None:
        """Hand over the state of the last step, unless that was done already."""
        if self.step == self._handed_over:
            return
        self._nan_guard.check_last()
        tensors = self._state.tensors()
        self._nan_guard.check_state(self.step, tensors)
        self._checkpointer.put(PendingCheckpoint(self.step, self._recorder.take(self.step), tensors, self._meta()))
        self._handed_over = self.step
        self._nan_guard.saved(self.step)
        if self._stop:
            log.info(f"saving step {self.step}; stopping")

    def _meta(self) -> Json:
        health = {} if self._sentinel is None else self._sentinel.state()
        return {
            **({"health": health} if health else {}),
            **({COUNT: self._rollbacks} if self._rollbacks else {}),
            "run_id": self._run.run_id,
            "dataset_id": self._run.dataset_id,
            "config_hash": self._run.config_hash,
            "seed": self._settings.seed,
            "on_schedule": self.step % self._settings.checkpoint_every_steps == 0 or self.step == self._settings.steps,
            "batches": self.step * self._settings.discriminator_steps,
            "seconds": round(self.throughput.seconds, 3),
        }
