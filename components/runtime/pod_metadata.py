"""The variables, labels and annotations of a step's pod: pipelines write them, the steps and the client read them."""

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
"""Variables that would make any other process record itself as an attempt at the step."""

STEP = "gan-pipelines/step"
PROFILE = "gan-pipelines/profile"
RUN_ID_LABEL = "pipeline/runid"
NODE_NAME = "workflows.argoproj.io/node-name"
"""An annotation: Argo's name of the attempt."""
