"""Keys of earlier releases, read as what they are called now: from configs of users and from records in the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

LIMIT_PREFIXES = ("most_", "least_")
OWN_KEYS = ("most_pixel_difference",)  # of the group `gate`, and no limit of a score
OLD = {
    ("gate", "against_live"): "gate.margin (null for off, 0 for better)",
    ("evaluate", "bootstrap"): "gone: intervals have a closed form",
    ("retrain", "most_drift"): "retrain.max_drift, a KID, where this was an FID: choose a value anew",
}


def is_old(group: str, name: str) -> bool:
    """Whether a key of a group has another name now, or none."""
    return (group, name) in OLD or (group == "gate" and name.startswith(LIMIT_PREFIXES) and name not in OWN_KEYS)


def group(name: str, tree: Any) -> Any:
    """A group of keys as it would be written now; a value that is not a mapping is returned as it is.

    The gate's `most_x` and `least_x` are `limits.x`. Its `against_live` is `margin`: off compares with nothing, neither
    the live generator nor the best that ever was; better is an FID margin of 0.
    """
    if not isinstance(tree, Mapping) or not any(is_old(name, str(key)) for key in tree):
        return tree
    kept = {key: value for key, value in tree.items() if not is_old(name, str(key))}
    old = {key: value for key, value in tree.items() if is_old(name, str(key))}
    if name != "gate":
        return kept
    limits = {key.partition("_")[2]: value for key, value in old.items() if key != "against_live"}
    kept["limits"] = {**(kept.get("limits") or {}), **limits}
    if old.get("against_live") in ("off", False):
        kept |= {"margin": None, "anchor_margin": None}
    elif old.get("against_live") == "better":
        kept["margin"] = 0
    return kept


def renamed(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The old ones among `group.key` paths, each with what it is now."""
    for path in paths:
        name, _, key = path.partition(".")
        if is_old(name, key):
            yield path, OLD.get((name, key), f"gate.limits.{key.partition('_')[2]}")
