"""What the body of every component needs: errors told in one line, and the outcome handed on.

A body runs in a fresh process, in a pod or under `kfp.local`. There, an exception that escapes would show as forty
lines of Kubeflow's own frames and exit code 1; `step` makes it one line and the exit code that `gan.errors` lists.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.record import Record
from gan.cli.main import guarded
from gan.config import Config
from gan.console import say
from gan.errors import Stopped
from gan.quiet import load_tensorflow
from gan.sigterm import unwinding_at_sigterm
from gan.steps.outcome import Outcome

RECORDS = "GAN_STEP_RECORDS"
WITH_TENSORFLOW = frozenset({"preprocess", "reference", "train", "evaluate", "export", "report"})


class Step:
    """A step that runs. Where the variable GAN_STEP_RECORDS names a folder, how it ended is written there."""

    def __init__(self, name: str, records: Path | None) -> None:
        self.name = name
        self._records = records

    def done(self, outcome: Outcome) -> Outcome:
        """Tell what the step made, and hand the same outcome on to the body."""
        state = "in the store already" if outcome.skipped else "done"
        say(f"{self.name} {state}", id=outcome.id, uri=outcome.uri, seconds=outcome.seconds)
        self._write(Record(self.name, outcome=outcome))
        return outcome

    def failed(self, error: BaseException) -> int:
        """Tell an error in one line (a bug with its traceback) and return its exit code."""

        def again() -> int:
            raise error

        exit_code = guarded(self.name, again)
        message = error.advice if isinstance(error, Stopped) else str(error)
        self._write(Record(self.name, error=message or type(error).__name__, exit_code=exit_code))
        return exit_code

    def _write(self, record: Record) -> None:
        if self._records is not None:
            record.write(self._records)


def sets_of(config: Config, group: str) -> list[str]:
    """Every key of a group as a `--set`: for steps whose own config may be an older one than that of the pipeline."""
    values = config.to_dict()[group]
    return [f"{group}.{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in values.items()]


@contextmanager
def step(name: str) -> Iterator[Step]:
    """Run the body of one component; whatever goes wrong in it ends the process with its exit code.

    TensorFlow is imported before the body, where the step needs it, so that the notices of its import stay out of logs.

    SIGTERM, which a deleted pod gets, unwinds the body like an exception, so that nothing half made is left.
    """
    folder = os.environ.get(RECORDS)
    running = Step(name, Path(folder) if folder else None)
    with unwinding_at_sigterm():
        try:
            if name in WITH_TENSORFLOW:
                load_tensorflow()
            yield running
        except Exception as error:  # noqa: BLE001
            code = running.failed(error)
        except (Stopped, KeyboardInterrupt) as stopped:
            code = running.failed(stopped)
        else:
            return
    raise SystemExit(code)
