"""The train step: start a run, resume it, or find it finished."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable
from functools import cache

from gan import build
from gan.config import Config, parse_budget
from gan.config.health import ROLL_BACK
from gan.data import spec
from gan.data.spec import Dataset
from gan.errors import ConfigError, IntegrityError
from gan.result import StepResult, Stopwatch
from gan.store import Store, layout
from gan.train import warm_start
from gan.train.checkpoint.files import Checkpoints
from gan.train.distributed.workers import Workers, workers_from_env
from gan.train.health import rollback
from gan.train.logging.health_log import read_health, summary
from gan.train.run import Run, default_run_id, extended, find_run, with_plan_of, write_run
from gan.train.stop_signals import stop_requests
from gan.types import Json
from gan.util import log
from gan.util.log import Clock


def train(
    store: Store, config: Config, dataset_id: str, *, run_id: str | None = None, clock: Clock = time.monotonic
) -> StepResult:
    """Train until `config.train.steps`, from the last good checkpoint if there is one.

    All GPUs of this machine share each batch, and so do the workers that the environment names
    (`gan.train.distributed.workers`).

    Args:
        store: where the dataset is and the run goes.
        config: the experiment.
        dataset_id: what it trains on.
        run_id: default: a hash of the config and the dataset, so that the same command continues the same run.
        clock: monotonic seconds.

    Returns:
        The run's id; details: `steps`, `resumed_from` (a step or None), `images_per_second` and `data_wait_share` (None
        if no step was timed), `checkpoint` (the last step saved), `dataset_id`, `precision`, and of its health the
        `verdict`, `checks`, `unhealthy_checks`, `problems` (sentences) and `rollbacks`. `skipped` if the run was
        finished already.

    Raises:
        NotFoundError: there is no such dataset, or no checkpoint that `train.start_from` names.
        ConfigError: the config contradicts itself, the dataset or the networks that it starts from, or differs from
            the one that the run began with.
        DataError: there are too few images to score the run.
        IntegrityError: the data, or all checkpoints, are damaged.
        DivergedError: a loss or gradient was not finite.
        FencedError: a newer attempt at the same run took over.
        WorkerLostError: another worker was lost.
        StoreError: something could not be written; earlier checkpoints are complete.
        Stopped: SIGTERM or Ctrl-C; the last step is saved, if the storage took it within the grace period.
    """
    watch = Stopwatch(clock)
    workers = workers_from_env(os.environ)
    dataset = spec.load(store, dataset_id)
    run = _run(store, config, dataset, run_id)
    with stop_requests() as stop:
        finished = _finished(store, run)
        if finished is not None:
            log.info(f"run {run.run_id} is finished: it has {finished} steps; nothing to do")
            if workers.chief and find_run(store, run.run_id) != run:
                write_run(store, run)  # evaluation or gate keys changed
            return _result(store, run, finished, finished, {}, watch, skipped=True)
        build.check(config, dataset)
        _check_workers(config, workers)
        run = _settled(run, dataset, workers)
        from gan.train.session import Session

        loop = Session(store, run, dataset, workers, stop, clock).train()
    return _result(store, run, loop.began_at or None, loop.step, loop.throughput.total.rates(), watch)


def plan(store: Store, config: Config, dataset_id: str, run_id: str | None = None) -> StepResult:
    """Check everything that `train` would check and build the networks, without writing anything.

    Returns:
        The run's id; details: `config` (YAML, every key), `dataset_id`, `generator_parameters`,
        `discriminator_parameters`, `precision` and `resumed_from` (a step or None).

    Raises:
        NotFoundError, ConfigError, IntegrityError: see `train`.
    """
    from gan.train.distributed.replicas import Replicas
    from gan.train.session import train_state_of

    watch = Stopwatch()
    dataset = spec.load(store, dataset_id)
    run = _run(store, config, dataset, run_id)
    build.check(config, dataset)
    run = _settled(run, dataset, workers_from_env(os.environ))
    start = Checkpoints(store, run.run_id).latest_good()
    state = train_state_of(run, dataset, Replicas())
    if start is None and config.train.start_from is not None:
        warm_start.start(store, state, config.train.start_from)
    details: Json = {
        "config": run.config.to_yaml(),
        "dataset_id": dataset_id,
        "generator_parameters": state.generator.count_params(),
        "discriminator_parameters": state.discriminator.count_params(),
        "precision": run.precision,
        "resumed_from": start.step if start else None,
    }
    return StepResult(run.run_id, store.uri_of(layout.folder(run.run_id)), watch.seconds(), details=details)


def _run(store: Store, config: Config, dataset: Dataset, run_id: str | None) -> Run:
    """The run in the store with this config, or a new one with the `precision` of the config."""
    run_id = run_id or default_run_id(config, dataset.id)
    config = build.as_prepared(config, dataset)
    existing = find_run(store, run_id)
    if existing is None:
        return Run(run_id, dataset.id, config, config.train.precision)
    return extended(existing, with_plan_of(config, existing), dataset.id)


def _settled(run: Run, dataset: Dataset, workers: Workers) -> Run:
    """The run with what depends on this machine: its precision, its environment, and the plan of its budget."""

    @cache
    def seconds_per_step(precision: str) -> float:
        from gan.train import speed

        return speed.seconds_per_step(dataclasses.replace(run, precision=precision), dataset)

    return _planned(_with_environment(run, seconds_per_step), workers, seconds_per_step)


def _planned(run: Run, workers: Workers, seconds_per_step: Callable[[str], float]) -> Run:
    """A new run with the plan of its budget; any other run as it is."""
    budget = run.config.train.budget
    if budget is None or run.original_config is not None:
        return run
    if workers.count > 1 and parse_budget(budget).seconds is not None:
        raise ConfigError(
            f'train.budget="{budget}" is a time, which several workers would measure differently; give a number of '
            "images, such as 500kimages, or one worker"
        )
    from gan.train.plan import planned

    return planned(run, seconds_per_step)


def _check_workers(config: Config, workers: Workers) -> None:
    if workers.count > 1 and config.health.policy == ROLL_BACK:
        raise ConfigError(
            f"health.policy=roll_back works with one worker; got {workers.count}. Set health.policy=warn, or train "
            "with the GPUs of one machine"
        )


def _finished(store: Store, run: Run) -> int | None:
    """The last step of a finished run; None if it is not finished, or its last checkpoint is damaged."""
    checkpoints = Checkpoints(store, run.run_id)
    last = max(checkpoints.steps(), default=0)
    if last < run.config.train.steps:
        return None
    try:
        checkpoints.check(last)
    except IntegrityError:
        return None
    return last


def _with_environment(run: Run, seconds_per_step: Callable[[str], float]) -> Run:
    """The run with `auto` precision resolved for this machine, and the environment if it is a new run."""
    from gan.train.logging.provenance import describe
    from gan.train.precision import cpu_flags, gpu_capabilities, resolve

    precision = resolve(run.precision, gpu_capabilities(), cpu_flags(), seconds_per_step)
    return dataclasses.replace(run, precision=precision, environment=run.environment or describe())


def _result(
    store: Store,
    run: Run,
    resumed_from: int | None,
    step: int,
    rates: dict[str, float],
    watch: Stopwatch,
    *,
    skipped: bool = False,
) -> StepResult:
    details: Json = {
        "steps": step,
        "resumed_from": resumed_from,
        "images_per_second": rates.get("images_per_second"),
        "data_wait_share": rates.get("data_wait_share"),
        "checkpoint": step,
        "dataset_id": run.dataset_id,
        "precision": run.precision,
        **summary(read_health(store, run.run_id)),
        "rollbacks": len(rollback.read(store, run.run_id)),
    }
    return StepResult(run.run_id, store.uri_of(layout.folder(run.run_id)), watch.seconds(), skipped, details)
