"""The size of the pod that trains, as parameters of a run: in the form of Kubeflow's UI, a run that ran out of memory
can be cloned with more. Everything else of a profile is compiled in: Kubeflow takes no parameter there, or none in a
condition.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from pipelines.profiles.profile import Profile
from pipelines.profiles.resources import Resources


def with_train_size(profile: Profile | None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorates the function of a pipeline. Its last parameter, `*size`, becomes `train_cpu` and the like.

    kfp reads only the signature, and passes all arguments by position.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(function)
        *own, _ = signature.parameters.values()
        sizes = parameters(profile.resources("train")) if profile else {}
        named = [
            inspect.Parameter(f"train_{what}", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=value, annotation=str)
            for what, value in sizes.items()
        ]
        function.__signature__ = signature.replace(parameters=[*own, *named])  # type: ignore[attr-defined]
        return function

    return decorate


def parameters(resources: Resources) -> dict[str, str]:
    """The sizes that a run may change, with the profile's values.

    Those of several workers are compiled in. So is a CPU request below its limit: Kubernetes refuses one above it.
    """
    size = of_resources(resources) if resources.workers == 1 else {}
    return {what: value for what, value in size.items() if what != "cpu" or resources.cpu_limit is None}


def of_resources(resources: Resources) -> dict[str, str]:
    """The size that the profile gives a pod; accelerators only where it gives any.

    KFP 2.14 silently ignores numeric parameters here, so the pod would get no accelerator: all of it is text.
    """
    size: dict[str, str] = {"cpu": resources.cpu, "memory": resources.memory}
    if resources.accelerator:
        size["accelerators"] = str(resources.accelerator_count)
    return size
