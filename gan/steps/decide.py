"""The decide step: whether to train again, with which seed, and from which weights."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from gan.config import Config, from_record, override
from gan.data import spec
from gan.data.spec import Dataset
from gan.errors import IntegrityError, NotFoundError
from gan.export import metadata as generator_metadata
from gan.export.metadata import GeneratorMetadata
from gan.result import StepResult, Stopwatch
from gan.steps.retrain.triggers import TriggerReport, evaluate_triggers
from gan.store import Store, alias
from gan.store.alias import Alias
from gan.store.records import verdicts
from gan.train.run import default_run_id
from gan.types import Json
from gan.util import log
from gan.util.ids import check_id

MAX_SEED = 2**31


@dataclass(frozen=True)
class PlannedRun:
    """The next training run: its config, and the verdicts that refused the runs with earlier seeds."""

    config: Config
    run_id: str
    refused: tuple[Json, ...]


def decide(
    store: Store,
    config: Config,
    dataset_id: str,
    name: str,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> StepResult:
    """Decide whether to train a generator for a name, and how.

    The answer depends on the store only: when it is repeated after a crash or by a retry, it names the same run, which
    then resumes. A seed is spent once its generator was refused against the current live one, or was promoted. So a
    retraining never picks a finished run, and a generator that lost a promotion race is judged again, not trained
    again.

    Args:
        store: where everything is.
        config: the experiment, with its `retrain` keys.
        dataset_id: the current data.
        name: the promoted name.
        now: the clock.

    Returns:
        The id of the run to train, or of the dataset if there is none; details: train, reasons (why, or why not),
        live_generator_id, run_id, attempt (from 1), sets (the `--set` overrides that give the run's config), and what
        the triggers measured: came, went, drift, drift_low, drift_high, drift_images, age_days.

    Raises:
        NotFoundError: no such dataset.
        ConfigError: a wrong name.
        IntegrityError: a dataset, the live generator or the alias is damaged.
    """
    watch = Stopwatch()
    dataset = spec.load(store, dataset_id)
    live = alias.read(store, check_id(name, "--name"))
    metadata = None if live.live is None else generator_metadata.read(store, live.live)
    start, why_start = _start(store, config, dataset, metadata)
    planned = _plan(store, override(config, [f"train.start_from={start or 'null'}"]), dataset_id, live)
    report = TriggerReport()
    if metadata is None:
        report.add(True, f"nothing is live under {name}")
    else:
        report = evaluate_triggers(store, planned.config, dataset, live, metadata, now())
    if config.retrain.force:
        report.add(True, "retrain.force is set")
    train = bool(report.reasons)
    if train and not config.retrain.force and len(planned.refused) >= config.retrain.max_attempts:
        train = False
        report = TriggerReport(not_triggered=[_exhausted(planned, config), *report.reasons], details=report.details)
    reasons = (report.reasons if train else report.not_triggered) + ([why_start] if train and why_start else [])
    log.info("it will be trained" if train else "nothing new: it will not be trained", reasons=reasons)
    details: Json = {
        "train": train,
        "reasons": reasons,
        "live_generator_id": live.live,
        "run_id": planned.run_id if train else None,
        "attempt": len(planned.refused) + 1,
        "sets": [f"train.seed={planned.config.train.seed}", f"train.start_from={start or 'null'}"],
        **report.details,
    }
    uri = store.uri_of(alias.key_of(name))
    return StepResult(planned.run_id if train else dataset_id, uri, watch.seconds(), details=details)


def _start(
    store: Store, config: Config, dataset: Dataset, metadata: GeneratorMetadata | None
) -> tuple[str | None, str]:
    """The value for `train.start_from`, and why it is not the live run's checkpoint although that was asked for."""
    if config.retrain.start_from != "live":
        return config.train.start_from, ""
    if metadata is None:
        return None, "it starts from scratch: nothing is live yet"
    live = from_record(metadata.config, where="the config of the live generator")
    same_networks = (live.generator, live.discriminator) == (config.generator, config.discriminator)
    classes = dataset.classes if config.generator.conditional else ()
    if not same_networks or metadata.image_shape != dataset.image_shape or metadata.classes != classes:
        return None, "it starts from scratch: the live generator has other networks, image shape or classes"
    return f"{metadata.run_id}@{metadata.step}", ""


def _plan(store: Store, config: Config, dataset_id: str, live: Alias) -> PlannedRun:
    """The training run with the first seed that is not spent."""
    promoted, refused = _promoted_run_ids(store, live), []
    for number in itertools.count():
        seed = (config.train.seed + number) % MAX_SEED
        candidate = dataclasses.replace(config, train=dataclasses.replace(config.train, seed=seed))
        run_id = default_run_id(candidate, dataset_id)
        refusal = _refusal(store, run_id, live, config)
        if refusal is not None:
            refused.append(refusal)
        elif run_id not in promoted:
            return PlannedRun(candidate, run_id, tuple(refused))
    raise AssertionError("unreachable: itertools.count never ends")


def _promoted_run_ids(store: Store, live: Alias) -> set[str]:
    """The default run ids of all generators that were ever live."""
    found = set()
    for generator_id in {move.generator_id for move in live.history}:
        try:
            metadata = generator_metadata.read(store, generator_id)
        except (NotFoundError, IntegrityError):
            continue  # its seed may be used again
        config = from_record(metadata.config, where="the config of a generator")
        found.add(default_run_id(config, metadata.dataset_id))
    return found


def _refusal(store: Store, run_id: str, live: Alias, config: Config) -> Json | None:
    """The verdict that refused a run's generator against the current live one, with the current gate keys."""
    try:
        verdict = verdicts.read(store, run_id, live.name)
    except (NotFoundError, IntegrityError):
        return None
    current = (verdict["live_generator_id"], verdict.get("options")) == (live.live, config.gate.to_record())
    return verdict if current and not verdict["passed"] else None


def _exhausted(planned: PlannedRun, config: Config) -> str:
    last = planned.refused[-1]
    times = "once" if len(planned.refused) == 1 else f"{len(planned.refused)} times"
    return (
        f"that was tried {times} with these data and this config, and refused: {'; '.join(last['reasons'])} "
        f"(retrain.max_attempts is {config.retrain.max_attempts})"
    )
