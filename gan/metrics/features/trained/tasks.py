"""The networks that are trained on the dataset itself, by name."""

from __future__ import annotations

from gan.metrics.features.trained.attributes import Attributes
from gan.metrics.features.trained.channels import Channels
from gan.metrics.features.trained.classes import Classes
from gan.metrics.features.trained.rotation import Rotation
from gan.metrics.features.trained.task import Examples, Task

TASKS: dict[str, Task] = {
    "classes": Classes(),
    "channels": Channels(),
    "attributes": Attributes(),
    "rotation": Rotation(),
}


def task_for(examples: Examples) -> Task:
    """Attributes where there are any, else the classes of each channel, else two or more classes, else rotation."""
    if examples.attribute_names:
        return TASKS["attributes"]
    if examples.channel_classes:
        return TASKS["channels"]
    return TASKS["classes" if len(examples.classes) > 1 else "rotation"]
