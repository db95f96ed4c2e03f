"""The reference step: train a feature network on training images, and extract the features of held-out ones."""

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
from gan.metrics.maths.frechet import FEW_IMAGES
from gan.metrics.requirements import TRAIN, HeldOut, check_splits, held_out
from gan.metrics.scores.memorisation import distance_ratios
from gan.result import StepResult, Stopwatch
from gan.store import Store, immutable, step_cache
from gan.types import Json
from gan.util import log
from gan.util.scratch import scratch_folder

if TYPE_CHECKING:
    from gan.data.load import Arrays
    from gan.metrics.features.interface import FeatureNetwork, NetworkOutput
    from gan.metrics.features.mode_definitions import Modes
    from gan.metrics.features.trained.task import Examples


@dataclasses.dataclass(frozen=True)
class PreparedNetwork:
    """A feature network, its outputs for the held-out images, and its description for the record."""

    network: FeatureNetwork
    modes: Modes
    outputs: NetworkOutput
    description: Json


def make_reference(store: Store, dataset_id: str, reference: config.Reference) -> StepResult:
    """Publish the reference of a dataset, unless the store has it.

    Returns:
        The reference's id; details: feature_network (name, hash, kind; accuracy and chance of a trained one), modes
        (kind, names), reference_images, selection_images, train_images, searched_images, weakness (a sentence about a
        weak feature network, else None).

    Raises:
        NotFoundError: no such dataset or feature network.
        ConfigError: a split that does not exist or is trained on, or a file that is not a feature network.
        DataError: a split has too few images.
        IntegrityError: a shard is damaged.
    """
    watch = Stopwatch()
    dataset = spec.load(store, dataset_id)
    sizes = _split_sizes(dataset, reference)
    network = None if reference.feature_network is None else feature_networks.open(reference.feature_network)
    recipe = _recipe(dataset_id, reference, network)
    known = step_cache.published(store, "reference", recipe, "reference")
    if known is not None:
        record = immutable.read_json(store, "reference", known, references.RECORD)
        uri = store.uri_of(immutable.prefix_of("reference", known))
        return StepResult(known, uri, watch.seconds(), skipped=True, details=_details(record))
    with scratch_folder() as folder:
        record = _make(store, dataset, reference, sizes, network, folder)
        files = immutable.files_below(folder)
        reference_id = immutable.sums_id("ref", files)
        uri = immutable.publish(store, "reference", reference_id, files)
    step_cache.put(store, "reference", recipe, reference_id)
    require_exists(store, "dataset", dataset_id)
    return StepResult(reference_id, uri, watch.seconds(), details=_details(record))


def _split_sizes(dataset: Dataset, reference: config.Reference) -> HeldOut:
    examples = {name: split.examples for name, split in dataset.splits.items()}
    check_splits(examples, reference, dataset.id)
    sizes = held_out(examples, reference)
    if sizes.final < FEW_IMAGES:
        log.warning(
            f"only {sizes.final} held-out images for scores: FID is biased upward and all scores are coarse; compare "
            "them only with scores from the same number of images",
            split=reference.split,
        )
    return sizes


def _recipe(dataset_id: str, reference: config.Reference, network: FeatureNetwork | None) -> Json:
    """Everything that determines the result; a given network counts by its content and its location."""
    recipe: Json = {"dataset_id": dataset_id, **reference.to_record(), "method": identity.METHOD}
    if network is not None:
        recipe["feature_network"] = network.to_json()
    return recipe


def _make(
    store: Store,
    dataset: Dataset,
    reference: config.Reference,
    sizes: HeldOut,
    network: FeatureNetwork | None,
    folder: Path,
) -> Json:
    selection, final = _load_held_out(store, dataset, reference, sizes)
    held_out_images = _concatenated(selection, final)
    training = _load_training(store, dataset, reference, trains_network=network is None)
    if network is None:
        prepared = _train_network(dataset, held_out_images, training, reference, folder)
    else:
        prepared = _apply_network(held_out_images, reference, network)
    searched = training.first(max(reference.max_images, reference.max_searched_images))
    log.info("extracting the features of training images", images=len(searched.pixels))
    training_outputs = _extract(prepared.network, searched.pixels, reference)
    compared = slice(reference.max_images)
    split_at = len(selection.pixels)
    batches = {
        "selection": _batch(prepared, prepared.outputs, selection, slice(split_at)),
        "real": _batch(prepared, prepared.outputs, final, slice(split_at, None)),
        "train": _batch(prepared, training_outputs, searched.rows(compared), compared),
    }
    record: Json = {
        "dataset_id": dataset.id,
        "splits": {SELECTION: sizes.selection_split, FINAL: sizes.split},
        "image_size": dataset.image_size,
        "channels": dataset.channels,
        "crop": dataset.crop,
        "crop_offset": None if dataset.crop_offset is None else list(dataset.crop_offset),
        "resizer": dataset.resizer,
        "feature_network": prepared.description,
        "batch_size": reference.batch_size,
        "label_shares": _label_shares(dataset, held_out_images),
        "reference_images": len(batches["real"]),
        "selection_images": len(batches["selection"]),
        "train_images": len(batches["train"]),
        "searched_images": min(len(training_outputs.features), reference.max_searched_images),
    }
    features = training_outputs.features
    ratios = distance_ratios(batches["real"].features, features)
    return references.write(folder, record, prepared.modes, **batches, training=features, copy_ratios=ratios)


