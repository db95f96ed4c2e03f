"""One session of training: from a run's last checkpoint to its last step, or to the step at which a signal came.

Several workers each have such a session and take the same steps; only worker 0, the chief, takes the run over and
publishes.
"""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack
from functools import partial

from gan import build
from gan.config import Config
from gan.config.health import ROLL_BACK
from gan.data.input import Batches
from gan.data.spec import Dataset
from gan.errors import ConfigError, DivergedError, Stopped, UnhealthyError
from gan.lineage import require_exists
from gan.schedules.interface import ScheduleOptions
from gan.store import Store
from gan.store.timeouts import retry_timeout_seconds
from gan.train import ema, warm_start
from gan.train.checkpoint.async_checkpointer import AsyncCheckpointer
from gan.train.checkpoint.attempts import take_over
from gan.train.checkpoint.files import Checkpoint, Checkpoints
from gan.train.checkpoint.resume_command import resume_command
from gan.train.checkpoint.writer import CheckpointWriter
from gan.train.distributed.coordination import CoordinatedStop, NullCheckpointer
from gan.train.distributed.replicas import Replicas
from gan.train.distributed.strategy import join, worker_errors_translated
from gan.train.distributed.sync_layers import with_sync_layers
from gan.train.distributed.workers import Workers
from gan.train.health import rollback
from gan.train.health.probe import Probe
from gan.train.health.sentinel import Sentinel
from gan.train.interface import Checkpointer, MetricsRecorder, TakeStep
from gan.train.logging.gpu import GpuWatch
from gan.train.logging.monitor import Monitor
from gan.train.logging.recorder import Recorder, forget_after
from gan.train.logging.sample_sheets import SampleSheet
from gan.train.loop import Loop
from gan.train.precision import PRECISIONS, reproducible
from gan.train.run import Run, write_run
from gan.train.state import TrainState, make_train_state
from gan.train.step import DecayAt, TrainingStep
from gan.train.stop_signals import StopRequest
from gan.types import Json
from gan.util import log
from gan.util.log import Clock
from gan.util.metrics_push import MetricsPush


