"""The steps, and the Kubeflow component of each."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from typing import Any

from kfp import dsl

from components.choose import choose
from components.decide import decide
from components.evaluate import evaluate
from components.export import export
from components.gate import gate
from components.notify import notify
from components.preprocess import preprocess
from components.promote import promote
from components.propose import propose
from components.reference import reference
from components.remeasure import remeasure
from components.report import report
from components.train import train
from components.trial import trial

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
"""The steps of a training, in their order."""

COMPONENTS: dict[str, Callable[..., Any]] = {
    **STEPS,
    "decide": decide,
    "remeasure": remeasure,
    "notify": notify,
    "propose": propose,
    "trial": trial,
    "choose": choose,
}
"""Every step that a pipeline may have."""


def component(name: str, image: str) -> Any:
    """The component of a step, whose pod runs `image`.

    Nothing is installed when a pod starts: the image holds `gan`, `components` and kfp.
    """
    return dsl.component(COMPONENTS[name], base_image=image, packages_to_install=[], install_kfp_package=False)


def fingerprint(name: str) -> str:
    """A hash of the source of a step's body. A pipeline carries the body, and the image what the body calls."""
    return hashlib.sha256(inspect.getsource(COMPONENTS[name]).encode()).hexdigest()[:16]
