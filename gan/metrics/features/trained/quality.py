"""The accuracy of a feature network that was trained here, and when it is too low for scores.

Accuracy is balanced: the mean over classes of the share that is recognised (Brodersen et al. 2010, "The balanced
accuracy and its posterior distribution"). Always predicting the most frequent class gives chance level: for CelebA's
40 attributes this is right in 80 % of cases, but has a balanced accuracy of 0.5.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gan.types import Json

MIN_SKILL = 0.5
"""The required fraction of the way from chance to perfect accuracy: a balanced accuracy of 0.75 for binary attributes,
0.55 for ten classes, 0.63 for quarter turns. A convention, and deliberately low."""
LIMITATION = (
    "Like every classifier that was trained on the dataset itself, it can't measure diversity within a class, which is "
    "of no use for telling classes apart"
)
REMEDY = "Try more images, more reference.epochs, or reference.feature_network=imagenet"


def recalls(predicted: npt.NDArray[np.integer], true: npt.NDArray[np.integer], classes: int) -> npt.NDArray[np.float64]:
    """The share of each class's images that are recognised, [K] in [0, 1]; NaN for a class without images.

    Args:
        predicted: predicted classes [N], in [0, K).
        true: classes [N], in [0, K).
        classes: K.
    """
    counts = np.bincount(true, minlength=classes)
    correct = np.bincount(true[predicted == true], minlength=classes)
    return np.where(counts > 0, correct / np.maximum(counts, 1), np.nan)


def of_classes(predicted: npt.NDArray[np.integer], true: npt.NDArray[np.integer], classes: int) -> Json:
    """Balanced accuracy of predicted classes; see `recalls` for the arguments.

    Returns:
        accuracy: mean recall of the classes with images; judged_on: their number; chance: 1 / judged_on.
    """
    per_class = recalls(predicted, true, classes)
    per_class = per_class[~np.isnan(per_class)]
    return {"accuracy": float(per_class.mean()), "chance": 1 / len(per_class), "judged_on": len(per_class)}


def of_attributes(probabilities: npt.NDArray[np.floating], attributes: npt.NDArray[np.integer]) -> Json:
    """Mean balanced accuracy of the attributes, without those that all images have, or none.

    Args:
        probabilities: of each attribute to be present, [N, A].
        attributes: the truth, -1 or 1, [N, A].

    Returns:
        accuracy (0.5 if no attribute is left), chance (0.5), judged_on: the number of attributes.
    """
    predicted, true = (probabilities > 0.5).astype(int), (attributes > 0).astype(int)
    each = [recalls(predicted[:, index], true[:, index], 2).mean() for index in range(true.shape[1])]
    per_class = [float(value) for value in each if not np.isnan(value)]
    return {"accuracy": float(np.mean(per_class)) if per_class else 0.5, "chance": 0.5, "judged_on": len(per_class)}


def weakness(network: Json) -> str | None:
    """A warning if a feature network is too weak, or its quality can't be measured; else None.

    Args:
        network: `name`, and for a network that was trained here `accuracy`, `chance` and `judged_on`.
    """
    if "chance" not in network:
        return None
    name, accuracy, chance = network["name"], network["accuracy"], network["chance"]
    if network["judged_on"] == 0 or chance >= 1:
        return (
            f"the quality of the feature network {name} can't be measured: all held-out images have the same labels. "
            f"{LIMITATION}. {REMEDY}"
        )
    skill = (accuracy - chance) / (1 - chance)
    if skill >= MIN_SKILL:
        return None
    return (
        f"the feature network {name} is weak: its balanced accuracy on held-out images is {accuracy:.2f}, where "
        f"guessing gives {chance:.2f}; it should be at least {chance + MIN_SKILL * (1 - chance):.2f}. Scores measured "
        f"with it are unreliable. {LIMITATION}. {REMEDY}"
    )
