"""The directions of a generator as a table."""

from __future__ import annotations

from gan.result import StepResult
from gan.types import Json


def direction_table(outcome: StepResult) -> str:
    """A heading, then a line for each class or attribute: its share of the images, how well the feature network
    recognises it in real images if that is known, and how well its direction predicts it.
    """
    details = outcome.details
    found: dict[str, Json] = details["directions"]
    width = max(len("name"), *map(len, found))
    lines = [
        f"directions of {outcome.id}, named by {details['feature_network']} of {details['reference_id']}, "
        f"found with {details['samples']} images",
        f"  {'name':<{width}}{'images':>9}{'network':>9}{'AUC':>7}",
    ]
    for name, each in found.items():
        figures = f"{each['share']:>9.1%}{_rounded(each['network_accuracy']):>9}{_rounded(each['auc']):>7}"
        lines.append(f"  {name:<{width}}{figures}{_remark(each, details['min_auc'])}")
    return "\n".join(lines)


def _rounded(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _remark(direction: Json, min_auc: float) -> str:
    if direction["auc"] is None:
        return "  not usable: too few images with it, or without it"
    if not direction["usable"]:
        return f"  not usable: AUC below {min_auc:.2f}"
    return "  doubtful: the network hardly recognises it" if direction["doubtful"] else ""