def _load_held_out(
    store: Store, dataset: Dataset, reference: config.Reference, sizes: HeldOut
) -> tuple[Examples, Examples]:
    """The images that select checkpoints, and those for the final scores; disjoint if they are of one split."""
    from gan.data.load import load_split

    if sizes.selection_split == sizes.split:
        count = sizes.selection + sizes.final
        shared = load_split(store, dataset, sizes.split, max_examples=count, seed=reference.seed)
        examples = _shuffled(dataset, shared, reference.seed)
        return examples.rows(slice(sizes.selection)), examples.rows(slice(sizes.selection, None))
    selection, final = (
        _shuffled(dataset, load_split(store, dataset, split, max_examples=count, seed=reference.seed), reference.seed)
        for split, count in ((sizes.selection_split, sizes.selection), (sizes.split, sizes.final))
    )
    return selection, final


def _load_training(store: Store, dataset: Dataset, reference: config.Reference, *, trains_network: bool) -> Examples:
    """As many training images as the largest use needs; each use takes the first ones, so no use affects another."""
    from gan.data.load import load_split

    most = max(reference.max_images, reference.max_searched_images, reference.training_images if trains_network else 0)
    return _shuffled(dataset, load_split(store, dataset, TRAIN, max_examples=most, seed=reference.seed), reference.seed)


def _train_network(
    dataset: Dataset, held_out: Examples, training: Examples, reference: config.Reference, folder: Path
) -> PreparedNetwork:
    from gan.metrics.features import keras_network
    from gan.metrics.features.trained.quality import weakness
    from gan.metrics.features.trained.tasks import task_for

    task = task_for(training)
    model = task.train(training.first(reference.training_images), reference)
    network = keras_network.KerasNetwork(f"{dataset.source}-{task.suffix}", task.kind, model)
    keras_network.save(model, folder / references.NETWORK)
    outputs = _extract(network, held_out.pixels, reference)
    description = {**network.to_json(), **task.evaluate(network, held_out, outputs, reference)}
    log.info(
        f"the feature network {network.name} on held-out images",
        balanced_accuracy=description["accuracy"],
        chance=description["chance"],
    )
    if sentence := weakness(description):
        log.warning(sentence)
    return PreparedNetwork(network, task.modes(held_out, outputs, reference), outputs, description)


def _apply_network(held_out: Examples, reference: config.Reference, network: FeatureNetwork) -> PreparedNetwork:
    from gan.metrics.features.mode_definitions import fit_clusters

    outputs = _extract(network, held_out.pixels, reference)
    return PreparedNetwork(network, fit_clusters(outputs.features, reference.seed), outputs, network.to_json())


def _batch(prepared: PreparedNetwork, computed: NetworkOutput, examples: Examples, rows: slice) -> FeatureBatch:
    features, outputs = computed.features[rows], computed.outputs[rows]
    labels = examples.labels if examples.classes else None
    return FeatureBatch(features, prepared.modes.probabilities(features, outputs), labels)


def _shuffled(dataset: Dataset, arrays: Arrays, seed: int) -> Examples:
    """In random order, so that the first n are a random sample."""
    from gan.metrics.features.trained.task import Examples

    order = np.random.default_rng(seed).permutation(len(arrays.pixels))
    return Examples(
        arrays.pixels[order],
        arrays.labels[order],
        arrays.attributes[order],
        dataset.classes,
        dataset.attributes,
        dataset.channel_classes,
    )


def _concatenated(first: Examples, second: Examples) -> Examples:
    return dataclasses.replace(
        first,
        pixels=np.concatenate([first.pixels, second.pixels]),
        labels=np.concatenate([first.labels, second.labels]),
        attributes=np.concatenate([first.attributes, second.attributes]),
    )


def _extract(network: FeatureNetwork, pixels: np.ndarray, reference: config.Reference) -> NetworkOutput:
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
