"""Train a run: begin it, continue it, or find it finished."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

from gan import build
from gan.config import Config
from gan.console import Clock, say
from gan.data import spec
from gan.data.spec import Dataset
from gan.errors import ConfigError, IntegrityError, Stopped
from gan.gpu import GpuWatch
from gan.steps.lineage import still_there
from gan.steps.outcome import Outcome, Stopwatch
from gan.store import Store, runs
from gan.store.patience import patience_seconds
from gan.telemetry import Telemetry
from gan.train import warm
from gan.train.attempts import take_over
from gan.train.checkpoint import Checkpoint, Checkpoints
from gan.train.resume import how_to_go_on
from gan.train.run import Run, continued, default_run_id, find_run, write_run
from gan.train.signals import StopRequest, stop_requests
from gan.types import Json

if TYPE_CHECKING:
    from gan.train.loop import Loop
    from gan.train.players import Players
    from gan.train.step import TrainingStep


def train(
    store: Store, config: Config, dataset_id: str, *, run_id: str | None = None, clock: Clock = time.monotonic
) -> Outcome:
    """Train until `config.train.steps`, from the last good checkpoint where there is one.

    Args:
        store: where the dataset is and the run goes.
        config: the experiment.
        dataset_id: what it trains on.
        run_id: default: a hash of the config and the dataset, so that the same command continues the same run.
        clock: monotonic seconds.

    Returns:
        An outcome with the run's id; its details are `steps`, `resumed_from` (a step or None), `images_per_second` and
        `data_wait_share` (None where no step was timed), `checkpoint` (the last step saved), `dataset_id` and
        `precision`. `skipped` where the run was finished already.

    Raises:
        NotFoundError: there is no such dataset, or no checkpoint that `train.start_from` names.
        ConfigError: the config does not fit itself, the dataset or the networks that it starts from, or the run was
            begun with another one.
        IntegrityError: the data, or every checkpoint, are damaged.
        DivergedError: a loss or gradient was not finite.
        FencedError: a newer attempt at the same run took over.
        StoreError: something could not be written; earlier checkpoints are whole.
        Stopped: SIGTERM or Ctrl-C; the last step is saved, if the storage took it within the grace.
    """
    watch = Stopwatch(clock)
    dataset = spec.load(store, dataset_id)
    run = _run(store, config, dataset_id, run_id)
    with stop_requests() as stop:
        finished = _finished(store, run)
        if finished is not None:
            say(f"run {run.run_id} is finished: it has {finished} steps; nothing to do")
            if find_run(store, run.run_id) != run:
                write_run(store, run)  # it is to be scored or judged in another way
            return _outcome(store, run, finished, finished, {}, watch, skipped=True)
        build.check(config, dataset)
        run = _settled(run)
        loop = _session(store, run, dataset, stop, clock)
    return _outcome(store, run, loop.began_at or None, loop.step, loop.speed.total.figures(), watch)


def plan(store: Store, config: Config, dataset_id: str, run_id: str | None = None) -> Outcome:
    """Check everything that `train` would check, build the networks, and write nothing.

    Returns:
        An outcome with the run's id; its details are `config` (YAML, every key), `dataset_id`, `generator_parameters`,
        `discriminator_parameters`, `precision` and `resumed_from` (a step or None).

    Raises:
        NotFoundError, ConfigError, IntegrityError: see `train`.
    """
    watch = Stopwatch()
    dataset = spec.load(store, dataset_id)
    run = _run(store, config, dataset_id, run_id)
    build.check(config, dataset)
    run = _settled(run)
    start = Checkpoints(store, run.run_id).latest_good()
    players = _players(run, dataset)
    if start is None and config.train.start_from is not None:
        warm.start(store, players, config.train.start_from)
    details: Json = {
        "config": config.to_yaml(),
        "dataset_id": dataset_id,
        "generator_parameters": players.generator.count_params(),
        "discriminator_parameters": players.discriminator.count_params(),
        "precision": run.precision,
        "resumed_from": start.step if start else None,
    }
    return Outcome(run.run_id, store.uri_of(runs.folder(run.run_id)), watch.seconds(), details=details)


def _run(store: Store, config: Config, dataset_id: str, run_id: str | None) -> Run:
    """The run as it stands in the store, or a new one, its `precision` as the config has it."""
    run_id = run_id or default_run_id(config, dataset_id)
    before = find_run(store, run_id)
    return continued(before, config, dataset_id) if before else Run(run_id, dataset_id, config, config.train.precision)


def _finished(store: Store, run: Run) -> int | None:
    """The last step of a run that has all its steps; None where it has not, or the last checkpoint is damaged."""
    checkpoints = Checkpoints(store, run.run_id)
    last = max(checkpoints.steps(), default=0)
    if last < run.config.train.steps:
        return None
    try:
        checkpoints.check(last)
    except IntegrityError:
        return None
    return last


def _session(store: Store, run: Run, dataset: Dataset, stop: StopRequest, clock: Clock) -> Loop:
    """Build everything, take the run over, and train it from its last good checkpoint."""
    from gan.data.input import Batches
    from gan.train.loop import Loop
    from gan.train.monitor import Monitor
    from gan.train.outbox import Outbox
    from gan.train.publisher import Publisher
    from gan.train.recorder import Recorder, forget_after
    from gan.train.samples import SampleSheet

    settings, config = run.config.train, run.config
    players = _players(run, dataset)
    known = Checkpoints(store, run.run_id).folders()
    lease = take_over(store, run.run_id, above=max((folder.attempt for folder in known), default=0))
    checkpoints = Checkpoints(store, run.run_id, lease.number)
    done, seconds = _restore(store, players, run, checkpoints.latest_good())
    lease.go_on_from(done)
    write_run(store, run)
    still_there(store, "dataset", run.dataset_id)
    forget_after(store, run.run_id, done)
    batches = Batches(
        store,
        dataset,
        split="train",
        batch_size=settings.batch_size,
        seed=settings.seed,
        flip=config.data.flip,
        stopped=lambda: bool(stop),
    )
    classes = len(dataset.classes) if config.generator.conditional else None
    publisher = Publisher(store, run.run_id, lease, settings, done=done)
    outbox = Outbox(publisher, most_waiting=settings.keep_checkpoints, patience_seconds=patience_seconds(), clock=clock)
    stop.advice = lambda: _advice(store, run, outbox.saved)
    monitor = Monitor(Telemetry("train", config.name), GpuWatch())
    with batches, outbox, monitor, Recorder(run.run_id, done, outbox.folder, monitor) as recorder:
        loop = Loop(
            run,
            players,
            _training_step(players, config),
            batches.from_batch(done * settings.discriminator_steps),
            SampleSheet(players.ema, config.generator.latent_size, settings.seed, classes),
            recorder,
            outbox,
            done=done,
            stop=stop,
            seconds=seconds,
            clock=clock,
        )
        say(f"training run {run.run_id}", from_step=done, to_step=settings.steps, precision=run.precision)
        stop.settled = False
        loop.train()
        stop.settled = outbox.empty
    if stop and outbox.saved < config.train.steps:
        raise Stopped(stop.signal_number or 0, stop.advice())
    return loop


def _advice(store: Store, run: Run, saved: int) -> str:
    """What to say to one who stopped the run."""
    what = f"Step {saved} is saved" if saved else "No step is saved yet"
    return f"{what}. Resume with: {how_to_go_on(store, run)}"


def _settled(run: Run) -> Run:
    """The run with what this machine decides at its beginning: what `auto` precision means, and the environment."""
    from gan.train.environment import describe
    from gan.train.precision import cpu_flags, gpu_capabilities, resolve

    precision = resolve(run.precision, gpu_capabilities(), cpu_flags())
    return dataclasses.replace(run, precision=precision, environment=run.environment or describe())


def _players(run: Run, dataset: Dataset) -> Players:
    from gan.train.players import make_players
    from gan.train.precision import reproducible

    config = run.config
    with reproducible(run.precision, config.train.seed):
        return make_players(
            build.build_generator(config, dataset),
            build.build_discriminator(config, dataset),
            build.build_optimizer(config, config.train.generator_learning_rate),
            build.build_optimizer(config, config.train.discriminator_learning_rate),
        )


def _training_step(players: Players, config: Config) -> TrainingStep:
    from gan.train.step import TrainingStep

    return TrainingStep(
        players,
        build.build_loss(config),
        build.build_regulariser(config),
        latent_size=config.generator.latent_size,
        conditional=config.generator.conditional,
        seed=config.train.seed,
        ema_decay=config.train.ema_decay,
    )


def _restore(store: Store, players: Players, run: Run, start: Checkpoint | None) -> tuple[int, float]:
    """Put a checkpoint's state in, or that of a warm start; returns its step and the seconds of training behind it."""
    if start is None:
        if run.config.train.start_from is not None:
            warm.start(store, players, run.config.train.start_from)
        return 0, 0.0
    where = f"checkpoint {start.step} of run {run.run_id}"
    if start.meta.get("config_hash") != run.config_hash:
        raise ConfigError(
            f"{where} was made by another config (hash {start.meta.get('config_hash')}, this run's is "
            f"{run.config_hash}); remove it, or give another --run-id"
        )
    players.restore(start.tensors, where=where)
    say(f"resuming run {run.run_id}", from_step=start.step)
    return start.step, float(start.meta["seconds"])


def _outcome(
    store: Store,
    run: Run,
    resumed_from: int | None,
    step: int,
    figures: dict[str, float],
    watch: Stopwatch,
    *,
    skipped: bool = False,
) -> Outcome:
    details: Json = {
        "steps": step,
        "resumed_from": resumed_from,
        "images_per_second": figures.get("images_per_second"),
        "data_wait_share": figures.get("data_wait_share"),
        "checkpoint": step,
        "dataset_id": run.dataset_id,
        "precision": run.precision,
    }
    return Outcome(run.run_id, store.uri_of(runs.folder(run.run_id)), watch.seconds(), skipped, details)
