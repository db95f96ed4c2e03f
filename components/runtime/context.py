"""What the body of every component needs: it reports the result or the error, and records both.

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

from components.registry import STEPS, StepSpec, fingerprint
from components.runtime.attempt_log import AttemptLog
from components.runtime.pod_metadata import BODY, IMAGE, RESULTS_FOLDER
from components.runtime.pre_stop_hook import write_pid_file
from components.runtime.result_file import ResultFile
from components.runtime.step_metrics import StepMetrics, experiment_of
from components.runtime.termination_message import write
from gan import __version__
from gan.cli.main import exit_code_of
from gan.config import Config
from gan.errors import EXIT_BUG, ConfigError, Stopped
from gan.result import StepResult
from gan.train.stop_signals import grace_seconds
from gan.util import log
from gan.util.sigterm import on_sigterm, sigterm_as_exception
from gan.util.tf_import import load_tensorflow

FORCED_EXIT_SECONDS = 3.0  # after the grace period; training, which can report more, ends itself a second earlier


class Step:
    """A step that runs.

    How it ended is written into the folder that GAN_STEP_RECORDS names, into the log of attempts in the store where
    GAN_EXECUTION names the execution, and to the push gateway that GAN_PUSHGATEWAY names.
    """

    def __init__(self, name: str, results: Path | None, attempts: AttemptLog, metrics: StepMetrics) -> None:
        self.name = name
        self._results = results
        self._attempts = attempts
        self._metrics = metrics
        self._result: StepResult | None = None
        self._ended = threading.Event()
        self._message_lock = threading.Lock()
        self._message_written = False

    def begin(self) -> None:
        """Record that the attempt began.

        Raises:
            RepeatedError: it is an automatic retry after an error that a retry can't fix.
        """
        self._metrics.begin()
        self._attempts.begin()

    def done(self, result: StepResult) -> StepResult:
        """Report what the step made, and return it to the body."""
        state = "in the store already" if result.skipped else "done"
        log.info(f"{self.name} {state}", id=result.id, uri=result.uri, seconds=result.seconds)
        self._write(ResultFile(self.name, outcome=result))
        self._result = result
        return result

    def complete(self) -> None:
        """The body is at its end."""
        if self._result is not None:
            self._attempts.done(self._result)
            self._metrics.done(self._result)

    def failed(self, error: BaseException) -> int:
        """Print an error in one line (a bug with its traceback) and return its exit code."""

        def again() -> int:
            raise error

        exit_code = exit_code_of(self.name, again)
        message = _message(error, exit_code)
        self._write(ResultFile(self.name, error=message, exit_code=exit_code))
        self._attempts.failed(error, message, exit_code)
        with self._message_lock:
            self._message_written = True
            write(f"{self.name}: {message}")
        self._metrics.failed(exit_code)
        return exit_code

    def ended(self) -> None:
        """The step ends by itself, so nothing needs to end it."""
        self._ended.set()

    def stopping(self) -> None:
        """SIGTERM came. What is recorded now stays if the process is ended before it can record more.

        Argo retries a pod that ends by itself, and not one that Kubernetes kills at the end of its grace.
        """
        exit_code = 128 + signal.SIGTERM
        message = "stopped by SIGTERM, and ended before the step could clean up"
        threading.Thread(target=self._end_in_time, args=(exit_code,), daemon=True).start()
        with self._message_lock:
            if not self._message_written:
                write(f"{self.name}: {message}")
        self._attempts.stopping(message, exit_code)

    def _end_in_time(self, exit_code: int) -> None:
        if not self._ended.wait(grace_seconds() + FORCED_EXIT_SECONDS):
            log.write_line(
                f"{self.name}: stopped at the end of the grace period; the same command again continues", sys.stderr
            )
            os._exit(exit_code)

    def _write(self, file: ResultFile) -> None:
        if self._results is not None:
            file.write(self._results)


def _message(error: BaseException, exit_code: int) -> str:
    if isinstance(error, Stopped):
        return f"stopped. {error.advice}".rstrip()
    name = type(error).__name__
    return f"{name}: {error}".removesuffix(": ") if exit_code == EXIT_BUG else str(error) or name


def check_body(name: str, environment: Mapping[str, str], unknown_arguments: Mapping[str, Any]) -> None:
    """Check that the image has the body that the pipeline has, by GAN_BODY, and knows every argument that it gives.

    Raises:
        ConfigError: the body in the pipeline is of another version than the modules of the image that it calls.
    """
    body = environment.get(BODY)
    if unknown_arguments or (body and (name not in STEPS or fingerprint(name) != body)):
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
    name: str,
    store: str = "",
    config: str = "",
    experiment: str = "",
    *,
    tensorflow: bool = True,
    **unknown_arguments: Any,
) -> Iterator[Step]:
    """Run the body of one component; an error in it ends the process with the error's exit code.

    TensorFlow is imported before the body, where the step needs it, so that the notices of its import stay out of logs.

    SIGTERM, which a deleted pod gets, unwinds the body like an exception, so that it cleans up.

    Args:
        name: the step's name.
        store: the URI of the store, where the step uses one.
        config: the whole config as YAML, where the step has it: it names the experiment.
        experiment: the experiment's name, for a step that has no config.
        tensorflow: False where other pods do the step's work.
        unknown_arguments: those that a body of a later version gives; the step is refused.
    """
    folder = os.environ.get(RESULTS_FOLDER)
    spec = STEPS.get(name, StepSpec(name))
    with StepMetrics(name, experiment or experiment_of(config), spec.gauges) as metrics:
        running = Step(name, Path(folder) if folder else None, AttemptLog(name, store, os.environ), metrics)
        with sigterm_as_exception(), on_sigterm(running.stopping):
            try:
                write_pid_file()
                running.begin()
                check_body(name, os.environ, unknown_arguments)
                if tensorflow and spec.needs_tensorflow:
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
                running.ended()
    raise SystemExit(code)
