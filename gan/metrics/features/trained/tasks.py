"""The networks that are trained on the dataset itself, by name."""

from __future__ import annotations

from gan.metrics.features.trained.attributes import Attributes
from gan.metrics.features.trained.classes import Classes
from gan.metrics.features.trained.rotation import Rotation
from gan.metrics.features.trained.task import Examples, Task

TASKS: dict[str, Task] = {"classes": Classes(), "attributes": Attributes(), "rotation": Rotation()}


def task_for(examples: Examples) -> Task:
    """Attributes where there are any, else classes where there are two or more, else rotation."""
    if examples.attribute_names:
        return TASKS["attributes"]
    return TASKS["classes" if len(examples.classes) > 1 else "rotation"]
