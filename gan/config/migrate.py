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

MOVED = {
    ("loss", "kl_weight"): "regularisers.kl.weight",
    ("loss", "kl_estimator"): "regularisers.kl.estimator",
    ("train", "optimizer"): "optimizer.name",
    ("train", "beta_1"): "optimizer.beta_1",
    ("train", "beta_2"): "optimizer.beta_2",
    ("train", "rho"): "optimizer.rho",
}
"""Keys that now belong to another group, by their present path. Records keep them where they were."""

RECORDED: dict[str, dict[str, Any]] = {
    "generator": dict.fromkeys(("name", "latent_size", "width", "conditional")),
    "discriminator": dict.fromkeys(("name", "width", "dropout")),
    "loss": {
        "name": "non_saturating",
        "label_smoothing": 0.0,
        "label_noise": 0.0,
        "clip_value": 0.01,
        "gradient_penalty": 10.0,
        "kl_weight": 0.0,
        "kl_estimator": "gaussian",
    },
    "train": {
        **dict.fromkeys(("steps", "batch_size", "seed", "discriminator_steps")),
        "optimizer": "adam",
        **dict.fromkeys(("generator_learning_rate", "discriminator_learning_rate")),
        "beta_1": 0.5,
        "beta_2": 0.999,
        "rho": 0.9,
        **dict.fromkeys(("ema_decay", "precision", "checkpoint_every_steps", "keep_checkpoints", "keep_every_steps")),
        **dict.fromkeys(("sample_every_steps", "log_every_steps", "start_from")),
    },
    "health": {},
}
"""The keys that records of these groups always have, and the defaults that stand there for keys that a choice lacks.

They are those of the time when each group had the keys of all its choices. A later key is on record if it differs from
its default, so that a new key leaves the ids of earlier runs as they are.
"""


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


def moved(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A config with each key in its present group, from one that may have it in an earlier one.

    A key that has no effect and its default is left out: once every loss had the keys of all losses, and every
    optimiser those of both.

    Raises:
        ConfigError: a key is given by its old and its new name.
    """
    made = {name: dict(group) if isinstance(group, Mapping) else group for name, group in tree.items()}
    old: dict[str, Any] = {}
    for (group, key), path in MOVED.items():
        if isinstance(made.get(group), dict) and key in made[group]:
            old[path] = made[group].pop(key)
    _drop_unused(made, old)
    for path, value in old.items():
        _put(made, path, value)
    return made


def _drop_unused(made: dict[str, Any], old: dict[str, Any]) -> None:
    """Leave out defaults that have no effect."""
    _drop_unused_kl(made, old)
    present = made.get("optimizer")
    optimizer = old.get("optimizer.name", present.get("name", "adam") if isinstance(present, dict) else "adam")
    for name in ("rho",) if optimizer == "adam" else ("beta_1", "beta_2"):
        if old.get(f"optimizer.{name}") == RECORDED["train"][name]:
            del old[f"optimizer.{name}"]
    loss = made.get("loss")
    if isinstance(loss, dict):
        for name, default in RECORDED["loss"].items():
            if name != "name" and loss.get(name) == default and name not in LOSS_KEYS.get(loss.get("name"), ()):
                del loss[name]


def _drop_unused_kl(made: Mapping[str, Any], old: dict[str, Any]) -> None:
    """Earlier the regulariser had keys even where it was off, with a weight of 0 unless another was given."""
    weight, estimator = "regularisers.kl.weight", "regularisers.kl.estimator"
    regularisers = made.get("regularisers")
    if old.get(weight) or (isinstance(regularisers, Mapping) and regularisers.get("kl") is not None):
        return
    if old.get(estimator, RECORDED["loss"]["kl_estimator"]) == RECORDED["loss"]["kl_estimator"]:
        old.pop(weight, None)
        old.pop(estimator, None)
    else:
        old[weight] = 0.0


LOSS_KEYS = {
    None: ("label_smoothing", "label_noise"),
    "non_saturating": ("label_smoothing", "label_noise"),
    "minimax": ("label_smoothing", "label_noise"),
    "wasserstein": ("clip_value",),
    "wgan_gp": ("gradient_penalty",),
}
"""Which of the keys of `RECORDED["loss"]` each loss has."""


def _put(tree: dict[str, Any], path: str, value: Any) -> None:
    group, *between, name = path.split(".")
    inner = tree.setdefault(group, {})
    for each in between:
        inner[each] = dict(inner.get(each) or {})
        inner = inner[each]
    if isinstance(inner, dict):
        if name in inner:
            raise ConfigError(f"{path} is given twice, by its old and by its new name; leave the old one out")
        inner[name] = value


def recorded(tree: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """A config as hashes and records have it.

    Keys have the names, and are in the groups, that they had when the first records were made; later keys are there if
    they differ from their default. So no id, recipe or verdict changes because a key moved, or because there is a new
    one.

    Args:
        tree: `Config.to_dict()`.
        defaults: the default of every key, by group.
    """
    kl = tree["regularisers"].get("kl", {})
    loss = {f"kl_{name}": kl[name] for name in ("weight", "estimator") if name in kl}
    made = {
        **tree,
        "loss": recorded_group("loss", {**tree["loss"], **loss}, defaults["loss"]),
        "train": recorded_group("train", _with_optimizer(tree), _with_optimizer(defaults)),
        **{
            name: recorded_group(name, tree[name], defaults[name])
            for name in defaults
            if name not in ("loss", "train", "optimizer", "augmentation")
        },
    }
    del made["optimizer"]
    others = {name: each for name, each in tree["regularisers"].items() if name != "kl" and each["weight"] != 0}
    if not others:
        del made["regularisers"]
    else:
        made["regularisers"] = others
    if tree["augmentation"] == {"name": "none"}:
        del made["augmentation"]
    if not made["health"]:
        del made["health"]
    return made


def _with_optimizer(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The group `train` with the keys of the optimiser, which it once had."""
    optimizer = {"optimizer" if name == "name" else name: value for name, value in tree["optimizer"].items()}
    return {**tree["train"], **optimizer}


def recorded_group(name: str, tree: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """One group as hashes and records have it; see `recorded`."""
    always = RECORDED.get(name)
    if always is None:
        return recorded_names(name, tree)
    kept = {key: tree.get(key, default) for key, default in always.items() if key in tree or default is not None}
    return kept | {key: each for key, each in tree.items() if key not in always and each != defaults.get(key)}


def present_key(path: str) -> str:
    """The present path of a key in a user's config, which may have an earlier name or group."""
    return dict(renamed([path])).get(path, path)


def present_path(path: str) -> str:
    """The present path of a key of `recorded`: `optimizer.beta_1` for `train.beta_1`."""
    group, _, rest = path.partition(".")
    name, dot, inner = rest.partition(".")
    return MOVED.get((group, name), f"{group}.{name}") + dot + inner


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
        if (name, key) in MOVED:
            yield path, MOVED[name, key]
        elif (name, key) in RENAMED:
            yield path, f"{name}.{RENAMED[name, key]}"
        elif is_old(name, key):
            yield path, REPLACED.get((name, key), f"gate.limits.{key.partition('_')[2]}")


def _is_limit(group: str, name: str) -> bool:
    return group == "gate" and (group, name) not in RENAMED and name.startswith(LIMIT_PREFIXES)
