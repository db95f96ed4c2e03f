"""Resource profiles: what each step's pod gets on a kind of cluster, by name or from a user's own file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from components.registry import STEPS
from gan.errors import ConfigError, NotFoundError, unknown_file, unknown_name
from gan.options import Options, key
from gan.util.ids import check_id
from pipelines.profiles.resources import Resources

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
SHIPPED = Path(__file__).parent / "profiles.yaml"


@dataclass(frozen=True)
class Profile(Options):
    """What the pods of a run get: `default`, and for some steps instead, key by key, what `steps` says."""

    name: str = key("", "Its name; none: that of the file.")
    about: str = key("", "What it is for, in a sentence.")
    service_account: str = key(
        "gan-run", "The Kubernetes service account of every step's pod; several workers are gan-worker."
    )
    store_secret: str | None = key("gan-store", "Secret with the keys of an s3:// store; none: workload identity.")
    notify_secret: str | None = key(
        "gan-notify", "Secret with GAN_WEBHOOK_URL for notify; none, or missing: no webhook."
    )
    settings: str | None = key("gan-settings", "ConfigMap with GAN_PUSHGATEWAY; none: no metrics are pushed.")
    image_pull_secret: str | None = key(None, "Secret that the image is pulled with; none: the service account's.")
    default: Resources = field(default_factory=Resources)
    steps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self, where: str | None) -> None:
        super().__post_init__(where)
        check_id(self.name, "the name of a profile")
        if self.notify_secret is not None and not _DNS_LABEL.fullmatch(self.notify_secret):
            raise ConfigError(
                f"profile {self.name}: notify_secret must be at most 63 small letters, digits and dashes, since "
                f'Kubeflow calls a volume by it; got "{self.notify_secret}"'
            )
        for step in self.steps:
            self.resources(step)

    def resources(self, step: str) -> Resources:
        """What the pod of `step` gets."""
        overrides = self.steps.get(step, {})
        where = f"profile {self.name}, step {step}"
        _check_keys(where, overrides, Resources)
        try:
            made = replace(self.default, **overrides)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None
        if made.workers > 1 and not STEPS[step].takes_workers:
            takes = ", ".join(name for name, spec in STEPS.items() if spec.takes_workers)
            raise ConfigError(
                f"{where}: workers is {made.workers}, and only {takes} takes several workers; give 1, or none"
            )
        return made


def profile_names() -> list[str]:
    """The shipped profiles."""
    return list(_read(SHIPPED))


def load_profile(name_or_file: str) -> Profile:
    """A shipped profile by name, or the one profile of a YAML file by path.

    A file holds the keys of `Profile`; with `extends: NAME` it gives only what differs from a shipped one.

    Raises:
        NotFoundError: no shipped profile and no file has that name.
        ConfigError: a key or value is wrong.
    """
    shipped = _read(SHIPPED)
    if name_or_file in shipped:
        return _profile(name_or_file, shipped[name_or_file], shipped)
    path = Path(name_or_file)
    if not path.is_file():
        raise NotFoundError(unknown_file("profile", name_or_file, shipped))
    return _profile(path.stem, _read(path), shipped)


def _profile(name: str, tree: Any, shipped: Mapping[str, Any]) -> Profile:
    merged = _merged(name, tree, shipped)
    _check_keys(f"profile {name}", merged, Profile)
    default = merged.pop("default", {})
    _check_keys(f"profile {name}: default", default, Resources)
    _check_steps(name, merged.get("steps", {}))
    try:
        made = Resources(**default)
    except ConfigError as error:
        raise ConfigError(f"profile {name}: {error}") from None
    return Profile(**{**merged, "name": merged.get("name") or name, "default": made})


def _merged(name: str, tree: Any, shipped: Mapping[str, Any]) -> dict[str, Any]:
    """`tree` merged into what it extends: the resources of each step key by key, everything else whole."""
    if not isinstance(tree, Mapping):
        raise ConfigError(f"profile {name} must be a mapping of keys to values; got {tree!r}")
    own = dict(tree)
    base = own.pop("extends", None)
    if base is None:
        return own
    if base not in shipped:
        raise ConfigError(unknown_name(f"profile {name} extends", str(base), shipped))
    extended = _merged(base, shipped[base], shipped)
    default = _updated(extended.get("default", {}), own.get("default", {}))
    steps = own.get("steps", {})
    if isinstance(steps, Mapping):
        before = extended.get("steps", {})
        steps = {**before, **{step: _updated(before.get(step, {}), overrides) for step, overrides in steps.items()}}
    return {**extended, **own, "default": default, "steps": steps}


def _updated(resources: Mapping[str, Any], overrides: Any) -> Any:
    """`resources` with the keys of `overrides`; what is not a mapping is returned for the checks to refuse."""
    return {**resources, **overrides} if isinstance(overrides, Mapping) else overrides


def _check_steps(name: str, steps: Any) -> None:
    if not isinstance(steps, Mapping):
        raise ConfigError(f"profile {name}: steps must be a mapping of step to resources; got {steps!r}")
    for step in steps:
        if step not in STEPS:
            raise ConfigError(unknown_name(f"step in profile {name}:", str(step), STEPS))


def _check_keys(where: str, tree: Any, kind: type[Options]) -> None:
    if not isinstance(tree, Mapping):
        raise ConfigError(f"{where} must be a mapping of keys to values; got {tree!r}")
    known = [item.name for item in fields(kind)]
    for given in tree:
        if given not in known:
            raise ConfigError(unknown_name(f"key in {where}:", str(given), known))


def _read(path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"can't read the profile {path}: {error}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
