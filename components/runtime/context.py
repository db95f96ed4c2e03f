"""What the body of every component needs: errors told in one line, the outcome handed on, and both put on record.

A body runs in a fresh process, in a pod or under `kfp.local`. There, an exception that escapes would show as forty
lines of Kubeflow's own frames and exit code 1; `step` makes it one line and the exit code that `gan.errors` lists.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.registry import COMPONENTS, fingerprint
from components.runtime.attempt_log import AttemptLog
from components.runtime.pod_metadata import BODY, IMAGE, RECORDS
from components.runtime.pre_stop_hook import leave_pid
from components.runtime.result_file import ResultFile
from components.runtime.step_metrics import StepMetrics, experiment_of
from components.runtime.termination_message import write
from gan import __version__
from gan.cli.main import exit_code_of
from gan.config import Config
from gan.errors import EXIT_BUG, ConfigError, Stopped
from gan.result import StepResult
from gan.train.stop_signals import grace_seconds
from gan.util.log import put, say
from gan.util.sigterm import on_sigterm, sigterm_as_exception
from gan.util.tf_import import load_tensorflow

LATEST_SECONDS = 3.0  # after the grace; training, which can tell more, ends itself a second earlier
WITHOUT_TENSORFLOW = frozenset({"decide", "gate", "promote", "choose", "notify"})


class Step:
    """A step that runs.

    Where the variable GAN_STEP_RECORDS names a folder, how it ended is written there; where GAN_EXECUTION names the
    execution that it is part of, into the ledger in the store; where GAN_PUSHGATEWAY names one, its figures go there.
    """

    def __init__(self, name: str, records: Path | None, ledger: AttemptLog, vitals: StepMetrics) -> None:
        self.name = name
        self._records = records
        self._ledger = ledger
        self._vitals = vitals
        self._outcome: StepResult | None = None
        self._over = threading.Event()
        self._last_words = threading.Lock()
        self._told = False

    def begin(self) -> None:
        """Put the attempt on record.

        Raises:
            RepeatedError: it is an automatic retry after an error that no retry mends.
        """
        self._vitals.begin()
        self._ledger.begin()

    def done(self, outcome: StepResult) -> StepResult:
        """Tell what the step made, and hand the same outcome on to the body."""
        state = "in the store already" if outcome.skipped else "done"
        say(f"{self.name} {state}", id=outcome.id, uri=outcome.uri, seconds=outcome.seconds)
        self._write(ResultFile(self.name, outcome=outcome))
        self._outcome = outcome
        return outcome

    def complete(self) -> None:
        """The body is at its end."""
        if self._outcome is not None:
            self._ledger.done(self._outcome)
            self._vitals.done(self._outcome)

    def failed(self, error: BaseException) -> int:
        """Tell an error in one line (a bug with its traceback) and return its exit code."""

        def again() -> int:
            raise error

        exit_code = exit_code_of(self.name, again)
        message = _message(error, exit_code)
        self._write(ResultFile(self.name, error=message, exit_code=exit_code))
        self._ledger.failed(error, message, exit_code)
        with self._last_words:
            self._told = True
            write(f"{self.name}: {message}")
        self._vitals.failed(exit_code)
        return exit_code

    def over(self) -> None:
        """The step ends in order; nothing needs to end it."""
        self._over.set()

    def stopping(self) -> None:
        """SIGTERM came. What is put on record now stays if the process is ended before it can tell more.

        Argo retries a pod that ends by itself, and not one that Kubernetes kills at the end of its grace.
        """
        exit_code = 128 + signal.SIGTERM
        message = "stopped by SIGTERM, and ended before the step could clear up"
        threading.Thread(target=self._end_in_time, args=(exit_code,), daemon=True).start()
        with self._last_words:
            if not self._told:
                write(f"{self.name}: {message}")
        self._ledger.stopping(message, exit_code)

    def _end_in_time(self, exit_code: int) -> None:
        if not self._over.wait(grace_seconds() + LATEST_SECONDS):
            put(f"{self.name}: stopped at the end of the grace; the same command again continues", sys.stderr)
            os._exit(exit_code)

    def _write(self, record: ResultFile) -> None:
        if self._records is not None:
            record.write(self._records)


def _message(error: BaseException, exit_code: int) -> str:
    if isinstance(error, Stopped):
        return f"stopped. {error.advice}".rstrip()
    name = type(error).__name__
    return f"{name}: {error}".removesuffix(": ") if exit_code == EXIT_BUG else str(error) or name


def check_body(name: str, environment: Mapping[str, str], newer: Mapping[str, Any]) -> None:
    """Check that the image has the step as the pipeline has it, by GAN_BODY, and knows every word that its body gives.

    Raises:
        ConfigError: the body in the pipeline is of another version than the modules of the image that it calls.
    """
    asked = environment.get(BODY)
    if newer or (asked and (name not in COMPONENTS or fingerprint(name) != asked)):
        image = environment.get(IMAGE) or "the image"
        raise ConfigError(
            f'the step "{name}" of this pipeline is not the one that {image} holds (gan {__version__}): client and '
            "image must be of the same version; submit again with the client of that version, or with another --image"
        )


def sets_of(config: Config, group: str) -> list[str]:
    """Every key of a group as a `--set`: for steps whose own config may be an older one than that of the pipeline."""
    values = config.to_dict()[group]
    return [f"{group}.{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in values.items()]


@contextmanager
def step(
    name: str, store: str = "", config: str = "", experiment: str = "", *, tensorflow: bool = True, **newer: Any
) -> Iterator[Step]:
    """Run the body of one component; whatever goes wrong in it ends the process with its exit code.

    TensorFlow is imported before the body, where the step needs it, so that the notices of its import stay out of logs.

    SIGTERM, which a deleted pod gets, unwinds the body like an exception, so that nothing half made is left.

    Args:
        name: the step's name.
        store: the URI of the store, where the step uses one.
        config: the whole config as YAML, where the step has it: it names the experiment.
        experiment: the experiment's name, for a step that has no config.
        tensorflow: False where the step leaves its work to other pods.
        newer: words that only a later version knows, given by a body of that version; the step is refused.
    """
    folder = os.environ.get(RECORDS)
    with StepMetrics(name, experiment or experiment_of(config)) as vitals:
        running = Step(name, Path(folder) if folder else None, AttemptLog(name, store, os.environ), vitals)
        with sigterm_as_exception(), on_sigterm(running.stopping):
            try:
                leave_pid()
                running.begin()
                check_body(name, os.environ, newer)
                if tensorflow and name not in WITHOUT_TENSORFLOW:
                    load_tensorflow()
                yield running
                running.complete()
            except Exception as error:  # noqa: BLE001
                code = running.failed(error)
            except (Stopped, KeyboardInterrupt) as stopped:
                code = running.failed(stopped)
            else:
                return
            finally:
                running.over()
    raise SystemExit(code)
