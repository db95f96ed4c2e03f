"""The decide step: is there any reason to train again, with which seed, and from which weights?"""

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
from gan.export import metadata as facts_module
from gan.export.metadata import GeneratorMetadata
from gan.result import StepResult, Stopwatch
from gan.steps.retrain.triggers import TriggerReport, evaluate_triggers
from gan.store import Store, alias
from gan.store.alias import Alias
from gan.store.records import verdicts
from gan.train.run import default_run_id
from gan.types import Json
from gan.util.ids import check_id
from gan.util.log import say

MOST_SEED = 2**31


@dataclass(frozen=True)
class PlannedRun:
    """The training that would come next: its config, and the verdicts that refused those before it."""

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
    """Decide whether a generator is to be trained for a name, and how.

    The answer follows from the store alone: asked again, after a crash or by a retry, it names the same run, which then
    goes on where it stopped. A seed is used up once the gate refused its generator beside the one that is live now, or
    once its generator went live. So no training ever finds itself finished already, and a race that was lost is judged
    again without being trained again.

    Args:
        store: where everything is.
        config: the experiment, with its `retrain` keys.
        dataset_id: the data as they are now.
        name: the promoted name.
        now: the clock.

    Returns:
        The id of the run that is to be trained, or of the dataset where none is; details: train, reasons (why, or why
        not), live_generator_id, run_id, attempt (from 1), sets (`--set` overrides that make the config that of the
        run), and the figures that were looked at: came, went, drift, drift_low, drift_high, drift_images, age_days.

    Raises:
        NotFoundError: no such dataset.
        ConfigError: a wrong name.
        IntegrityError: a dataset, the live generator or the pointer is damaged.
    """
    watch = Stopwatch()
    dataset = spec.load(store, dataset_id)
    live = alias.read(store, check_id(name, "--name"))
    facts = None if live.live is None else facts_module.read(store, live.live)
    start, why_start = _start(store, config, dataset, facts)
    coming = _next(store, override(config, [f"train.start_from={start or 'null'}"]), dataset_id, live)
    news = TriggerReport()
    if facts is None:
        news.add(True, f"nothing is live under {name}")
    else:
        news = evaluate_triggers(store, coming.config, dataset, live, facts, now())
    if config.retrain.force:
        news.add(True, "retrain.force is set")
    train = bool(news.reasons)
    if train and not config.retrain.force and len(coming.refused) >= config.retrain.max_attempts:
        train = False
        news = TriggerReport(looked=[_exhausted(coming, config), *news.reasons], figures=news.figures)
    reasons = (news.reasons if train else news.looked) + ([why_start] if train and why_start else [])
    say("it will be trained" if train else "nothing new: it will not be trained", reasons=reasons)
    details: Json = {
        "train": train,
        "reasons": reasons,
        "live_generator_id": live.live,
        "run_id": coming.run_id if train else None,
        "attempt": len(coming.refused) + 1,
        "sets": [f"train.seed={coming.config.train.seed}", f"train.start_from={start or 'null'}"],
        **news.figures,
    }
    uri = store.uri_of(alias.key_of(name))
    return StepResult(coming.run_id if train else dataset_id, uri, watch.seconds(), details=details)


def _start(store: Store, config: Config, dataset: Dataset, facts: GeneratorMetadata | None) -> tuple[str | None, str]:
    """What `train.start_from` becomes, and why not the live run's checkpoint where that was asked for."""
    if config.retrain.start_from != "live":
        return config.train.start_from, ""
    if facts is None:
        return None, "it starts from scratch: nothing is live yet"
    theirs = from_record(facts.config, where="the config of the live generator")
    alike = (theirs.generator, theirs.discriminator) == (config.generator, config.discriminator)
    classes = dataset.classes if config.generator.conditional else ()
    if not alike or facts.image_shape != dataset.image_shape or facts.classes != classes:
        return None, "it starts from scratch: the live generator is of other networks, image shape or classes"
    return f"{facts.run_id}@{facts.step}", ""


def _next(store: Store, config: Config, dataset_id: str, live: Alias) -> PlannedRun:
    """The training with the first seed that is not used up."""
    lived, refused = _lived(store, live), []
    for number in itertools.count():
        seed = (config.train.seed + number) % MOST_SEED
        candidate = dataclasses.replace(config, train=dataclasses.replace(config.train, seed=seed))
        run_id = default_run_id(candidate, dataset_id)
        refusal = _refusal(store, run_id, live, config)
        if refusal is not None:
            refused.append(refusal)
        elif run_id not in lived:
            return PlannedRun(candidate, run_id, tuple(refused))
    raise AssertionError("unreachable: itertools.count never ends")


def _lived(store: Store, live: Alias) -> set[str]:
    """The run ids that the trainings of all generators that were ever live would have by default."""
    found = set()
    for generator_id in {move.generator_id for move in live.history}:
        try:
            facts = facts_module.read(store, generator_id)
        except (NotFoundError, IntegrityError):
            continue  # of no matter for what is trained next, but that its seed may be used again
        found.add(default_run_id(from_record(facts.config, where="the config of a generator"), facts.dataset_id))
    return found


def _refusal(store: Store, run_id: str, live: Alias, config: Config) -> Json | None:
    """The verdict that refused a run's generator beside the one that is live now, by the thresholds of now."""
    try:
        verdict = verdicts.read(store, run_id, live.name)
    except (NotFoundError, IntegrityError):
        return None
    same = (verdict["live_generator_id"], verdict.get("options")) == (live.live, dataclasses.asdict(config.gate))
    return verdict if same and not verdict["passed"] else None


def _exhausted(coming: PlannedRun, config: Config) -> str:
    last = coming.refused[-1]
    times = "once" if len(coming.refused) == 1 else f"{len(coming.refused)} times"
    return (
        f"that was tried {times} with these data and this config, and refused: {'; '.join(last['reasons'])} "
        f"(retrain.max_attempts is {config.retrain.max_attempts})"
    )
