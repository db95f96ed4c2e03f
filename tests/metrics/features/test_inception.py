"""The Inception network, represented by a small graph of the same tensor names and shapes; other files are refused."""

from __future__ import annotations

import numpy as np
import pytest

from gan.errors import ConfigError, DataError
from gan.metrics.features.published.inception import InceptionNetwork
from gan.util.ids import sha256
from support.inception import make_graph


def test_looks_at_batches_of_any_size() -> None:
    network = InceptionNetwork(make_graph(), "x.pb")
    pixels = np.random.default_rng(0).integers(0, 256, (3, 20, 20, 3)).astype(np.uint8)
    output = network.extract(pixels)
    assert output.features.shape == (3, 2048)
    assert output.outputs.shape == (3, 0)
    constant = np.full((2, 8, 8, 3), [10, 20, 250], np.uint8)
    np.testing.assert_allclose(network.extract(constant).features[:, :3], [[10, 20, 250]] * 2, rtol=1e-4)


def test_grey_images_are_grey_in_colour() -> None:
    network = InceptionNetwork(make_graph(), "x.pb")
    np.testing.assert_allclose(network.extract(np.full((2, 8, 8, 1), 77, np.uint8)).features, 77, rtol=1e-4)


def test_its_hash_is_that_of_the_file() -> None:
    graph = make_graph()
    network = InceptionNetwork(graph, "x.pb")
    assert (network.name, network.hash) == ("inception-2015-12-05", sha256(graph))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"entry": "Input"}, "x.pb has no tensor ExpandDims:0; give the classify_image_graph_def.pb"),
        ({"last": "pool_4"}, "x.pb has no tensor pool_3:0"),
        ({"features": 1024}, "x.pb has 1024 features at pool_3:0, not 2048"),
    ],
)
def test_another_graph_is_refused(options: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        InceptionNetwork(make_graph(**options), "x.pb")


def test_what_is_no_graph_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"x.pb is not a TensorFlow graph.*inception-2015-12-05.tgz"):
        InceptionNetwork(b"\xff\xffno graph", "x.pb")


def test_a_graph_that_does_not_run_is_refused() -> None:
    import tensorflow as tf

    definition = tf.compat.v1.GraphDef()
    for name, operation in (("ExpandDims", "Placeholder"), ("pool_3", "MatMul")):
        definition.node.add(name=name, op=operation)
    with pytest.raises(ConfigError, match=r"x.pb does not run from ExpandDims:0 to pool_3:0"):
        InceptionNetwork(definition.SerializeToString(), "x.pb")


def test_more_channels_are_refused() -> None:
    with pytest.raises(DataError, match="grey or RGB images; got 4 channels"):
        InceptionNetwork(make_graph(), "x.pb").extract(np.zeros((1, 8, 8, 4), np.uint8))
