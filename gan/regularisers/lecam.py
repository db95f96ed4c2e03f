"""The LeCam regulariser, for few training images: logits are kept close to the average logit of the other side."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from gan.options import key
from gan.regularisers.interface import Regulariser, RegulariserOptions
from gan.schedules import scheduled_key
from gan.schedules.interface import Scheduled
from gan.types import Logits, Scalar, Tensor
from gan.util.lazy import replicated_variable, tf


@dataclass(frozen=True)
class Options(RegulariserOptions):
    """Pulls real logits to the moving average of generated ones and vice versa; added to the discriminator's loss.

    Tseng et al. (2021), "Regularizing Generative Adversarial Networks under Limited Data", arXiv:2104.03310.
    """

    TITLE: ClassVar[str] = "LeCam"
    METRIC: ClassVar[str] = "squared distance from the averages"

    weight: Scheduled = scheduled_key(0.3, "Factor of the term; 0 turns it off.", min_value=0)
    decay: float = key(
        0.99, "Decay of the moving averages at each update of the discriminator.", min_value=0, max_value=0.99999
    )


def lecam(real_logits: Logits, fake_logits: Logits, real_average: Scalar, fake_average: Scalar) -> Scalar:
    """E_real[max(0, logit - fake average)^2] + E_fake[max(0, real average - logit)^2].

    Tseng et al. (2021), arXiv:2104.03310, section 3.2, which has it without the maximum; the maximum is in the authors'
    code (https://github.com/google/lecam-gan), with which their results were made. So a logit that is on the wrong side
    of the average, where the loss pushes it back, is left alone.

    Args:
        real_logits: float [N, 1] of real images.
        fake_logits: float [N, 1] of generated images.
        real_average: of earlier and present real logits.
        fake_average: of earlier and present generated logits.

    Returns:
        Scalar in [0, inf).
    """
    above = tf.reduce_mean(tf.square(tf.nn.relu(real_logits - fake_average)))
    below = tf.reduce_mean(tf.square(tf.nn.relu(real_average - fake_logits)))
    return above + below


def next_average(average: Scalar, value: Scalar, updates: Tensor, decay: float) -> Scalar:
    """The moving average after another value, of which each value so far has its due share.

    The average a_t = sum (1 - d) d^(t - i) v_i / (1 - d^t), i = 1..t, without a share of where it began (Kingma and Ba,
    2015, arXiv:1412.6980, section 3), as it follows from a_(t - 1).

    Args:
        average: a_(t - 1); anything for t = 1.
        value: v_t.
        updates: t, int64, from 1.
        decay: d, in [0, 1).
    """
    share = (1.0 - decay) / (1.0 - tf.pow(tf.constant(decay, tf.float32), tf.cast(updates, tf.float32)))
    return average + share * (value - average)


def make(options: Options) -> Regulariser:
    """The regulariser, with variables in the present device scope."""
    variables = {
        "real_average": replicated_variable(0.0, "float32"),
        "fake_average": replicated_variable(0.0, "float32"),
        "updates": replicated_variable(0, "int64"),
    }
    return Regulariser(
        name="lecam",
        weight=options.weight,
        of_logits=partial(_term, variables),
        observe=partial(_observe, variables, options.decay),
        variables=variables,
    )


def _term(variables: dict[str, Any], real_logits: Logits, fake_logits: Logits) -> Scalar:
    averages = (tf.convert_to_tensor(variables[name]) for name in ("real_average", "fake_average"))
    return lecam(real_logits, fake_logits, *averages)


def _observe(variables: dict[str, Any], decay: float, real_logits: Logits, fake_logits: Logits) -> None:
    updates = tf.convert_to_tensor(variables["updates"]) + 1
    for name, logits in (("real_average", real_logits), ("fake_average", fake_logits)):
        mean = tf.reduce_mean(tf.stop_gradient(logits))
        variables[name].assign(next_average(tf.convert_to_tensor(variables[name]), mean, updates, decay))
    variables["updates"].assign(updates)
