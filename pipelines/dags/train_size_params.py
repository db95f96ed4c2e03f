"""The size of the pod that trains, as parameters of a run: one that ran out of memory can be cloned with more in the
form of Kubeflow's UI. Everything else of a profile is compiled in; Kubeflow takes no parameter there, or none in a
condition.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from pipelines.profiles.resources import Resources

STEP = "train"


def parameters(resources: Resources) -> dict[str, str]:
    """The size of the pod that trains, where the run may say another one.

    That of several workers is compiled in, and so is a request of CPU that has a limit of its own beside it, since a
    larger one than the limit makes no pod.
    """
    size = of_resources(resources) if resources.workers == 1 else {}
    return {what: value for what, value in size.items() if what != "cpu" or resources.cpu_limit is None}


def of_resources(resources: Resources) -> dict[str, str]:
    """The size that the profile gives a pod; accelerators only where it gives any.

    All of it is text: KFP 2.14 takes a number that is a parameter for nothing, and the pod has no accelerator.
    """
    size: dict[str, str] = {"cpu": resources.cpu, "memory": resources.memory}
    if resources.accelerator:
        size["accelerators"] = str(resources.accelerator_count)
    return size


def with_parameters(
    function: Callable[..., Any], size: Mapping[str, str], tell: Callable[[Mapping[str, Any]], object]
) -> Callable[..., Any]:
    """`function` as it is, with `train_cpu` and the like behind its own parameters, for `kfp.dsl.pipeline` to find.

    Args:
        function: builds a pipeline of the values of its parameters.
        size: cpu and the like, the defaults.
        tell: is told what stands for them in a run while `function` runs, and afterwards that nothing does.
    """
    own = inspect.signature(function)
    positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
    further = [
        inspect.Parameter(f"{STEP}_{what}", positional, default=value, annotation=str) for what, value in size.items()
    ]

    def wider(*values: Any) -> Any:
        count = len(own.parameters)
        tell(dict(zip(size, values[count:], strict=True)))
        try:
            return function(*values[:count])
        finally:
            tell({})

    wider.__signature__ = own.replace(parameters=[*own.parameters.values(), *further])  # type: ignore[attr-defined]
    wider.__annotations__ = {**function.__annotations__, **{each.name: each.annotation for each in further}}
    wider.__name__, wider.__doc__ = function.__name__, function.__doc__
    return wider
