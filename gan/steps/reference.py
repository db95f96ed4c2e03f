"""The reference step: teach a feature network on training images, and keep what it sees in held-out ones."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gan import config
from gan.data import spec
from gan.data.spec import Dataset
from gan.lineage import require_exists
from gan.metrics import identity
from gan.metrics import reference as references
from gan.metrics.feature_batch import FeatureBatch
from gan.metrics.features import feature_networks
from gan.metrics.identity import FINAL, SELECTION
from gan.metrics.requirements import TRAIN, HeldOut, check_splits, held_out
from gan.metrics.scores.fid import FEW_IMAGES
from gan.metrics.scores.memorisation import distance_ratios
from gan.result import StepResult, Stopwatch
from gan.store import Store, immutable, step_cache
from gan.types import Json
from gan.util.log import say, warn
from gan.util.scratch import scratch_folder

if TYPE_CHECKING:
    from gan.data.load import Arrays
    from gan.metrics.features.interface import FeatureNetwork, NetworkOutput
    from gan.metrics.features.mode_definitions import Modes
    from gan.metrics.features.trained.task import Examples


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A feature network with what it makes of the held-out images, `seen`, and how well it does on them, `facts`."""

    network: FeatureNetwork
    modes: Modes
    seen: NetworkOutput
    facts: Json


def make_reference(store: Store, dataset_id: str, reference: config.Reference) -> StepResult:
    """Publish the reference of a dataset, unless the store has it.

    Returns:
        The reference's id; details: feature_network (name, hash, kind; accuracy and chance of a trained one), modes
        (kind, names), reference_images, selection_images, train_images, searched_images, weakness (a sentence on a
        feature network that tells little, else None).

    Raises:
        NotFoundError: no such dataset or feature network.
        ConfigError: a split that the dataset has not or that is trained on, or a feature network that is another file.
        DataError: a split with too few images.
        IntegrityError: a shard is damaged.
    """
    watch = Stopwatch()
    dataset = spec.load(store, dataset_id)
    divided = _divided(dataset, reference)
    network = None if reference.feature_network is None else feature_networks.open(reference.feature_network)
    recipe = _recipe(dataset_id, reference, network)
    known = step_cache.published(store, "reference", recipe, "reference")
    if known is not None:
        record = immutable.read_json(store, "reference", known, references.RECORD)
        uri = store.uri_of(immutable.prefix_of("reference", known))
        return StepResult(known, uri, watch.seconds(), skipped=True, details=_details(record))
    with scratch_folder() as folder:
        record = _make(store, dataset, reference, divided, network, folder)
        files = immutable.files_below(folder)
        reference_id = immutable.sums_id("ref", files)
        uri = immutable.publish(store, "reference", reference_id, files)
    step_cache.put(store, "reference", recipe, reference_id)
    require_exists(store, "dataset", dataset_id)
    return StepResult(reference_id, uri, watch.seconds(), details=_details(record))


def _divided(dataset: Dataset, reference: config.Reference) -> HeldOut:
    examples = {name: split.examples for name, split in dataset.splits.items()}
    check_splits(examples, reference, dataset.id)
    divided = held_out(examples, reference)
    if divided.final < FEW_IMAGES:
        warn(
            f"only {divided.final} held-out images for scores: FID is biased upward and all scores are coarse; they "
            "can be compared with each other, but with none from another number of images",
            split=reference.split,
        )
    return divided


def _recipe(dataset_id: str, reference: config.Reference, network: FeatureNetwork | None) -> Json:
    """Everything that decides the outcome; a network that is brought along counts by its content and its place."""
    recipe: Json = {"dataset_id": dataset_id, **dataclasses.asdict(reference), "method": identity.METHOD}
    if network is not None:
        recipe["feature_network"] = network.described()
    return recipe


def _make(
    store: Store,
    dataset: Dataset,
    reference: config.Reference,
    divided: HeldOut,
    network: FeatureNetwork | None,
    folder: Path,
) -> Json:
    selection, final = _held_out(store, dataset, reference, divided)
    both = _joined(selection, final)
    training = _training(store, dataset, reference, teaches=network is None)
    if network is None:
        prepared = _trained(dataset, both, training, reference, folder)
    else:
        prepared = _from_network(both, reference, network)
    looked_at = training.first(max(reference.max_images, reference.max_searched_images))
    say("look at training images", images=len(looked_at.pixels))
    seen = _look(prepared.network, looked_at.pixels, reference)
    compared = slice(reference.max_images)
    cut = len(selection.pixels)
    batches = {
        "selection": _batch(prepared, prepared.seen, selection, slice(cut)),
        "real": _batch(prepared, prepared.seen, final, slice(cut, None)),
        "train": _batch(prepared, seen, looked_at.rows(compared), compared),
    }
    record: Json = {
        "dataset_id": dataset.id,
        "splits": {SELECTION: divided.selection_split, FINAL: divided.split},
        "image_size": dataset.image_size,
        "channels": dataset.channels,
        "crop": dataset.crop,
        "crop_offset": None if dataset.crop_offset is None else list(dataset.crop_offset),
        "resizer": dataset.resizer,
        "feature_network": prepared.facts,
        "batch_size": reference.batch_size,
        "label_shares": _label_shares(dataset, both),
        "reference_images": len(batches["real"]),
        "selection_images": len(batches["selection"]),
        "train_images": len(batches["train"]),
        "searched_images": min(len(seen.features), reference.max_searched_images),
    }
    ratios = distance_ratios(batches["real"].features, seen.features)
    return references.write(folder, record, prepared.modes, **batches, training=seen.features, copy_ratios=ratios)


