"""How good a feature network that was trained at home is, and when it is too weak to judge by.

Accuracy is balanced: the mean over classes of the share that is recognised (Brodersen et al. 2010, "The balanced
accuracy and its posterior distribution"). Whoever always names the most frequent class scores chance, however frequent
it is: CelebA's 40 attributes are guessed right in 80 of 100 cases that way, and their balanced accuracy is 0.5.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gan.types import Json

MIN_SKILL = 0.5
"""Of the way from chance to being always right: a balanced accuracy of 0.75 for yes-or-no attributes, 0.55 for ten
classes, 0.63 for quarter turns. A convention, and low on purpose: below it a network has missed most of its task."""
LIMITATION = (
    "Like every classifier that was trained on the dataset itself, it can't see diversity within a class, which is "
    "of no use for telling classes apart"
)
REMEDY = "More images, more reference.epochs, or reference.feature_network=imagenet help"


def recalls(predicted: npt.NDArray[np.integer], true: npt.NDArray[np.integer], classes: int) -> npt.NDArray[np.float64]:
    """The share of each class's images that are recognised, [K] in [0, 1]; NaN for a class that does not occur.

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
        accuracy: mean recall of the classes that occur; chance: what one guess for all scores, 1 over their number;
        judged_on: their number.
    """
    per_class = recalls(predicted, true, classes)
    per_class = per_class[~np.isnan(per_class)]
    return {"accuracy": float(per_class.mean()), "chance": 1 / len(per_class), "judged_on": len(per_class)}


def of_attributes(probabilities: npt.NDArray[np.floating], attributes: npt.NDArray[np.integer]) -> Json:
    """Mean over attributes of their balanced accuracy; those that all images have, or none, are left out.

    Args:
        probabilities: of each attribute to be present, [N, A].
        attributes: the truth, -1 or 1, [N, A].

    Returns:
        accuracy (0.5 where no attribute is left), chance (0.5), judged_on: how many attributes.
    """
    predicted, true = (probabilities > 0.5).astype(int), (attributes > 0).astype(int)
    each = [recalls(predicted[:, index], true[:, index], 2).mean() for index in range(true.shape[1])]
    per_class = [float(value) for value in each if not np.isnan(value)]
    return {"accuracy": float(np.mean(per_class)) if per_class else 0.5, "chance": 0.5, "judged_on": len(per_class)}


def weakness(network: Json) -> str | None:
    """A sentence where a feature network is too weak to judge by, or can't be judged itself; None where it is fine.

    Args:
        network: `name`, and where it was trained at home `accuracy`, `chance` and `judged_on`; others are taken as fine.
    """
    if "chance" not in network:
        return None
    name, accuracy, chance = network["name"], network["accuracy"], network["chance"]
    if network["judged_on"] == 0 or chance >= 1:
        return (
            f"how good the feature network {name} is can't be told: the held-out images differ in no label. "
            f"{LIMITATION}. {REMEDY}"
        )
    skill = (accuracy - chance) / (1 - chance)
    if skill >= MIN_SKILL:
        return None
    return (
        f"the feature network {name} is weak: its balanced accuracy on held-out images is {accuracy:.2f}, where "
        f"guessing gives {chance:.2f}; at least {chance + MIN_SKILL * (1 - chance):.2f} is wanted. Scores measured "
        f"with it say little. {LIMITATION}. {REMEDY}"
    )
