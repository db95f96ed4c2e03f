"""The Inception network of 2015-12-05 that published FIDs use: `classify_image_graph_def.pb`.

2,048 features of `pool_3:0`, as in the code of Heusel et al. 2017 (github.com/bioinf-jku/TTUR, `fid.py`): the input
`ExpandDims:0` takes float32 RGB images in [0, 255] of any size; the graph resizes them to 299x299 (bilinear) and scales
them. It is not part of this package: give its URI with `gan reference --feature-network`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from gan.errors import ConfigError, DataError
from gan.metrics.features.interface import FeatureNetwork, NetworkOutput
from gan.types import Json
from gan.util.ids import sha256
from gan.util.op_allowlist import check_nodes

if TYPE_CHECKING:
    from gan.types import Pixels

INPUT, OUTPUT, FEATURES = "ExpandDims:0", "pool_3:0", 2048
NAME, ARCHIVE = "classify_image_graph_def.pb", "inception-2015-12-05.tgz"
REMEDY = (
    f"give the {NAME} of {ARCHIVE}, which has {INPUT} and {OUTPUT} with {FEATURES} features; for other networks "
    "see docs/judges.md"
)


class InceptionNetwork(FeatureNetwork):
    """The network of published FIDs. It has only features, no class probabilities.

    Args:
        graph: the bytes of the file.
        where: the path or URI of the file.

    Raises:
        ConfigError: it is another file.
        IntegrityError: it has operations that are not allowed.
    """

    name = "inception-2015-12-05"
    kind = "inception"

    def __init__(self, graph: bytes, where: str) -> None:
        self.hash, self._uri = sha256(graph), where
        definition = tf.compat.v1.GraphDef()
        try:
            definition.ParseFromString(graph)
        except DecodeError as error:
            raise ConfigError(f"{where} is not a TensorFlow graph ({error}); {REMEDY}") from None
        self._extract = _import_graph(definition, where)

    def to_json(self) -> Json:  # noqa: D102
        return {**super().to_json(), "uri": self._uri}

    def extract(self, pixels: Pixels) -> NetworkOutput:  # noqa: D102
        if pixels.shape[-1] not in (1, 3):
            raise DataError(f"{self.name} takes grey or RGB images; got {pixels.shape[-1]} channels")
        images = np.broadcast_to(pixels, (*pixels.shape[:-1], 3)).astype(np.float32)
        features = self._extract(tf.constant(images)).numpy().reshape(len(images), -1)
        return NetworkOutput(features, np.zeros((len(images), 0), np.float32))


def _import_graph(definition: tf.compat.v1.GraphDef, where: str) -> tf.types.experimental.ConcreteFunction:
    """The part of the graph from INPUT to OUTPUT as a function; the rest is never loaded."""
    names = {node.name for node in definition.node}
    missing = [tensor for tensor in (INPUT, OUTPUT) if tensor.partition(":")[0] not in names]
    if missing:
        raise ConfigError(f"{where} has no tensor {' or '.join(missing)}; {REMEDY}")
    part = _subgraph(definition)
    check_nodes(part.node, where)

    def pool(images: tf.Tensor) -> tf.Tensor:
        (found,) = tf.graph_util.import_graph_def(part, input_map={INPUT: images}, return_elements=[OUTPUT], name="")
        return found

    try:
        function = tf.compat.v1.wrap_function(pool, [tf.TensorSpec([None, None, None, 3], tf.float32)])
        depth = function(tf.zeros([1, 299, 299, 3])).shape[-1]
    except (ValueError, TypeError, tf.errors.OpError) as error:
        raise ConfigError(f"{where} does not run from {INPUT} to {OUTPUT} ({error}); {REMEDY}") from None
    if depth != FEATURES:
        raise ConfigError(f"{where} has {depth} features at {OUTPUT}, not {FEATURES}; {REMEDY}")
    return function


def _subgraph(definition: tf.compat.v1.GraphDef) -> tf.compat.v1.GraphDef:
    """The nodes between INPUT and OUTPUT."""
    nodes = {node.name: node for node in definition.node}
    first, last = (tensor.partition(":")[0] for tensor in (INPUT, OUTPUT))
    wanted, left = {first}, [last]
    while left:
        name = left.pop()
        if name in nodes and name not in wanted:
            wanted.add(name)
            left += [given.lstrip("^").partition(":")[0] for given in nodes[name].input]
    part = tf.compat.v1.GraphDef(versions=definition.versions)
    part.node.extend(node for node in definition.node if node.name in wanted and node.name != first)
    return part
