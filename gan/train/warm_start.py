"""Warm start: a new run begins with the weights that another run's checkpoint is scored and exported with.

The generator and its moving average both start from the checkpoint's moving average, BatchNorm statistics included,
which is what was promoted. The discriminator starts from the checkpoint's discriminator. The moving average has no
ramp-up, so it forgets the start only at its decay rate (`gan.train.ema.decay_at`).

The optimisers start fresh. Their moments belong to the trained generator, not to its average, and to learning rates
that may have changed; Adam's bias correction makes the first steps of fresh moments as large as later ones (Kingma and
Ba, 2015, arXiv:1412.6980, section 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gan.config import checkpoint_of
from gan.errors import ConfigError
from gan.store import Store
from gan.train.checkpoint.files import Checkpoints, assign
from gan.util import log

if TYPE_CHECKING:
    from gan.train.checkpoint.files import Tensors
    from gan.train.state import TrainState

SOURCES = {"generator": "ema", "ema": "ema", "discriminator": "discriminator"}
"""For each network, the one of the checkpoint that it starts from."""


def start(store: Store, state: TrainState, start_from: str) -> None:
    """Set the weights of each network to those of its source (`SOURCES`) in a checkpoint.

    The optimisers, the random state of dropout, the latents and the order of the data are those of a new run.

    Args:
        store: where the checkpoint is.
        state: newly made.
        start_from: `RUN_ID@STEP`.

    Raises:
        NotFoundError: there is no such checkpoint.
        ConfigError: its networks differ from those of this config.
        IntegrityError: it is damaged.
    """
    run_id, step = checkpoint_of(start_from)
    checkpoint, _ = Checkpoints(store, run_id).load(step)
    weights = {name: each for name, each in state.variables().items() if _is_weight(name, np.dtype(each.dtype))}
    tensors = {
        f"{network}/{name.partition('/')[2]}": tensor
        for network, source in SOURCES.items()
        for name, tensor in checkpoint.items()
        if name.startswith(f"{source}/") and _is_weight(name, tensor.dtype)
    }
    _require_same_shapes(weights, tensors, f"checkpoint {step} of run {run_id}")
    assign(weights, tensors, where=f"checkpoint {step} of run {run_id}")
    log.info("the networks start from the exported weights of another run's checkpoint", run_id=run_id, step=step)


def _is_weight(name: str, dtype: Any) -> bool:
    """Whether a variable is a network's weight rather than random state, which is integer."""
    return name.partition("/")[0] in SOURCES and np.issubdtype(dtype, np.floating)


def _require_same_shapes(weights: dict[str, Any], tensors: Tensors, where: str) -> None:
    here = {name: tuple(variable.shape) for name, variable in weights.items()}
    there = {name: tensor.shape for name, tensor in tensors.items()}
    if here != there:
        name = min(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))
        was, now = (list(side[name]) if name in side else "absent" for side in (there, here))
        raise ConfigError(
            f"train.start_from: {where} has other networks than this config ({name} is {was} there, "
            f"{now} here); give the generator and discriminator keys, image size and classes of that run, or set "
            "train.start_from=null"
        )
