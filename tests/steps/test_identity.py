"""Which keys of a config are part of the identity of scores: those that enter a score, and no other."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gan.config import Data, Evaluate, Reference
from gan.metrics import reference as references
from gan.metrics import score
from gan.metrics.identity import FINAL, differences
from gan.steps.preprocess import preprocess
from gan.steps.reference import make_reference
from gan.store import Store, open_store
from gan.types import Json
from support import bad_inputs, networks

IMAGES = 100
REFERENCE = Reference(
    epochs=12, batch_size=16, max_images=8, training_images=30, max_searched_images=35, mode_attributes=1
)
OTHER_REFERENCE: dict[str, Any] = {
    "feature_network": "the other one", "split": "valid", "epochs": 13, "batch_size": 8, "max_images": 9,
    "training_images": 50, "max_searched_images": 40, "seed": 1, "mode_attributes": 2,
}  # fmt: skip
ONLY_OF_A_TRAINED_NETWORK = {"epochs", "training_images", "mode_attributes"}
"""How the network is taught, and what modes its outputs make; a network that is brought along has neither."""

EVALUATE = Evaluate(samples=30, batch_size=16, neighbours=3, kid_subsets=4, kid_subset_size=6)
OTHER_EVALUATE: dict[str, Any] = {
    "checkpoint": "latest", "metrics": ("fid",), "samples": 31, "selection_samples": 20, "batch_size": 8, "seed": 1,
    "neighbours": 4, "kid_subsets": 5, "kid_subset_size": 7, "confidence": 0.9, "confidence_threshold": 0.5,
}  # fmt: skip
IN_NO_SCORE = {"checkpoint", "metrics", "selection_samples"}
"""Which checkpoint is scored, by how many images it is chosen, and which scores are worked out."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(str(tmp_path_factory.mktemp("store")))


@pytest.fixture(scope="module")
def dataset_id(store: Store, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Pictures in the layout of CelebA, whose three attributes are the brightness of their colours."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    bits = [[index // 5 >> k & 1 for k in range(3)] for index in range(IMAGES)]
    members = {}
    for index, row in enumerate(bits):
        colour = rng.integers(60, 90, (218, 178, 3)) + 130 * np.array(row)
        file = folder / "one.jpg"
        Image.fromarray(colour.astype(np.uint8)).save(file, quality=95)
        members[f"img_align_celeba/{index + 1:06}.jpg"] = file.read_bytes()
    source = bad_inputs.celeba(folder / "celeba", IMAGES, members)
    lines = [f"{index + 1:06}.jpg {' '.join('1' if bit else '-1' for bit in row)}" for index, row in enumerate(bits)]
    head = f"{IMAGES}\n{' '.join(bad_inputs.ATTRIBUTES)}\n"
    (source / "list_attr_celeba.txt").write_text(head + "\n".join(lines) + "\n")
    return preprocess(store, Data(dataset="celeba", source=str(source), image_size=8, crop=108), workers=1).id


@pytest.fixture(scope="module")
def fixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that is brought along."""
    return networks.write_keras(tmp_path_factory.mktemp("network")).with_suffix(".keras")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same weights, for pixels of another scale."""
    path = networks.write_keras(tmp_path_factory.mktemp("other")).with_suffix(".keras")
    networks.described(path, scale={"offset": 0, "divisor": 255})
    return path


def made(store: Store, dataset_id: str, options: Reference) -> references.Reference:
    return references.load(store, make_reference(store, dataset_id, options).id)


def identity(reference: references.Reference, protocol: Evaluate = EVALUATE) -> Json:
    return reference.identity(protocol, purpose=FINAL).to_json()


def scores(reference: references.Reference) -> Json:
    """Of 30 made-up images."""
    pixels = np.random.default_rng(1).integers(0, 256, (30, 8, 8, 3), np.uint8)
    record, _ = score.score(reference, [(pixels, None)], EVALUATE)
    return record


def test_every_key_is_classified() -> None:
    assert {item.name for item in dataclasses.fields(Reference)} == set(OTHER_REFERENCE)
    assert {item.name for item in dataclasses.fields(Evaluate)} == set(OTHER_EVALUATE)
    for options, changes in ((REFERENCE, OTHER_REFERENCE), (EVALUATE, OTHER_EVALUATE)):
        assert all(getattr(options, name) != value for name, value in changes.items())


@pytest.mark.parametrize("name", OTHER_REFERENCE)
def test_a_key_of_the_reference_with_a_network_that_is_trained(
    store: Store, dataset_id: str, fixed: Path, name: str
) -> None:
    """Each of them enters the scores."""
    value: Any = str(fixed) if name == "feature_network" else OTHER_REFERENCE[name]
    first = identity(made(store, dataset_id, REFERENCE))
    second = identity(made(store, dataset_id, dataclasses.replace(REFERENCE, **{name: value})))
    assert first["reference_hash"] != second["reference_hash"]
    if name in ("feature_network", "epochs", "batch_size", "training_images", "seed"):
        assert first["feature_hash"] != second["feature_hash"]


@pytest.mark.parametrize("name", OTHER_REFERENCE)
def test_a_key_of_the_reference_with_a_network_that_is_brought_along(
    store: Store, dataset_id: str, fixed: Path, other: Path, name: str
) -> None:
    options = dataclasses.replace(REFERENCE, feature_network=str(fixed))
    value: Any = str(other) if name == "feature_network" else OTHER_REFERENCE[name]
    first = made(store, dataset_id, options)
    second = made(store, dataset_id, dataclasses.replace(options, **{name: value}))
    if name in ONLY_OF_A_TRAINED_NETWORK:
        assert identity(first) == identity(second)
        assert scores(first) == scores(second)
    else:
        assert identity(first)["reference_hash"] != identity(second)["reference_hash"]


def test_references_of_another_seed_differ_in_their_images_alone(store: Store, dataset_id: str, fixed: Path) -> None:
    """With one network, nothing else distinguishes them; their scores can't be compared."""
    options = dataclasses.replace(REFERENCE, feature_network=str(fixed))
    first = made(store, dataset_id, options)
    second = made(store, dataset_id, dataclasses.replace(options, seed=1))
    assert {row.tobytes() for row in first.real.features} != {row.tobytes() for row in second.real.features}
    (found,) = differences(identity(first), identity(second))
    assert found.startswith("reference_hash")
    assert scores(first)["scores"] != scores(second)["scores"]


def test_references_of_other_modes_differ(store: Store, dataset_id: str) -> None:
    first = made(store, dataset_id, REFERENCE)
    second = made(store, dataset_id, dataclasses.replace(REFERENCE, mode_attributes=2))
    assert [len(each.modes.names) for each in (first, second)] == [2, 4]
    (found,) = differences(identity(first), identity(second))
    assert found.startswith("reference_hash")


@pytest.mark.parametrize("name", OTHER_EVALUATE)
@pytest.mark.parametrize("brought", [False, True])
def test_a_key_of_the_evaluation(store: Store, dataset_id: str, fixed: Path, name: str, brought: bool) -> None:
    options = dataclasses.replace(REFERENCE, feature_network=str(fixed) if brought else None)
    reference = made(store, dataset_id, options)
    changed = dataclasses.replace(EVALUATE, **{name: OTHER_EVALUATE[name]})
    found = differences(identity(reference), identity(reference, changed))
    assert [each.partition(" ")[0] for each in found] == ([] if name in IN_NO_SCORE else [name])
