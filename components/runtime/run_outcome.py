"""How a run ended, for its last step, `notify`: by the log of attempts in the store, or by the steps' result files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from components.runtime import result_file
from components.runtime.pod_metadata import EXECUTION, RESULTS_FOLDER
from gan.errors import GanError
from gan.report.message import Notification
from gan.result import StepResult
from gan.steps.reporting.run_summary import Failure, from_attempts, notification
from gan.store import alias, open_store
from gan.store.records import executions
from gan.util import log

if TYPE_CHECKING:
    from kfp.dsl import PipelineTaskFinalStatus

OWN_STEP = "notify"


def notification_of_run(
    store: str, name: str, status: PipelineTaskFinalStatus, environment: Mapping[str, str]
) -> Notification:
    """How the run ended, by what its steps recorded.

    Kubeflow's own status is of little use: backend 2.14 gives the last step RUNNING without an error, whether the run
    succeeded or failed. Its message is used only where no step recorded a failure and the run still did not end. If the
    store can't be read, the notification says so.
    """
    execution = environment.get(EXECUTION, "")
    results: dict[str, StepResult] = {}
    failure, live = None, None
    try:
        opened = open_store(store)
        if execution:
            results, failure = from_attempts(executions.read(opened, execution), but=OWN_STEP)
        elif RESULTS_FOLDER in environment:
            results, failure = from_result_files(Path(environment[RESULTS_FOLDER]))
        live = alias.read(opened, name).live
    except GanError as error:
        log.warning("how the steps ended can't be read", reason=str(error))
        failure = Failure("", f"how the steps ended can't be read: {error}", error.exit_code)
    return notification(name, store, execution, results, failure, live, status.error_message)


def from_result_files(folder: Path) -> tuple[dict[str, StepResult], Failure | None]:
    """The result of each step that left a file in a folder, and the failure if one failed."""
    results: dict[str, StepResult] = {}
    failure = None
    for path in sorted(folder.glob("*.json")):
        found = result_file.read(folder, path.stem)
        if found is not None and found.outcome is not None:
            results[found.step] = found.outcome
        elif found is not None:
            failure = Failure(found.step, found.error or "", found.exit_code)
    return results, failure
