"""Where the files of a run are in the store.

    runs/<run_id>/config.yaml                 the whole config
    runs/<run_id>/run.json                    written after it; readers see the run exactly while this file exists
    runs/<run_id>/attempts.json               which process trains it; see `gan.train.checkpoint.attempts`
    runs/<run_id>/checkpoints/<step>-<attempt>/  a checkpoint, with the attempt that saved it
    runs/<run_id>/metrics/<step>.jsonl        the metrics from a step to the next checkpoint
    runs/<run_id>/health/<step>.jsonl         the checks of its health from a step to the next checkpoint
    runs/<run_id>/rollbacks.json              each return to a healthy checkpoint; see `gan.train.health.rollback`
    runs/<run_id>/tensorboard/                the same for TensorBoard
    runs/<run_id>/samples/<step>.png          a grid of samples
    runs/<run_id>/evaluations/                the scores of checkpoints
    runs/<run_id>/verdicts/<name>.json        the gate's verdict on the run's generator for a promoted name
    runs/<run_id>/report.html                 the report

Steps have eight digits, so that keys sort by step.
"""

from __future__ import annotations

from gan.store.interface import Store
from gan.util.ids import check_id, is_id

RECORD = "run.json"


def folder(run_id: str) -> str:
    """The folder of a run."""
    return f"runs/{check_id(run_id, 'run id')}"


def config(run_id: str) -> str:
    """The config."""
    return f"{folder(run_id)}/config.yaml"


def record(run_id: str) -> str:
    """The record that makes the run exist."""
    return f"{folder(run_id)}/{RECORD}"


def attempts(run_id: str) -> str:
    """The record of its training attempts."""
    return f"{folder(run_id)}/attempts.json"


def checkpoints(run_id: str) -> str:
    """The folder of all checkpoints."""
    return f"{folder(run_id)}/checkpoints"


def checkpoint(run_id: str, step: int, attempt: int) -> str:
    """The folder of the checkpoint that an attempt saved at a step."""
    return f"{checkpoints(run_id)}/{step:08d}-{attempt}"


def metrics(run_id: str) -> str:
    """The folder of the metrics."""
    return f"{folder(run_id)}/metrics"


def metrics_from(run_id: str, first_step: int) -> str:
    """The metrics from `first_step` to the next checkpoint."""
    return f"{metrics(run_id)}/{first_step:08d}.jsonl"


def health(run_id: str) -> str:
    """The folder of the checks of its health."""
    return f"{folder(run_id)}/health"


def health_from(run_id: str, first_step: int) -> str:
    """The checks of its health from `first_step` to the next checkpoint."""
    return f"{health(run_id)}/{first_step:08d}.jsonl"


def rollbacks(run_id: str) -> str:
    """The record of its returns to a healthy checkpoint."""
    return f"{folder(run_id)}/rollbacks.json"


def tensorboard(run_id: str) -> str:
    """The folder of TensorBoard's event files."""
    return f"{folder(run_id)}/tensorboard"


def events_from(run_id: str, first_step: int) -> str:
    """TensorBoard's event file from `first_step` to the next checkpoint; TensorBoard requires the name."""
    return f"{tensorboard(run_id)}/events.out.tfevents.{first_step:08d}"


def samples(run_id: str) -> str:
    """The folder of the sample grids."""
    return f"{folder(run_id)}/samples"


def sample_grid(run_id: str, step: int) -> str:
    """The sample grid of a step."""
    return f"{samples(run_id)}/{step:08d}.png"


def evaluations(run_id: str) -> str:
    """The folder of the evaluations; `gan.metrics.evaluations` names the files."""
    return f"{folder(run_id)}/evaluations"


def verdicts(run_id: str) -> str:
    """The folder of the gate's verdicts."""
    return f"{folder(run_id)}/verdicts"


def verdict(run_id: str, name: str) -> str:
    """The gate's verdict for a promoted name."""
    return f"{verdicts(run_id)}/{check_id(name, '--name')}.json"


def report(run_id: str) -> str:
    """The report."""
    return f"{folder(run_id)}/report.html"


def run_ids(store: Store) -> list[str]:
    """The ids of all runs, sorted."""
    keys = (item.key.split("/") for item in store.list("runs"))
    return sorted(parts[1] for parts in keys if len(parts) == 3 and parts[2] == RECORD and is_id(parts[1]))


def sample_grids(store: Store, run_id: str) -> list[str]:
    """The keys of a run's sample grids, by step."""
    return [item.key for item in store.list(samples(run_id)) if item.key.endswith(".png")]
