"""From the value of `--checkpoint` to a step."""

from __future__ import annotations

from gan.errors import ConfigError, NotFoundError
from gan.store import Store
from gan.train.checkpoint.files import Checkpoints
from gan.train.checkpoint.resume_command import resume_command
from gan.train.run import Run


def kept_steps(store: Store, run: Run) -> list[int]:
    """The steps of all checkpoints of a run, ascending, at least one.

    Raises:
        NotFoundError: there is none yet; the message gives the command that trains it.
    """
    steps = Checkpoints(store, run.run_id).steps()
    if not steps:
        raise NotFoundError(f"run {run.run_id} has no checkpoint yet; train it with: {resume_command(store, run)}")
    return steps


def named_step(store: Store, run: Run, wanted: str) -> int:
    """The step that `wanted` names: a step, or "latest".

    Raises:
        NotFoundError: there is no such checkpoint.
        ConfigError: `wanted` is neither.
        IntegrityError: its record is damaged.
    """
    if wanted == "latest":
        return kept_steps(store, run)[-1]
    if not wanted.isdecimal():
        raise ConfigError(f'--checkpoint must be a step, latest or best; got "{wanted}"')
    Checkpoints(store, run.run_id).read_meta(int(wanted))
    return int(wanted)
