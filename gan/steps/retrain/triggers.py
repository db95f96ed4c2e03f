"""What is new since the live generator was trained: data, drift, config, age."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from gan.config import Config, from_record, override
from gan.data import spec
from gan.data.changes import count_changes, new_images, preparation_differences
from gan.data.spec import Dataset
from gan.errors import NotFoundError
from gan.export.metadata import GeneratorMetadata
from gan.steps.retrain.drift import MIN_IMAGES, drift
from gan.store import Store
from gan.store.alias import Alias
from gan.train.run import differences, training_config
from gan.types import Json
from gan.util.formatting import format_interval, format_score

SECONDS_PER_DAY = 86_400


@dataclass
class TriggerReport:
    """The result of all triggers: `reasons` to train, findings that are `not_triggered`, and measured `details`."""

    reasons: list[str] = field(default_factory=list)
    not_triggered: list[str] = field(default_factory=list)
    details: Json = field(default_factory=dict)

    def add(self, triggered: bool, sentence: str) -> None:
        """Add a finding."""
        (self.reasons if triggered else self.not_triggered).append(sentence)


def evaluate_triggers(
    store: Store, config: Config, dataset: Dataset, live: Alias, metadata: GeneratorMetadata, now: datetime
) -> TriggerReport:
    """Evaluate every trigger of the config.

    Args:
        store: where everything is.
        config: the experiment as it would be trained now.
        dataset: the current data.
        live: the alias.
        metadata: of the live generator.
        now: the clock, with a time zone.

    Raises:
        IntegrityError: a dataset or the live generator's reference is damaged.
    """
    report = TriggerReport()
    live_dataset = _load_live_dataset(store, metadata)
    if live_dataset is None:
        report.add(True, f"the data {metadata.dataset_id} of the live generator are not in the store any more")
    else:
        _check_data(store, config, live_dataset, dataset, report)
        _check_drift(store, config, live_dataset, dataset, metadata, report)
    _check_config(config, metadata, report)
    _check_age(config, live, now, report)
    return report


def comparable_config(config: Config, metadata: GeneratorMetadata) -> Config:
    """The live generator's config, with the seed and start of `config`, which a retraining sets itself.

    Raises:
        ConfigError: it has keys that this version does not know.
    """
    start = config.train.start_from or "null"
    sets = [f"train.seed={config.train.seed}", f"train.start_from={start}"]
    return override(from_record(metadata.config, where="the config of the live generator"), sets)


def _load_live_dataset(store: Store, metadata: GeneratorMetadata) -> Dataset | None:
    try:
        return spec.load(store, metadata.dataset_id)
    except NotFoundError:
        return None


def _check_data(store: Store, config: Config, live_dataset: Dataset, now: Dataset, report: TriggerReport) -> None:
    if otherwise := preparation_differences(live_dataset, now):
        report.add(True, f"the data are prepared differently from the live generator's: {', '.join(otherwise)}")
        return
    changed, threshold = count_changes(store, live_dataset, now), config.retrain.min_changed_images
    report.details |= {"came": changed.added, "went": changed.removed}
    summary = f"{changed.added} images came and {changed.removed} went since the data of the live generator"
    if changed.images >= threshold:
        report.add(True, summary)
    elif changed.images:
        report.add(False, f"{summary}; retrain.min_changed_images is {threshold}")
    else:
        report.add(False, f"the data are those of the live generator, {live_dataset.id}")


def _check_drift(
    store: Store,
    config: Config,
    live_dataset: Dataset,
    now: Dataset,
    metadata: GeneratorMetadata,
    report: TriggerReport,
) -> None:
    threshold = config.retrain.max_drift
    if threshold is None or live_dataset.image_shape != now.image_shape or live_dataset.id == now.id:
        return
    if metadata.reference_id is None:
        report.add(False, "drift is not known: the live generator was exported without an evaluation")
        return
    came = new_images(store, live_dataset, now, config.reference.split)
    try:
        found = drift(store, now, came, metadata.reference_id, config.reference)
    except NotFoundError as error:
        report.add(False, f"drift is not known: {error}")
        return
    if found is None:
        images = sum(map(len, came.values()))
        report.add(False, f"drift is not known: {images} new images may be compared; {MIN_IMAGES} are needed")
        return
    report.details |= {
        "drift": found.value, "drift_low": found.low, "drift_high": found.high, "drift_images": found.images,
    }  # fmt: skip
    report.add(
        found.low > threshold,
        f"the KID between {found.images} new images and as many held-out ones of the live generator is "
        f"{format_score(found.value)} (95 % interval {format_interval(found.low, found.high)}; 0: no drift); "
        f"retrain.max_drift is {threshold:g}",
    )


def _check_config(config: Config, metadata: GeneratorMetadata, report: TriggerReport) -> None:
    live = comparable_config(config, metadata)
    changed = differences(training_config(live), config)
    if live.train.steps != config.train.steps:
        changed.append(f"train.steps (was {live.train.steps}, now {config.train.steps})")
    if changed:
        report.add(True, f"the config differs from the live generator's: {', '.join(changed)}")


def _check_age(config: Config, live: Alias, now: datetime, report: TriggerReport) -> None:
    days = (now - datetime.fromisoformat(live.history[-1].at)).total_seconds() / SECONDS_PER_DAY
    report.details["age_days"] = round(days, 3)
    threshold = config.retrain.max_age_days
    if threshold is not None:
        report.add(
            days > threshold,
            f"the live generator went live {days:.1f} days ago; retrain.max_age_days is {threshold:g}",
        )
