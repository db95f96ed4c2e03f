"""What is new since the live generator was made: data, drift, config, age."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from gan.config import Config, from_record, override
from gan.data import spec
from gan.data.changes import count_changes, new_images, preparation_differences
from gan.data.spec import Dataset
from gan.errors import NotFoundError
from gan.export.metadata import GeneratorMetadata
from gan.steps.retrain.drift import LEAST_IMAGES, drift
from gan.store import Store
from gan.store.alias import Alias
from gan.train.run import differences, training_config
from gan.types import Json

SECONDS_A_DAY = 86_400


@dataclass
class TriggerReport:
    """What was found: `reasons` to train, what was `looked` at and is no reason, and `figures` for the outcome."""

    reasons: list[str] = field(default_factory=list)
    looked: list[str] = field(default_factory=list)
    figures: Json = field(default_factory=dict)

    def add(self, is_reason: bool, sentence: str) -> None:
        """Tell a finding."""
        (self.reasons if is_reason else self.looked).append(sentence)


def evaluate_triggers(
    store: Store, config: Config, dataset: Dataset, live: Alias, facts: GeneratorMetadata, now: datetime
) -> TriggerReport:
    """Look at everything that the config says is a reason to train.

    Args:
        store: where everything is.
        config: the experiment as it would be trained now.
        dataset: the data as they are now.
        live: the promoted pointer.
        facts: what the live generator tells of itself.
        now: the clock, with a time zone.

    Raises:
        IntegrityError: a dataset or the live generator's reference is damaged.
    """
    news = TriggerReport()
    before = _before(store, facts)
    if before is None:
        news.add(True, f"the data {facts.dataset_id} of the live generator are not in the store any more")
    else:
        _data(store, config, before, dataset, news)
        _drift(store, config, before, dataset, facts, news)
    _config(config, facts, news)
    _age(config, live, now, news)
    return news


def own_config(config: Config, facts: GeneratorMetadata) -> Config:
    """The config of the live generator, but for what a retraining sets by itself: seed and start are those of `config`.

    Raises:
        ConfigError: it has keys that this version does not know.
    """
    start = config.train.start_from or "null"
    sets = [f"train.seed={config.train.seed}", f"train.start_from={start}"]
    return override(from_record(facts.config, where="the config of the live generator"), sets)


def _before(store: Store, facts: GeneratorMetadata) -> Dataset | None:
    try:
        return spec.load(store, facts.dataset_id)
    except NotFoundError:
        return None


def _data(store: Store, config: Config, before: Dataset, now: Dataset, news: TriggerReport) -> None:
    if otherwise := preparation_differences(before, now):
        news.add(True, f"the data are prepared otherwise than the live generator's: {', '.join(otherwise)}")
        return
    changed, least = count_changes(store, before, now), config.retrain.min_changed_images
    news.figures |= {"came": changed.added, "went": changed.removed}
    told = f"{changed.added} images came and {changed.removed} went since the data of the live generator"
    if changed.images >= least:
        news.add(True, told)
    elif changed.images:
        news.add(False, f"{told}; retrain.min_changed_images is {least}")
    else:
        news.add(False, f"the data are those of the live generator, {before.id}")


def _drift(
    store: Store, config: Config, before: Dataset, now: Dataset, facts: GeneratorMetadata, news: TriggerReport
) -> None:
    most = config.retrain.max_drift
    if most is None or before.image_shape != now.image_shape or before.id == now.id:
        return
    if facts.reference_id is None:
        news.add(False, "drift is not known: the live generator was exported without an evaluation")
        return
    added = new_images(store, before, now, config.reference.split)
    try:
        found = drift(store, now, added, facts.reference_id, config.reference)
    except NotFoundError as error:
        news.add(False, f"drift is not known: {error}")
        return
    if found is None:
        images = sum(map(len, added.values()))
        news.add(False, f"drift is not known: {images} images came that may be compared; {LEAST_IMAGES} are needed")
        return
    news.figures |= {
        "drift": found.value, "drift_low": found.low, "drift_high": found.high, "drift_images": found.images,
    }  # fmt: skip
    news.add(
        found.low > most,
        f"the KID between {found.images} images that came and as many held-out ones of the live generator's is "
        f"{found.value:.4g} (95 % interval {found.low:.4g} to {found.high:.4g}; 0 is no drift); retrain.max_drift is "
        f"{most:g}",
    )


def _config(config: Config, facts: GeneratorMetadata, news: TriggerReport) -> None:
    live = own_config(config, facts)
    changed = differences(training_config(live), config)
    if live.train.steps != config.train.steps:
        changed.append(f"train.steps (was {live.train.steps}, now {config.train.steps})")
    if changed:
        news.add(True, f"the config differs from the live generator's: {', '.join(changed)}")


def _age(config: Config, live: Alias, now: datetime, news: TriggerReport) -> None:
    days = (now - datetime.fromisoformat(live.moves[-1].at)).total_seconds() / SECONDS_A_DAY
    news.figures["age_days"] = round(days, 3)
    most = config.retrain.max_age_days
    if most is not None:
        told = f"the live generator went live {days:.1f} days ago; retrain.max_age_days is {most:g}"
        news.add(days > most, told)
