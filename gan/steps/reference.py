"""The reference step: teach a feature network on training images, and keep what it sees in held-out ones."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gan import config
from gan.console import say, warn
from gan.data import spec
from gan.data.spec import Dataset
from gan.ids import sha256
from gan.metrics import identity, network_file
from gan.metrics import reference as references
from gan.metrics.presets import Looks
from gan.metrics.requirements import TRAIN, check_splits, warn_of_few
from gan.scratch import scratch_folder
from gan.steps.lineage import still_there
from gan.steps.outcome import Outcome, Stopwatch
from gan.store import Store, memo, sealed
from gan.types import Json

if TYPE_CHECKING:
    from gan.data.load import Arrays
    from gan.metrics.features.interface import FeatureNetwork, Seen
    from gan.metrics.features.task import Examples
    from gan.metrics.mode_kinds import Modes

WEAK_ACCURACY = 0.75


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A feature network with what it makes of the held-out images, `seen`, and how well it does on them, `facts`."""

    network: FeatureNetwork
    modes: Modes
    seen: Seen
    facts: Json


def make_reference(store: Store, dataset_id: str, reference: config.Reference) -> Outcome:
    """Publish the reference of a dataset, unless the store has it.

    Returns:
        The reference's id; details: feature_network (name, hash, kind, accuracy), modes (kind, names),
        reference_images, train_images.

    Raises:
        NotFoundError: no such dataset or feature network.
        ConfigError: a split that the dataset has not or that is trained on, or a feature network that is another file.
        DataError: a split with too few images.
        IntegrityError: a shard is damaged.
    """
    watch = Stopwatch()
    dataset = spec.load(store, dataset_id)
    examples = {name: split.examples for name, split in dataset.splits.items()}
    check_splits(examples, reference, dataset_id)
    warn_of_few(examples[reference.split], reference)
    graph = None if reference.feature_network is None else network_file.read(reference.feature_network)
    recipe = _recipe(dataset_id, reference, graph)
    known = memo.published(store, "reference", recipe, "reference")
    if known is not None:
        record = sealed.read_json(store, "reference", known, references.RECORD)
        uri = store.uri_of(sealed.prefix_of("reference", known))
        return Outcome(known, uri, watch.seconds(), skipped=True, details=_details(record))
    with scratch_folder() as folder:
        record = _make(store, dataset, reference, graph, folder)
        files = sealed.files_below(folder)
        reference_id = sealed.sums_id("ref", files)
        uri = sealed.publish(store, "reference", reference_id, files)
    memo.remember(store, "reference", recipe, reference_id)
    still_there(store, "dataset", dataset_id)
    return Outcome(reference_id, uri, watch.seconds(), details=_details(record))


def _recipe(dataset_id: str, reference: config.Reference, graph: bytes | None) -> Json:
    """Everything that decides the outcome; the canonical network counts by its content as well as by its place."""
    recipe: Json = {"dataset_id": dataset_id, **dataclasses.asdict(reference), "method": identity.METHOD}
    if graph is not None:
        recipe["feature_network_sha256"] = sha256(graph)
    return recipe


def _make(store: Store, dataset: Dataset, reference: config.Reference, graph: bytes | None, folder: Path) -> Json:
    from gan.data.load import load_split

    held_out = load_split(store, dataset, reference.split, most=reference.most_images, seed=reference.seed)
    learned = max(reference.most_images, reference.training_images if graph is None else 0)
    training = load_split(store, dataset, TRAIN, most=learned, seed=reference.seed)
    held_out_examples, training_examples = (_shuffled(dataset, each, reference.seed) for each in (held_out, training))
    if graph is None:
        prepared = _trained(dataset, held_out_examples, training_examples, reference, folder)
    else:
        prepared = _from_graph(held_out_examples, reference, graph)
    say("look at training images", images=min(len(training.pixels), reference.most_images))
    looks = [
        Looks(seen.features, prepared.modes.probabilities(seen.features, seen.outputs))
        for seen in (
            prepared.seen,
            _look(prepared.network, training_examples.pixels[: reference.most_images], reference),
        )
    ]
    record: Json = {
        "dataset_id": dataset.id,
        "split": reference.split,
        "image_size": dataset.image_size,
        "channels": dataset.channels,
        "crop": dataset.crop,
        "resizer": dataset.resizer,
        "feature_network": prepared.facts,
        "label_shares": _label_shares(dataset, held_out),
        "reference_images": len(looks[0]),
        "train_images": len(looks[1]),
    }
    return references.write(folder, record, prepared.modes, *looks)


def _trained(
    dataset: Dataset, held_out: Examples, training: Examples, reference: config.Reference, folder: Path
) -> Prepared:
    from gan.metrics.features import keras_network, task_for

    task = task_for(training)
    model = task.train(training.first(reference.training_images), reference)
    network = keras_network.KerasNetwork(f"{dataset.source}-{task.suffix}", task.kind, model)
    keras_network.save(model, folder / references.NETWORK)
    seen = _look(network, held_out.pixels, reference)
    facts = {
        "name": network.name,
        "hash": network.hash,
        "kind": network.kind,
        **task.judge(network, held_out, seen, reference),
    }
    say(f"the feature network {network.name} is right about held-out images", accuracy=facts["accuracy"])
    if facts["accuracy"] < WEAK_ACCURACY:
        warn(
            f"the feature network {network.name} is right about only {facts['accuracy']:.0%} of held-out images: "
            "scores measured with it say little. More images, more reference.epochs, or a --feature-network help"
        )
    return Prepared(network, task.modes(held_out, seen, reference), seen, facts)


def _from_graph(held_out: Examples, reference: config.Reference, graph: bytes) -> Prepared:
    from gan.metrics.features.inception import InceptionNetwork
    from gan.metrics.mode_kinds import fit_clusters

    uri = network_file.absolute(str(reference.feature_network))  # so that the reference can be used from any folder
    network = InceptionNetwork(graph, uri)
    seen = _look(network, held_out.pixels, reference)
    facts = {"name": network.name, "hash": network.hash, "kind": network.kind, "uri": uri}
    return Prepared(network, fit_clusters(seen.features, reference.seed), seen, facts)


def _shuffled(dataset: Dataset, arrays: Arrays, seed: int) -> Examples:
    """In random order, so that the first n of them are a random choice."""
    from gan.metrics.features.task import Examples

    order = np.random.default_rng(seed).permutation(len(arrays.pixels))
    return Examples(
        arrays.pixels[order], arrays.labels[order], arrays.attributes[order], dataset.classes, dataset.attributes
    )


def _look(network: FeatureNetwork, pixels: np.ndarray, reference: config.Reference) -> Seen:
    from gan.metrics.features.interface import look_at_all

    return look_at_all(network, pixels, reference.batch_size)


def _label_shares(dataset: Dataset, arrays: Arrays) -> list[float]:
    if not dataset.classes:
        return []
    counts = np.bincount(arrays.labels, minlength=len(dataset.classes))
    return [float(share) for share in counts / counts.sum()]


def _details(record: Json) -> Json:
    modes = record["modes"]
    return {
        "dataset_id": record["dataset_id"],
        "feature_network": record["feature_network"],
        "modes": {"kind": modes["kind"], "names": modes["names"]},
        "reference_images": record["reference_images"],
        "train_images": record["train_images"],
    }
