"""Names for the tensors that pass between the layers. Shapes and ranges are the contract.

Images   [N, H, W, C]  float32 in [-1, 1]      C is 1 (grey) or 3 (RGB)
Pixels   [N, H, W, C]  uint8 in [0, 255]       what shards, grids and metrics hold
Latents  [N, Z]        float32, standard normal
Labels   [N]           int32 in [0, classes)
Logits   [N, 1]        float32, unbounded; > 0 means "real"
Features [N, F]        float32; float64 inside the maths of a metric
Scalar   []            float32
Tensor                 any other; the docstring gives its shape
Floats                 float64 array of any shape, in the maths of a metric
GenerateFn             a generator: from latents, and labels (None if it takes none), to images
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Pixels: TypeAlias = npt.NDArray[np.uint8]
    Features: TypeAlias = npt.NDArray[np.float32 | np.float64]
    LabelArray: TypeAlias = npt.NDArray[np.int32]
    Floats: TypeAlias = npt.NDArray[np.float64]
else:  # importing names must not cost the import of numpy
    Pixels = Features = LabelArray = Floats = Any

Images: TypeAlias = Any  # tf.Tensor or numpy array, as are the next ones
Latents: TypeAlias = Any
Labels: TypeAlias = Any
Logits: TypeAlias = Any
Scalar: TypeAlias = Any
Tensor: TypeAlias = Any

GenerateFn: TypeAlias = Callable[[Latents, LabelArray | None], Images]

Json: TypeAlias = dict[str, Any]
