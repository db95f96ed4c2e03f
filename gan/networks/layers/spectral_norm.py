"""Spectral normalisation of a layer's weights."""

from __future__ import annotations

from typing import Any

import keras

from gan.types import Tensor

EPSILON = 1e-12


@keras.saving.register_keras_serializable("gan")
class SpectralNorm(keras.layers.Wrapper):  # type: ignore[misc]
    """Runs a layer with its kernel divided by an estimate of the kernel's largest singular value.

    Miyato et al. (2018), "Spectral Normalization for Generative Adversarial Networks", arXiv:1802.05957, equation 8 and
    algorithm 1: one power iteration each time the layer runs in training. The gradient passes through the division
    (their equation 12); the singular vectors are constants. `keras.layers.SpectralNormalization` (Keras 3.15) instead
    overwrites the weights that the optimiser trains with the divided ones, without that gradient.

    A kernel [..., F] is taken as a matrix of F columns, as in the paper's section 3 for convolutions. The result has
    the kernel's shape, and a norm near 1: at most 1 once the power iteration has converged.

    Args:
        layer: a Dense, Conv2D, EinsumDense or Embedding layer with F outputs.
    """

    def __init__(self, layer: keras.layers.Layer, **settings: Any) -> None:
        super().__init__(layer, **{**settings, "autocast": False, "dtype": "float32"})

    def build(self, input_shape: Any = None) -> None:
        """Make the layer's weights and the state of the power iteration: float32 [F], saved in checkpoints."""
        super().build(input_shape)
        self.vector = self.add_weight(
            name="singular_vector",
            shape=(self._kernel.shape[-1],),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",  # all replicas compute the same
        )

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """What the layer returns with the divided kernel; its shape and dtype are those of the layer."""
        kernel = keras.ops.convert_to_tensor(self._kernel)
        vector, norm = power_iteration(keras.ops.reshape(kernel, (-1, kernel.shape[-1])), self.vector)
        if training:
            self.vector.assign(vector)
        with keras.StatelessScope(state_mapping=[(self._kernel, kernel / norm)]):
            return self.layer(inputs)

    @property
    def _kernel(self) -> Any:
        return self.layer.embeddings if isinstance(self.layer, keras.layers.Embedding) else self.layer.kernel


def power_iteration(matrix: Tensor, vector: Tensor) -> tuple[Tensor, Tensor]:
    """One power iteration towards the largest singular value of a matrix.

    Args:
        matrix: float32 [R, F].
        vector: float32 [F], an estimate of the right singular vector; its norm does not matter.

    Returns:
        A better estimate of norm 1, float32 [F], and the estimate of the singular value, in (0, the largest one];
        differentiable in the matrix with the vectors held fixed. At least `EPSILON`.
    """
    fixed = keras.ops.stop_gradient(matrix)
    left = _unit(keras.ops.matmul(fixed, vector))
    right = _unit(keras.ops.matmul(left, fixed))
    norm = keras.ops.sum(keras.ops.matmul(left, matrix) * right)
    return right, keras.ops.maximum(norm, EPSILON)


def _unit(vector: Tensor) -> Tensor:
    return vector / keras.ops.maximum(keras.ops.norm(vector), EPSILON)