class Session:
    """Trains a run; see `train`.

    Args:
        store: where the dataset is and the run goes.
        run: the run; its precision is resolved, not `auto`.
        dataset: what it trains on.
        workers: the processes that train it.
        stop: whether a signal asked to stop.
        clock: monotonic seconds.
    """

    def __init__(
        self, store: Store, run: Run, dataset: Dataset, workers: Workers, stop: StopRequest, clock: Clock
    ) -> None:
        self._store = store
        self._run = run
        self._dataset = dataset
        self._workers = workers
        self._stop = stop
        self._clock = clock
        self._rollbacks: tuple[rollback.Rollback, ...] = ()
        self._config = run.config

    def train(self) -> Loop:
        """Build everything, take the run over, and train it from its last good checkpoint.

        Raises:
            WorkerLostError: another worker was lost.
            ConfigError, IntegrityError, DivergedError, FencedError, StoreError, Stopped: see `gan.steps.train.train`.
        """
        with worker_errors_translated(self._workers):
            replicas = join(self._workers, self._stop)
            replicas.check(self._run.config.train.batch_size, self._run.config.discriminator.batch_unit)
            replicas.check_jit_compile(self._run.config.train.jit_compile)
            self._run = dataclasses.replace(self._run, precision=self._agreed_precision(replicas))
            made = None
            while made is None:
                made = self._train_until_ill(replicas)
        loop, saved = made
        if self._stop and saved < self._run.config.train.steps:
            raise Stopped(self._stop.signal_number or 0, self._stop.advice())
        return loop

    def _train_until_ill(self, replicas: Replicas) -> tuple[Loop, int] | None:
        """Train from the last good checkpoint; returns the last step saved too, or None if the run has to roll back."""
        with ExitStack() as stack:
            self._rollbacks = rollback.read(self._store, self._run.run_id)
            self._config = rollback.changed(self._run.config, self._rollbacks)
            state = train_state_of(dataclasses.replace(self._run, config=self._config), self._dataset, replicas)
            prepare = self._prepare_chief if self._workers.chief else self._prepare_worker
            loop, checkpointer = prepare(stack, replicas, state)
            self._stop.can_exit = False
            try:
                loop.train()
            except DivergedError as error:
                self._plan_rollback(loop, error)
                return None
            self._stop.can_exit = checkpointer.empty
            replicas.all_reduce_max(0)  # a barrier: no worker exits while others still work
            return loop, checkpointer.saved

    def _plan_rollback(self, loop: Loop, error: DivergedError) -> None:
        """Record that the run returns to its last healthy checkpoint.

        Raises:
            DivergedError: `error`, unless `health.policy` is roll_back.
            UnhealthyError: it returned `health.max_rollbacks` times already.
        """
        health, run_id = self._run.config.health, self._run.run_id
        check = loop.last_check
        if health.policy != ROLL_BACK or check is None:
            raise error
        back = rollback.healthy_step(Checkpoints(self._store, run_id), loop.last_healthy)
        if len(self._rollbacks) >= health.max_rollbacks:
            raise UnhealthyError(
                f"run {run_id} is {check.verdict} at step {check.step}: {check.reason}; it returned to a healthy "
                f"checkpoint {len(self._rollbacks)} times already (health.max_rollbacks={health.max_rollbacks}), the "
                f"last healthy one is of step {back}. Lower both learning rates or change loss.name; see docs/health.md"
            ) from error
        planned = rollback.planned(
            self._run.config,
            self._rollbacks,
            at_step=check.step,
            to_step=back,
            verdict=check.verdict,
            reason=check.reason,
        )
        rollback.write(self._store, run_id, (*self._rollbacks, planned))
        log.warning(
            f"run {run_id} returns to its last healthy checkpoint",
            from_step=check.step,
            to_step=back,
            rollback=f"{len(self._rollbacks) + 1} of {health.max_rollbacks}",
            learning_rate_factor=planned.learning_rate_factor,
            penalty_factor=planned.penalty_factor,
        )

    def _agreed_precision(self, replicas: Replicas) -> str:
        """The chief's: `auto` might resolve differently on another machine."""
        if self._workers.count == 1:
            return self._run.precision
        own = PRECISIONS.index(self._run.precision) if self._workers.chief else 0
        return PRECISIONS[int(replicas.all_reduce_max(own))]

    def _prepare_chief(self, stack: ExitStack, replicas: Replicas, state: TrainState) -> tuple[Loop, Checkpointer]:
        """On the chief, or with a single worker: take the run over and restore its last good checkpoint."""
        store, run, settings = self._store, self._run, self._run.config.train
        folders = Checkpoints(store, run.run_id).folders()
        lease = take_over(store, run.run_id, above=max((folder.attempt for folder in folders), default=0))
        checkpoints = Checkpoints(store, run.run_id, lease.number)
        start = checkpoints.latest_good(partial(rollback.may_start_from, self._rollbacks))
        done, seconds = self._restore(state, start)
        lease.record_resume_step(done)
        write_run(store, run)
        require_exists(store, "dataset", run.dataset_id)
        forget_after(store, run.run_id, done)
        if self._workers.count > 1:
            replicas.all_reduce_max(done + 1)  # tells the others where to resume
        checkpointer = AsyncCheckpointer(
            CheckpointWriter(store, run.run_id, lease, settings, done=done),
            max_pending=settings.keep_checkpoints,
            timeout_seconds=retry_timeout_seconds(),
            clock=self._clock,
        )
        self._stop.advice = lambda: _advice(store, run, checkpointer.saved)
        batches = stack.enter_context(self._batches())
        stack.enter_context(checkpointer)
        monitor = stack.enter_context(Monitor(MetricsPush("train", run.config.name), GpuWatch()))
        monitor.push_rollbacks(len(self._rollbacks))
        recorder = stack.enter_context(Recorder(run.run_id, done, checkpointer.folder, monitor))
        log.info(f"training run {run.run_id}", from_step=done, to_step=settings.steps, precision=run.precision)
        sentinel = self._sentinel(state, (start.meta if start else {}).get("health"))
        return self._loop(replicas, state, batches, recorder, checkpointer, done, seconds, sentinel), checkpointer

    def _prepare_worker(self, stack: ExitStack, replicas: Replicas, state: TrainState) -> tuple[Loop, Checkpointer]:
        """On the other workers: restore the checkpoint that the chief resumes from."""
        store, run = self._store, self._run
        done = int(replicas.all_reduce_max(0)) - 1
        start = Checkpoint(done, *Checkpoints(store, run.run_id).load(done)) if done else None
        _, seconds = self._restore(state, start)
        null = NullCheckpointer(done)
        self._stop.advice = lambda: _advice(store, run, null.saved)
        batches = stack.enter_context(self._batches())
        return self._loop(replicas, state, batches, null, null, done, seconds), null

    def _batches(self) -> Batches:
        settings = self._run.config.train
        return Batches(
            self._store,
            self._dataset,
            split="train",
            batch_size=settings.batch_size,
            seed=self._rollbacks[-1].data_seed if self._rollbacks else settings.seed,
            flip=self._run.config.data.flip,
            part=(self._workers.index, self._workers.count),
            stopped=lambda: bool(self._stop),
        )

    def _sentinel(self, state: TrainState, before: Json | None) -> Sentinel | None:
        """What checks the health; None if the config asks for no checks."""
        config = self._run.config
        if config.health.every_steps is None:
            return None
        classes = len(self._dataset.classes) if config.generator.conditional else None
        probe = Probe(
            state,
            config.generator.latent_size,
            config.train.seed,
            classes,
            packing=config.discriminator.packing,
            batch_unit=config.discriminator.batch_unit,
        )
        train = config.with_schedule_lengths().train
        rates = {"generator": train.generator_learning_rate, "discriminator": train.discriminator_learning_rate}
        return Sentinel(config.health, probe, critic=build.build_loss(config).critic, rates=rates, state=before)

    def _loop(
        self,
        replicas: Replicas,
        state: TrainState,
        batches: Batches,
        recorder: MetricsRecorder,
        checkpointer: Checkpointer,
        done: int,
        seconds: float,
        sentinel: Sentinel | None = None,
    ) -> Loop:
        config = self._config
        classes = len(self._dataset.classes) if config.generator.conditional else None
        take_step: TakeStep = training_step(state, config, replicas, ema_ramp_up=self._run.ema_ramp_up)
        if self._workers.count > 1:
            take_step = CoordinatedStop(take_step, replicas, self._stop)
        return Loop(
            self._run,
            state,
            take_step,
            batches.from_batch(done * config.train.discriminator_steps),
            SampleSheet(state.ema, config.generator.latent_size, config.train.seed, classes),
            recorder,
            checkpointer,
            sentinel=sentinel,
            rollbacks=len(self._rollbacks),
            done=done,
            stop=self._stop,
            seconds=seconds,
            clock=self._clock,
        )

    def _restore(self, state: TrainState, start: Checkpoint | None) -> tuple[int, float]:
        """Restore a checkpoint, or the weights of a warm start; returns its step and the training time so far."""
        run = self._run
        if start is None:
            if run.config.train.start_from is not None:
                warm_start.start(self._store, state, run.config.train.start_from)
            return 0, 0.0
        where = f"checkpoint {start.step} of run {run.run_id}"
        if start.meta.get("config_hash") != run.config_hash:
            raise ConfigError(
                f"{where} was made by another config (hash {start.meta.get('config_hash')}, this run's is "
                f"{run.config_hash}); remove it, or give another --run-id"
            )
        state.restore(start.tensors, where=where)
        if self._rollbacks:
            rollback.set_learning_rates(self._config, state.generator_optimizer, state.discriminator_optimizer)
        log.info(f"resuming run {run.run_id}", from_step=start.step)
        return start.step, float(start.meta["seconds"])


