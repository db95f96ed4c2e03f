"""A warm start: a new run begins with the weights that another run's checkpoint is scored and exported with.

The generator and its moving average both begin with the moving average of the checkpoint, BatchNorm statistics
included: that is what was promoted. The discriminator begins with that of the checkpoint. The moving average keeps them
as long as its decay says: there is no ramp-up (`gan.train.ema.decay_at`).

The optimisers begin anew. Their moments belong to the generator that was trained, not to its average, and to learning
rates that may be others now; Adam's bias correction makes the first steps of fresh moments as large as later ones
(Kingma and Ba, 2015, arXiv:1412.6980, section 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gan.config import checkpoint_of
from gan.errors import ConfigError
from gan.store import Store
from gan.train.checkpoint.files import Checkpoints, assign
from gan.util.log import say

if TYPE_CHECKING:
    from gan.train.checkpoint.files import Tensors
    from gan.train.state import TrainState

SOURCES = {"generator": "ema", "ema": "ema", "discriminator": "discriminator"}
"""Which network of the checkpoint each network begins with."""


def start(store: Store, players: TrainState, start_from: str) -> None:
    """Give each network the weights of `SOURCES` in a checkpoint.

    The optimisers' moments, the random state of dropout, the latents and the order of the data are those of a new run.

    Args:
        store: where the checkpoint is.
        players: freshly made.
        start_from: `RUN_ID@STEP`.

    Raises:
        NotFoundError: there is no such checkpoint.
        ConfigError: its networks are others than those of this config.
        IntegrityError: it is damaged.
    """
    run_id, step = checkpoint_of(start_from)
    found, _ = Checkpoints(store, run_id).load(step)
    wanted = {name: each for name, each in players.variables().items() if _is_weight(name, np.dtype(each.dtype))}
    tensors = {
        f"{network}/{name.partition('/')[2]}": tensor
        for network, source in SOURCES.items()
        for name, tensor in found.items()
        if name.startswith(f"{source}/") and _is_weight(name, tensor.dtype)
    }
    _require_alike(wanted, tensors, f"checkpoint {step} of run {run_id}")
    assign(wanted, tensors, where=f"checkpoint {step} of run {run_id}")
    say("the networks start with the weights that another run's checkpoint is exported with", run_id=run_id, step=step)


def _is_weight(name: str, dtype: Any) -> bool:
    """Whether a variable is one of a network that is no random state: these are whole numbers."""
    return name.partition("/")[0] in SOURCES and np.issubdtype(dtype, np.floating)


def _require_alike(wanted: dict[str, Any], tensors: Tensors, where: str) -> None:
    here = {name: tuple(variable.shape) for name, variable in wanted.items()}
    there = {name: tensor.shape for name, tensor in tensors.items()}
    if here != there:
        name = min(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))
        was, now = (list(side[name]) if name in side else "absent" for side in (there, here))
        raise ConfigError(
            f"train.start_from: {where} is of other networks than those of this config ({name} is {was} there, "
            f"{now} here); give the generator and discriminator keys, image size and classes of that run, or set "
            "train.start_from=null"
        )
