"""Every error the library raises on purpose, and the exit code the command line gives it.

    GanError                  1
    ├── ConfigError           2   a flag, config key or name is wrong
    ├── DataError             3   the input data are wrong: images, labels, archives, datasets
    │   └── BadImageError         an unusable image (gan.data.prepare.image); may be skipped
    ├── NotFoundError         4   no such dataset, reference, run, checkpoint, generator or name
    ├── StoreError            5   the store can't be read or written: permission, full disk, unreachable
    │   ├── AlreadyExistsError    written with "if absent", but it exists
    │   ├── ConflictError     6   somebody else was first: a lost race, or an outdated verdict
    │   │   └── FencedError  13   a newer attempt of the same run took over
    │   └── UnavailableError 14   the storage did not answer for too long; run the same command to continue
    ├── IntegrityError        7   bytes differ from their checksum
    ├── DivergedError         8   a loss or gradient is not finite
    │   └── UnhealthyError   21   the training was ill again after health.max_rollbacks returns to a healthy checkpoint
    ├── IdentityError         9   two scores of one checkpoint were measured differently: not comparable
    ├── ParityError          10   the exported generator draws other images than its checkpoint
    ├── RefusedError         11   the gate refused the generator (also for `gan gate`), or it was rolled back
    ├── ClusterError         16   Kubeflow or Kubernetes does not answer, refuses the credentials, or is too old
    └── WorkerLostError      20   one of several workers that train a run together was lost

Other exit codes:

    0    done (also: nothing to do)
    12   `gan verify` found damage
    15   `gan-pipelines doctor` found a problem
    17   `gan-pipelines wait` and similar commands: the run failed
    18   the same: the run was canceled
    19   the same: the run had not ended at the timeout
    70   a bug: please report it
    130  stopped by Ctrl-C; a training run can be resumed
    143  stopped by SIGTERM; a training run can be resumed

A message states the value, what was allowed and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

EXIT_REFUSED = 11
EXIT_DAMAGED = 12
EXIT_UNHEALTHY = 15
EXIT_RUN_FAILED = 17
EXIT_RUN_CANCELED = 18
EXIT_RUN_UNFINISHED = 19
EXIT_BUG = 70
EXIT_INTERRUPTED = 130


class GanError(Exception):
    """Root of the tree. `exit_code` is what the command line exits with."""

    exit_code = 1


class ConfigError(GanError):
    """A flag, a config key or a name is wrong."""

    exit_code = 2


class DataError(GanError):
    """The input data are wrong."""

    exit_code = 3


class NotFoundError(GanError):
    """Something that was named does not exist."""

    exit_code = 4


class StoreError(GanError):
    """The store can't be read or written."""

    exit_code = 5


class AlreadyExistsError(StoreError):
    """An object to be written "if absent" exists already."""


class ConflictError(StoreError):
    """Somebody else was first."""

    exit_code = 6


class FencedError(ConflictError):
    """A newer attempt of the same run took over; this one must not write any more."""

    exit_code = 13


class UnavailableError(StoreError):
    """The storage did not answer, or answered with transient errors, until the deadline."""

    exit_code = 14


class IntegrityError(GanError):
    """Bytes differ from their checksum."""

    exit_code = 7


class DivergedError(GanError):
    """Training stopped because a loss or gradient is not finite."""

    exit_code = 8


class UnhealthyError(DivergedError):
    """Training was found ill; with `health.policy=roll_back`, so often that the run gives up."""

    exit_code = 21


class IdentityError(GanError):
    """Two scores were measured differently and can't be compared."""

    exit_code = 9


class ParityError(GanError):
    """The exported generator differs from its checkpoint."""

    exit_code = 10


class RefusedError(GanError):
    """The generator may not be promoted: the gate refused it, or it was rolled back."""

    exit_code = EXIT_REFUSED


class ClusterError(GanError):
    """Kubeflow or Kubernetes can't be used: unreachable, wrong or expired credentials, forbidden, or too old."""

    exit_code = 16


NON_RETRYABLE = frozenset(
    error.exit_code
    for error in (
        ConfigError,
        DataError,
        NotFoundError,
        IntegrityError,
        DivergedError,
        UnhealthyError,
        IdentityError,
        ParityError,
        RefusedError,
    )
)
"""Exit codes of errors that a retry does not fix: a person has to change something."""


class WorkerLostError(GanError):
    """Another of the workers that train a run together was lost; the same command on all workers continues."""

    exit_code = 20


class Stopped(BaseException):
    """A signal asked the program to stop, and everything is saved.

    Not an `Exception`, so that no error handler swallows it. `exit_code` is 128 + the signal's number; `advice` says
    how to continue.
    """

    def __init__(self, signal_number: int, advice: str = "") -> None:
        super().__init__(advice)
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number
        self.advice = advice


def unknown_file(what: str, name: str, known: Iterable[str]) -> str:
    """The message for what is neither a known name nor a file; what looks like a path is taken for a file.

    Examples:
        >>> unknown_file("config", "mine.yaml", ["digits"])
        'there is no file mine.yaml; give the path of a YAML file, or the name of a config: digits'
    """
    if "/" in name or name.endswith((".yaml", ".yml")):
        names = ", ".join(sorted(known))
        return f"there is no file {name}; give the path of a YAML file, or the name of a {what}: {names}"
    return unknown_name(what, name, known, "Or give the path of a YAML file")


def unknown_name(what: str, name: object, known: Iterable[str], remedy: str = "") -> str:
    """The message for an unknown name, with the nearest match.

    Examples:
        >>> unknown_name("loss.name", "hing", ["hinge", "minimax"])
        'unknown loss.name "hing"; did you mean "hinge"? Known: hinge, minimax'
    """
    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    guess = f'; did you mean "{near[0]}"?' if near else "."
    return f'unknown {what} "{name}"{guess} Known: {", ".join(names) or "none"}' + (f". {remedy}" if remedy else "")
