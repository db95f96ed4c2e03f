"""The steps in their order, and the Kubeflow component of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kfp import dsl

from components.evaluate import evaluate
from components.export import export
from components.gate import gate
from components.preprocess import preprocess
from components.promote import promote
from components.reference import reference
from components.report import report
from components.train import train

STEPS: dict[str, Callable[..., Any]] = {
    "preprocess": preprocess,
    "reference": reference,
    "train": train,
    "evaluate": evaluate,
    "export": export,
    "gate": gate,
    "promote": promote,
    "report": report,
}


def component(name: str, image: str) -> Any:
    """The component of a step, whose pod runs `image`.

    Nothing is installed when a pod starts: the image holds `gan`, `components` and kfp.
    """
    return dsl.component(STEPS[name], base_image=image, packages_to_install=[], install_kfp_package=False)
