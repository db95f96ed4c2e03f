"""The command that resumes a run."""

from __future__ import annotations

import shlex

from gan.store import Store, layout
from gan.train.run import Run


def resume_command(store: Store, run: Run) -> str:
    """The command that resumes a run: `gan train` with the run's own config if that is a local file."""
    config = store.local_path(layout.config(run.run_id))
    if config is None:
        return "the same command again"
    command = ["gan", "train", "--store", store.uri, "--config", str(config)]
    return shlex.join([*command, "--dataset-id", run.dataset_id, "--run-id", run.run_id])