def _held_out(
    store: Store, dataset: Dataset, reference: config.Reference, divided: HeldOut
) -> tuple[Examples, Examples]:
    """The images that choose checkpoints, and those that score them; from one split they have none in common."""
    from gan.data.load import load_split

    if divided.selection_split == divided.split:
        count = divided.selection + divided.final
        shared = load_split(store, dataset, divided.split, most=count, seed=reference.seed)
        examples = _shuffled(dataset, shared, reference.seed)
        return examples.rows(slice(divided.selection)), examples.rows(slice(divided.selection, None))
    selection, final = (
        _shuffled(dataset, load_split(store, dataset, split, most=count, seed=reference.seed), reference.seed)
        for split, count in ((divided.selection_split, divided.selection), (divided.split, divided.final))
    )
    return selection, final


def _training(store: Store, dataset: Dataset, reference: config.Reference, *, teaches: bool) -> Examples:
    """As many training images as any purpose takes; which ones does not depend on purposes that they do not serve."""
    from gan.data.load import load_split

    most = max(reference.max_images, reference.max_searched_images, reference.training_images if teaches else 0)
    return _shuffled(dataset, load_split(store, dataset, TRAIN, most=most, seed=reference.seed), reference.seed)


def _trained(
    dataset: Dataset, held_out: Examples, training: Examples, reference: config.Reference, folder: Path
) -> Prepared:
    from gan.metrics.features import keras_network
    from gan.metrics.features.trained.quality import weakness
    from gan.metrics.features.trained.tasks import task_for

    task = task_for(training)
    model = task.train(training.first(reference.training_images), reference)
    network = keras_network.KerasNetwork(f"{dataset.source}-{task.suffix}", task.kind, model)
    keras_network.save(model, folder / references.NETWORK)
    seen = _look(network, held_out.pixels, reference)
    facts = {**network.described(), **task.judge(network, held_out, seen, reference)}
    say(
        f"the feature network {network.name} on held-out images",
        balanced_accuracy=facts["accuracy"],
        chance=facts["chance"],
    )
    if sentence := weakness(facts):
        warn(sentence)
    return Prepared(network, task.modes(held_out, seen, reference), seen, facts)


def _from_network(held_out: Examples, reference: config.Reference, network: FeatureNetwork) -> Prepared:
    from gan.metrics.features.mode_definitions import fit_clusters

    seen = _look(network, held_out.pixels, reference)
    return Prepared(network, fit_clusters(seen.features, reference.seed), seen, network.described())


def _batch(prepared: Prepared, seen: NetworkOutput, examples: Examples, rows: slice) -> FeatureBatch:
    features, outputs = seen.features[rows], seen.outputs[rows]
    labels = examples.labels if examples.classes else None
    return FeatureBatch(features, prepared.modes.probabilities(features, outputs), labels)


def _shuffled(dataset: Dataset, arrays: Arrays, seed: int) -> Examples:
    """In random order, so that the first n of them are a random choice."""
    from gan.metrics.features.trained.task import Examples

    order = np.random.default_rng(seed).permutation(len(arrays.pixels))
    return Examples(
        arrays.pixels[order], arrays.labels[order], arrays.attributes[order], dataset.classes, dataset.attributes
    )


def _joined(first: Examples, second: Examples) -> Examples:
    return dataclasses.replace(
        first,
        pixels=np.concatenate([first.pixels, second.pixels]),
        labels=np.concatenate([first.labels, second.labels]),
        attributes=np.concatenate([first.attributes, second.attributes]),
    )


def _look(network: FeatureNetwork, pixels: np.ndarray, reference: config.Reference) -> NetworkOutput:
    from gan.metrics.features.interface import extract_all

    return extract_all(network, pixels, reference.batch_size)


def _label_shares(dataset: Dataset, examples: Examples) -> list[float]:
    if not dataset.classes:
        return []
    counts = np.bincount(examples.labels, minlength=len(dataset.classes))
    return [float(share) for share in counts / counts.sum()]


def _details(record: Json) -> Json:
    from gan.metrics.features.trained.quality import weakness

    modes = record["modes"]
    return {
        "dataset_id": record["dataset_id"],
        "feature_network": record["feature_network"],
        "weakness": weakness(record["feature_network"]),
        "modes": {"kind": modes["kind"], "names": modes["names"]},
        **{name: record[name] for name in ("reference_images", "selection_images", "train_images", "searched_images")},
    }
