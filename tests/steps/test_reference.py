"""The reference step on small folders of real files: what is published, skipped and refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan.config import Data, Evaluate, Reference
from gan.errors import ConfigError, DataError, IntegrityError, NotFoundError
from gan.metrics import reference as references
from gan.metrics.score import score_real
from gan.steps.preprocess import preprocess
from gan.steps.reference import make_reference
from gan.store import Store, immutable, open_store
from support import bad_inputs
from support.inception import make_graph

OPTIONS = Reference(epochs=1, batch_size=16)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(str(tmp_path_factory.mktemp("store")))


@pytest.fixture(scope="module")
def labelled(store: Store, tmp_path_factory: pytest.TempPathFactory) -> str:
    """60 pictures of cats and dogs, 8 x 8 RGB."""
    folder = bad_inputs.folder(tmp_path_factory.mktemp("labelled"), 60)
    data = Data(dataset="folder", source=str(folder), image_size=8, holdout_percent=30)
    return preprocess(store, data, workers=1).id


@pytest.fixture(scope="module")
def unlabelled(store: Store, tmp_path_factory: pytest.TempPathFactory) -> str:
    """60 grey gradients without labels."""
    folder = tmp_path_factory.mktemp("unlabelled")
    rng = np.random.default_rng(0)
    for index in range(60):
        ramp = np.linspace(0, 255, 8)[:, None] * np.ones(8) * rng.uniform(0.3, 1)
        Image.fromarray(ramp.astype(np.uint8)).save(folder / f"{index}.png")
    data = Data(dataset="folder", source=str(folder), image_size=8, channels=1, holdout_percent=30)
    return preprocess(store, data, workers=1).id


@pytest.fixture(scope="module")
def faces(store: Store, tmp_path_factory: pytest.TempPathFactory) -> str:
    """60 pictures in the layout of CelebA: 12 of them in the test split."""
    folder = bad_inputs.celeba(tmp_path_factory.mktemp("faces"), 60)
    return preprocess(store, Data(dataset="celeba", source=str(folder), image_size=8, crop=108), workers=1).id


def test_labelled_images(store: Store, labelled: str) -> None:
    result = make_reference(store, labelled, OPTIONS)
    assert result.details["feature_network"]["name"] == "folder-cnn"
    assert 0 <= result.details["feature_network"]["accuracy"] <= 1
    assert result.details["modes"] == {"kind": "classes", "names": ["cats", "dogs"]}
    assert result.uri == store.uri_of(f"references/{result.id}")
    made = references.load(store, result.id)
    assert (len(made.real), len(made.train)) == (
        result.details["reference_images"],
        result.details["train_images"],
    )
    assert len(made.real) + len(made.selection) + len(made.train) == 60
    assert len(made.selection) == result.details["selection_images"]
    assert len(made.training) == result.details["searched_images"] == len(made.train)
    assert made.image_shape == (8, 8, 3)
    assert sum(made.label_shares) == pytest.approx(1)
    assert made.network.hash == result.details["feature_network"]["hash"]
    assert made.record["modes"]["real"] == made.real.mode_shares().tolist()


def test_the_same_again_is_skipped(store: Store, labelled: str) -> None:
    first = make_reference(store, labelled, OPTIONS)
    again = make_reference(store, labelled, OPTIONS)
    assert again.skipped
    assert (again.id, again.details) == (first.id, first.details)
    other = make_reference(store, labelled, Reference(epochs=1, batch_size=16, seed=1))
    assert not other.skipped
    assert other.id != first.id


def test_the_same_data_give_the_same_reference_in_another_store(store: Store, labelled: str, tmp_path: Path) -> None:
    elsewhere = open_store(str(tmp_path / "other"))
    files = immutable.files_below(immutable.fetch(store, "dataset", labelled, tmp_path / "dataset"))
    immutable.publish(elsewhere, "dataset", labelled, files)
    assert make_reference(elsewhere, labelled, OPTIONS).id == make_reference(store, labelled, OPTIONS).id


def test_images_without_labels(store: Store, unlabelled: str) -> None:
    result = make_reference(store, unlabelled, OPTIONS)
    assert result.details["feature_network"]["name"] == "folder-rotnet"
    assert result.details["modes"]["kind"] == "clusters"
    made = references.load(store, result.id)
    assert made.label_shares == ()
    assert made.modes.kind == "clusters"
    probabilities = made.modes.probabilities(made.real.features, np.zeros((len(made.real), 0), np.float32))
    np.testing.assert_allclose(probabilities, made.real.mode_probabilities, atol=1e-6)


def test_images_with_attributes(store: Store, faces: str) -> None:
    result = make_reference(store, faces, OPTIONS)
    assert result.details["feature_network"]["name"] == "celeba-cnn"
    assert set(result.details["feature_network"]["balanced_accuracies"]) == set(bad_inputs.ATTRIBUTES)
    assert result.details["modes"]["kind"] == "attributes"
    made = references.load(store, result.id)
    assert list(made.modes.names) == result.details["modes"]["names"]
    assert made.real.mode_probabilities.shape[1] == len(made.modes.names)


def test_images_whose_channels_differ(store: Store, tmp_path: Path) -> None:
    """Stacked MNIST of 30 images of noise: the classifier is of digits, the modes are all three of them."""
    folder = bad_inputs.mnist(tmp_path / "mnist")
    data = Data(dataset="stacked-mnist", source=str(folder), options={"train_images": 60, "test_images": 40})
    outcome = make_reference(store, preprocess(store, data, workers=1).id, OPTIONS)
    network = outcome.details["feature_network"]
    assert (network["name"], network["kind"], network["judged_on"]) == ("stacked-mnist-cnn", "channels", 10)
    assert network["chance"] == pytest.approx(0.1)
    made = references.load(store, outcome.id)
    assert made.modes.kind == "channels"
    assert (made.modes.names[0], made.modes.names[-1], len(made.modes.names)) == ("000", "999", 1000)
    assert made.record["modes"]["real"] == made.real.mode_shares().tolist()
    assert made.real.features.shape == (20, 3 * 64)
    assert made.real.labels is not None
    for batch in (made.real, made.selection, made.train):
        assert batch.mode_probabilities.shape == (len(batch), 1000)
        np.testing.assert_allclose(batch.mode_probabilities.sum(axis=1), 1.0, rtol=1e-4)
    tensors = immutable.read_file(store, "reference", outcome.id, references.TENSORS)
    assert len(tensors) < 200_000, "1,000 numbers an image would be 400,000 bytes"
    protocol = Evaluate(metrics=("fid", "captured_modes"), samples=60, neighbours=3)
    scores = score_real(made, protocol)["scores"]
    assert 1 <= scores["modes_captured"]["value"] <= 60
    assert np.log(1000 / 60) - 1e-6 <= scores["reverse_kl"]["value"] <= np.log(1000)


def test_at_most_so_many_images_are_compared(store: Store, labelled: str) -> None:
    options = Reference(epochs=1, max_images=7, training_images=20, max_searched_images=15)
    details = make_reference(store, labelled, options).details
    counts = [details[f"{name}_images"] for name in ("reference", "selection", "train", "searched")]
    assert counts == [7, 7, 7, 15]


def test_no_more_training_images_are_searched_than_asked_for(store: Store, labelled: str) -> None:
    """However many are compared, or teach the network."""
    options = Reference(epochs=1, max_images=8, training_images=20, max_searched_images=5)
    made = references.load(store, make_reference(store, labelled, options).id)
    assert (len(made.train), len(made.training), made.record["searched_images"]) == (8, 5, 5)
    np.testing.assert_array_equal(made.training, made.train.features[:5])


def test_the_canonical_network(store: Store, labelled: str, tmp_path: Path) -> None:
    file = tmp_path / "classify_image_graph_def.pb"
    graph = make_graph()
    file.write_bytes(graph)
    options = Reference(feature_network=str(file), batch_size=16)
    result = make_reference(store, labelled, options)
    network = result.details["feature_network"]
    assert (network["name"], network["kind"], network["uri"]) == ("inception-2015-12-05", "inception", str(file))
    assert make_reference(store, labelled, options).skipped
    made = references.load(store, result.id)
    by_uri = make_reference(store, labelled, Reference(feature_network=file.as_uri(), batch_size=16))
    assert by_uri.details["feature_network"]["uri"] == str(file)
    assert made.real.features.shape[1] == 2048
    assert made.modes.kind == "clusters"
    assert references.NETWORK not in immutable.read_sums(store, "reference", result.id)

    other = make_graph()
    file.write_bytes(other if other != graph else graph + b"\x22\x00")
    with pytest.raises(
        IntegrityError, match=r"feature network inception.* at .* has hash .*; expected .*gan reference"
    ):
        references.load(store, result.id)
    file.unlink()
    with pytest.raises(NotFoundError, match="no feature network at"):
        references.load(store, result.id)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"split": "tset"}, ConfigError, r'unknown reference.split "tset"; did you mean "test"'),
        ({"split": "train"}, ConfigError, r"held out from training.*others: test"),
        ({"feature_network": "/absent.pb"}, NotFoundError, r"no feature network at /absent.pb"),
        ({"feature_network": "file:///no%20such.pb"}, NotFoundError, r"no feature network at /no such.pb"),
        ({"feature_network": "~nobody-of-that-name/x.pb"}, ConfigError, r"no user is called ~nobody-of-that-name"),
        ({"feature_network": "ftp://host/net.pb"}, ConfigError, r"ftp"),
    ],
)
def test_wrong_options_are_refused(
    store: Store, labelled: str, options: dict, error: type[Exception], message: str
) -> None:
    before = list(immutable.ids(store, "reference"))
    with pytest.raises(error, match=message):
        make_reference(store, labelled, Reference(epochs=1, **options))
    assert list(immutable.ids(store, "reference")) == before


def test_an_unknown_dataset_is_refused(store: Store) -> None:
    with pytest.raises(NotFoundError, match=r'no dataset "digits-0"'):
        make_reference(store, "digits-0", OPTIONS)


@pytest.mark.parametrize(("percent", "split", "change"), [(10, "test", "raise"), (90, "train", "lower")])
def test_a_split_with_too_few_images_is_refused(
    store: Store, tmp_path: Path, percent: int, split: str, change: str
) -> None:
    folder = bad_inputs.folder(tmp_path / "few", 20)
    data = Data(dataset="folder", source=str(folder), image_size=8, holdout_percent=percent)
    few = preprocess(store, data, workers=1).id
    message = (
        rf'at least 10 images; the split "{split}" of .* has \d.*or {change} data\.holdout_percent \(--holdout-percent'
    )
    with pytest.raises(DataError, match=message):
        make_reference(store, few, OPTIONS)


def test_few_images_are_warned_of(store: Store, labelled: str, capsys: pytest.CaptureFixture[str]) -> None:
    make_reference(store, labelled, OPTIONS)
    assert "held-out images for scores: FID is biased upward" in capsys.readouterr().err


def test_damage_and_other_formats_are_refused(store: Store, unlabelled: str, tmp_path: Path) -> None:
    result = make_reference(store, unlabelled, Reference(epochs=1, seed=9))
    folder = immutable.fetch(store, "reference", result.id, tmp_path / "copy")
    record = (folder / references.RECORD).read_text()
    (folder / references.RECORD).write_text(record.replace('"format": 2', '"format": 99'))
    files = immutable.files_below(folder)
    files.pop(immutable.SUMS_FILE, None)
    other = immutable.sums_id("ref", files)
    immutable.publish(store, "reference", other, files)
    with pytest.raises(
        NotFoundError, match=r"has the format 99 of another version; this version reads 2\. Make it again"
    ):
        references.load(store, other)
    store.write(f"references/{result.id}/{references.TENSORS}", b"damaged")
    with pytest.raises(IntegrityError, match=r"features.safetensors has SHA-256"):
        references.load(store, result.id)
