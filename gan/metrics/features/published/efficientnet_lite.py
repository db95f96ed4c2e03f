"""EfficientNet-Lite0 as a TensorFlow function, from the tensors of its PyTorch checkpoint.

Tan and Le 2019, "EfficientNet", arXiv:1905.11946, table 1, in the Lite form of Liu and Tan 2020
(github.com/tensorflow/tpu, models/official/efficientnet/lite): no squeeze-and-excitation, ReLU6 in place of swish.
4,652,008 parameters. Batch normalisation is folded into the convolution before it: w' = w s, b' = beta - mean s with
s = gamma / sqrt(variance + epsilon), calculated in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from gan.errors import IntegrityError
from gan.metrics.features.published.torch_file import Tensors
from gan.types import Tensor

SIDE, FEATURES, CLASSES = 224, 1280, 1000
EPSILON = 1e-3
CENTRE, SPREAD = 127.0, 128.0
PARAMETERS = 4_652_008

NORM_PARTS = ("weight", "bias", "running_mean", "running_var")

Floats32 = npt.NDArray[np.float32]


class Stage(NamedTuple):
    """`repeats` blocks, the first with the stride; the depthwise kernel is `kernel` x `kernel`."""

    repeats: int
    kernel: int
    stride: int
    expansion: int


STAGES = (
    *(Stage(1, 3, 1, 1), Stage(2, 3, 2, 6), Stage(2, 5, 2, 6), Stage(3, 3, 2, 6)),
    *(Stage(3, 5, 1, 6), Stage(4, 5, 2, 6), Stage(1, 3, 1, 6)),
)


class Convolution(NamedTuple):
    """A convolution with its normalisation folded in: kernel [k, k, I, O], or [k, k, I, 1] depthwise; bias [O]."""

    kernel: Floats32
    bias: Floats32

    def __call__(self, images: Tensor, stride: int = 1) -> Tensor:
        """Images [N, H, W, I] to [N, ceil(H / stride), ceil(W / stride), O]."""
        return tf.nn.bias_add(tf.nn.conv2d(images, self.kernel, stride, "SAME"), self.bias)

    def depthwise(self, images: Tensor, stride: int) -> Tensor:
        """The depthwise convolution of images [N, H, W, C], each channel by itself."""
        strides = [1, stride, stride, 1]
        return tf.nn.bias_add(tf.nn.depthwise_conv2d(images, self.kernel, strides, "SAME"), self.bias)


def build(tensors: Tensors, where: str) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """The network.

    Args:
        tensors: of the checkpoint, by their names in PyTorch's EfficientNet.
        where: the file's name in messages.

    Returns:
        A function of images float32 [N, 224, 224, 3] in [0, 255] to (features float32 [N, 1280], at least 0: the mean
        of the last map; logits float32 [N, 1000]).

    Raises:
        IntegrityError: a tensor is missing.
    """
    try:
        stem, head = _folded(tensors, "_conv_stem", "_bn0"), _folded(tensors, "_conv_head", "_bn1")
        blocks = [_block(tensors, index, *each) for index, each in enumerate(_blocks())]
        weights, biases = np.ascontiguousarray(tensors["_fc.weight"].T), tensors["_fc.bias"]
    except KeyError as error:
        raise IntegrityError(f"{where} is not EfficientNet-Lite0: it has no tensor {error}") from None

    def network(images: Tensor) -> tuple[Tensor, Tensor]:
        hidden = tf.nn.relu6(stem((images - CENTRE) / SPREAD, 2))
        for block in blocks:
            hidden = block(hidden)
        features = tf.reduce_mean(tf.nn.relu6(head(hidden)), [1, 2])
        return features, features @ weights + biases

    return network


def _blocks() -> Iterator[tuple[int, int]]:
    """(stride, expansion) of each block; the kernel sizes come from the file."""
    for stage in STAGES:
        for number in range(stage.repeats):
            yield (stage.stride if number == 0 else 1), stage.expansion


def _block(tensors: Tensors, index: int, stride: int, expansion: int) -> Callable[[Tensor], Tensor]:
    """An inverted residual: expand, depthwise, project; added to the input if the shapes are equal."""
    name = f"_blocks.{index}."
    expand = _folded(tensors, f"{name}_expand_conv", f"{name}_bn0") if expansion > 1 else None
    depthwise = _folded(tensors, f"{name}_depthwise_conv", f"{name}_bn1", depthwise=True)
    project = _folded(tensors, f"{name}_project_conv", f"{name}_bn2")

    def block(images: Tensor) -> Tensor:
        hidden = images if expand is None else tf.nn.relu6(expand(images))
        hidden = project(tf.nn.relu6(depthwise.depthwise(hidden, stride)))
        return images + hidden if stride == 1 and images.shape[-1] == hidden.shape[-1] else hidden

    return block


def _folded(tensors: Tensors, convolution: str, norm: str, *, depthwise: bool = False) -> Convolution:
    """A convolution with its normalisation. PyTorch has kernels [O, I, k, k], depthwise [C, 1, k, k]."""
    kernel, scale, shift, mean, variance = (
        tensors[name].astype(np.float64)
        for name in (f"{convolution}.weight", *(f"{norm}.{part}" for part in NORM_PARTS))
    )
    scale = scale / np.sqrt(variance + EPSILON)
    axes = (2, 3, 0, 1) if depthwise else (2, 3, 1, 0)
    scaled = (kernel * scale[:, None, None, None]).transpose(axes)
    return Convolution(np.ascontiguousarray(scaled, np.float32), (shift - mean * scale).astype(np.float32))
