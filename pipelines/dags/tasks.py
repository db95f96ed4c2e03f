"""Steps as tasks of a pipeline, with the resources that the profile gives their pods."""

from __future__ import annotations

from typing import Any

from components.registry import STEPS, component
from gan.errors import ConfigError, unknown_name
from pipelines.profiles import train_size_params
from pipelines.profiles.profile import Profile


class Tasks:
    """Makes the tasks of a pipeline: `tasks("train", config=config, ...)`.

    Each runs in `image`. Kubeflow's own cache stays off: its key covers neither the library's code nor whether the
    store still has what a step made.

    Args:
        image: the image of every step.
        profile: what the pods get; None under `kfp.local`, which has no pods.
    """

    def __init__(self, image: str, profile: Profile | None) -> None:
        self.image = image
        self.profile = profile
        self._components: dict[str, Any] = {}

    def __call__(self, step: str, *size: Any, **arguments: Any) -> Any:
        """A task that runs `step` with these arguments: values, or outputs of other tasks.

        `workers`, where the step takes it, comes from the profile; so does what `size` does not say, see
        `pipelines.profiles.train_size_params`.

        Raises:
            ConfigError: there is no such step.
        """
        if step not in STEPS:
            raise ConfigError(unknown_name("step", step, STEPS))
        if step not in self._components:
            self._components[step] = component(step, self.image)
        made = self._components[step]
        if self.profile is None:
            return uncached(made(**arguments))
        resources = self.profile.resources(step)
        if "workers" in made.component_spec.inputs:
            arguments = {"workers": resources.workers, **arguments}
        from pipelines.profiles import apply_profile

        given = dict(zip(train_size_params.parameters(resources), size, strict=True)) if size else {}
        return apply_profile.apply_profile(uncached(made(**arguments)), step, self.image, self.profile, given)


def uncached(task: Any) -> Any:
    """The task, or the pipeline used as one, outside Kubeflow's cache."""
    return task.set_caching_options(enable_caching=False)
