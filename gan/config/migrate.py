"""Config keys of earlier releases, under their new names: in users' configs and in records of the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gan.errors import ConfigError

RENAMED = {
    ("evaluate", "sure_above"): "confidence_threshold",
    ("gate", "most_pixel_difference"): "max_pixel_difference",
    ("reference", "most_images"): "max_images",
    ("retrain", "least_changed_images"): "min_changed_images",
    ("retrain", "most_age_days"): "max_age_days",
    ("retrain", "most_attempts"): "max_attempts",
}
REPLACED = {
    ("gate", "against_live"): "gate.margin (null for off, 0 for better)",
    ("evaluate", "bootstrap"): "gone: intervals have a closed form",
    ("retrain", "most_drift"): "retrain.max_drift, a KID, where this was an FID: choose a value anew",
}
ADDED: dict[tuple[str, str], Any] = {("data", "options"): {}}
"""Keys of later releases. Hashes and records leave them out at these defaults, so that they have no other id for it."""
LIMIT_PREFIXES = ("most_", "least_")


def is_old(group: str, name: str) -> bool:
    """Whether a key of a group was renamed or removed."""
    return (group, name) in RENAMED or (group, name) in REPLACED or _is_limit(group, name)


def group(name: str, tree: Any) -> Any:
    """A group of keys with new names; a value that is not a mapping is returned unchanged.

    The gate's `most_x` and `least_x` are now `limits.x`. Its `against_live` is now `margin`: off turns the comparisons
    with the live generator and the best ever live one off; better is an FID margin of 0.

    Raises:
        ConfigError: a key is given by its old and its new name.
    """
    if not isinstance(tree, Mapping) or not any(is_old(name, str(key)) for key in tree):
        return tree
    for old in tree:
        new = RENAMED.get((name, str(old)))
        if new in tree:
            raise ConfigError(f"{name}.{old} is now {name}.{new}, and both are given: leave {name}.{old} out")
    kept = {key: value for key, value in present_names(name, tree).items() if not is_old(name, str(key))}
    limits = {str(key).partition("_")[2]: value for key, value in tree.items() if _is_limit(name, str(key))}
    if limits:
        kept["limits"] = {**(kept.get("limits") or {}), **limits}
    if name == "gate" and tree.get("against_live") in ("off", False):
        kept |= {"margin": None, "anchor_margin": None}
    elif name == "gate" and tree.get("against_live") == "better":
        kept["margin"] = 0
    return kept


def recorded_names(name: str, tree: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a group as hashes and records have them: by the names of before they were renamed, in the same order.

    So no id, recipe or verdict changes because a key has another name, or because there is a new one that is not used.
    """
    old = {new: before for (group, before), new in RENAMED.items() if group == name}
    unused = {key for (group, key), default in ADDED.items() if group == name and tree.get(key) == default}
    return {old.get(key, key): value for key, value in tree.items() if key not in unused}


def present_names(name: str, tree: Mapping[str, Any]) -> dict[str, Any]:
    """The opposite of `recorded_names`: what a record calls by old names, by the present ones."""
    return {RENAMED.get((name, key), key): value for key, value in tree.items()}


def renamed(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The outdated ones among `group.key` paths, each with its new name."""
    for path in paths:
        name, _, key = path.partition(".")
        if (name, key) in RENAMED:
            yield path, f"{name}.{RENAMED[name, key]}"
        elif is_old(name, key):
            yield path, REPLACED.get((name, key), f"gate.limits.{key.partition('_')[2]}")


def _is_limit(group: str, name: str) -> bool:
    return group == "gate" and (group, name) not in RENAMED and name.startswith(LIMIT_PREFIXES)