def _advice(store: Store, run: Run, saved: int) -> str:
    """What to tell the user who stopped the run."""
    what = f"Step {saved} is saved" if saved else "No step is saved yet"
    return f"{what}. Resume with: {resume_command(store, run)}"


def train_state_of(run: Run, dataset: Dataset, replicas: Replicas) -> TrainState:
    """The networks, the moving average and the optimisers at the start of a run, on every replica."""
    config = run.config.with_schedule_lengths()
    with (
        reproducible(run.precision, config.train.seed, deterministic=config.train.deterministic),
        replicas.scope(),
    ):
        generator, discriminator = build.build_generator(config, dataset), build.build_discriminator(config, dataset)
        return make_train_state(
            with_sync_layers(generator, replicas),
            with_sync_layers(discriminator, replicas),
            build.build_optimizer(config, config.train.generator_learning_rate),
            build.build_optimizer(config, config.train.discriminator_learning_rate),
            build.build_regularisers(config),
            build.build_augmentation(config),
        )


def training_step(state: TrainState, config: Config, replicas: Replicas, *, ema_ramp_up: bool = True) -> TrainingStep:
    """The training step of a config; `ema_ramp_up` is that of the run (`gan.train.run.Run`)."""
    config = config.with_schedule_lengths()
    return TrainingStep(
        state,
        build.build_loss(config),
        latent_size=config.generator.latent_size,
        conditional=config.generator.conditional,
        seed=config.train.seed,
        ema_decay=_ema_decay(config, ramp_up=ema_ramp_up),
        learning_rates=(config.train.generator_learning_rate, config.train.discriminator_learning_rate),
        beta_2=_scheduled_beta_2(config),
        packing=config.discriminator.packing,
        replicas=replicas,
        jit_compile=config.train.jit_compile,
    )


def _ema_decay(config: Config, *, ramp_up: bool) -> DecayAt:
    train = config.train
    if train.ema_half_life_images is None:
        return partial(ema.decay_at, decay=train.ema_decay, ramp_up=ramp_up)
    return partial(
        ema.decay_of_half_life,
        half_life=train.ema_half_life_images,
        images_per_step=train.batch_size,
        ramp_up=train.ema_ramp_up if ramp_up else None,
    )


def _scheduled_beta_2(config: Config) -> ScheduleOptions | None:
    value = getattr(config.optimizer, "beta_2", None)
    return value if isinstance(value, ScheduleOptions) else None
