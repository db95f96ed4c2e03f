"""The names that the pod of a step goes by: what it is told of itself, and by what it is found.

The pipelines write them into each pod; the steps and the client read them.
"""

from __future__ import annotations

CONTAINER = "main"
"""The container that the step itself runs in, as Argo calls it."""

EXECUTION = "GAN_EXECUTION"
TASK = "GAN_TASK"
POD = "GAN_POD"
NAMESPACE = "GAN_NAMESPACE"
NODE = "GAN_HOST"
IMAGE = "GAN_IMAGE"
RESULTS_FOLDER = "GAN_STEP_RECORDS"
BODY = "GAN_BODY"
STEP_VARIABLES = frozenset({EXECUTION, TASK, POD, NAMESPACE, NODE, RESULTS_FOLDER})
"""Variables that would make of any other process an attempt at the step."""

STEP = "gan-pipelines/step"
PROFILE = "gan-pipelines/profile"
RUN_ID_LABEL = "pipeline/runid"
NODE_NAME = "workflows.argoproj.io/node-name"
"""An annotation: Argo's name of the attempt."""
