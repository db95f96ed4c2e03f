"""Attempts at a run: if several processes train it at once, only the newest may write.

runs/<run_id>/attempts.json records every attempt, with a checksum, and is updated by compare-and-swap. A pod that was
thought dead finds a newer attempt there before it publishes anything, and stops. No clocks are compared.

An attempt records which step it resumes from. What older attempts saved beyond that step, whenever they did, is
invalid: see `is_valid`.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import NoReturn

from gan.errors import ConflictError, FencedError, IntegrityError, StoreError, UnavailableError
from gan.store import Store, Versioned, layout
from gan.store.document import checksummed_json, parse_checksummed
from gan.util import log

REMEDY = "restore it from a copy, or delete it when nothing trains the run any more"


@dataclass(frozen=True)
class Attempt:
    """One process that trains or trained a run.

    `holder` is host, process and a nonce; `began_at` is ISO 8601 in UTC, for people; `from_step` is the step of the
    checkpoint that it resumes from, 0 for none, and None until it has found one.
    """

    number: int
    holder: str
    began_at: str
    from_step: int | None = None


Attempts = tuple[Attempt, ...]


def read(store: Store, run_id: str) -> Attempts:
    """Every attempt at a run, ascending; empty without a record.

    Raises:
        IntegrityError: the record is damaged.
    """
    return _parsed(store, run_id, store.read_versioned(layout.attempts(run_id)))


def is_valid(attempts: Sequence[Attempt], step: int, number: int) -> bool:
    """Whether what attempt `number` saved of `step` is valid: no later attempt resumed from an earlier step."""
    later = [each.from_step for each in attempts if each.number > number and each.from_step is not None]
    return all(step <= from_step for from_step in later)


def take_over(store: Store, run_id: str, *, above: int = 0) -> Lease:
    """Begin a new attempt at a run, which fences all others.

    Args:
        store: where the run is.
        run_id: the run.
        above: the highest known attempt number, in case the record of attempts was lost.

    Raises:
        IntegrityError: the record of attempts is damaged.
    """
    try:
        store.require_conditions()
    except UnavailableError:
        raise
    except StoreError as error:
        log.warning(
            "this store can't keep two attempts at a run apart; make sure that only one trains it", reason=error
        )
    holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

    def with_new(attempts: Attempts) -> Attempts:
        if any(each.holder == holder for each in attempts):
            return attempts  # written already, but the answer was lost
        number = max([above, *(each.number for each in attempts)]) + 1
        return (*attempts, Attempt(number, holder, datetime.now(UTC).isoformat(timespec="seconds")))

    attempts = _update(store, run_id, with_new)
    own = next(each for each in attempts if each.holder == holder)
    previous = max((each for each in attempts if each.number < own.number), key=lambda each: each.number, default=None)
    if previous is not None:
        log.info(
            f"attempt {own.number} at run {run_id}; if the one before still runs, it ends at its next checkpoint",
            before=previous.holder,
            began_at=previous.began_at,
        )
    return Lease(store, run_id, own)


class Lease:
    """An attempt's right to write a run, until a newer attempt takes over; from `take_over`."""

    def __init__(self, store: Store, run_id: str, attempt: Attempt) -> None:
        self._store = store
        self._run_id = run_id
        self._attempt = attempt

    @property
    def number(self) -> int:
        """The attempt's number, from 1."""
        return self._attempt.number

    def record_resume_step(self, step: int) -> None:
        """Record the step that the attempt resumes from, which invalidates what older ones saved beyond it.

        Raises:
            FencedError: a newer attempt took over.
        """

        def with_step(attempts: Attempts) -> Attempts:
            self._require_newest(attempts)
            return tuple(replace(each, from_step=step) if each.number == self.number else each for each in attempts)

        _update(self._store, self._run_id, with_step)

    def check(self) -> None:
        """Check that this attempt is the newest. Call it before publishing anything.

        Raises:
            FencedError: a newer attempt took over.
        """
        self._require_newest(read(self._store, self._run_id))

    def _require_newest(self, attempts: Attempts) -> None:
        newest = max(attempts, key=lambda each: each.number, default=self._attempt)
        if newest.number > self.number:
            self._raise_fenced(newest)

    def _raise_fenced(self, newest: Attempt) -> NoReturn:
        raise FencedError(
            f"attempt {self.number} at run {self._run_id} ends here, because attempt {newest.number} took over at "
            f"{newest.began_at} (host:process:nonce {newest.holder}); nothing is lost if that one continues. If it "
            "does not, run the same command again"
        )


def _update(store: Store, run_id: str, change: Callable[[Attempts], Attempts]) -> Attempts:
    """Change the record, retrying if another process changes it meanwhile."""
    while True:
        before = store.read_versioned(layout.attempts(run_id))
        attempts = _parsed(store, run_id, before)
        changed = change(attempts)
        if changed == attempts:
            return attempts
        tree = {"run_id": run_id, "attempts": [asdict(each) for each in changed]}
        try:
            store.swap(layout.attempts(run_id), checksummed_json(tree), expected=before.version)
        except ConflictError:
            continue  # another process was faster, or the answer to our own write was lost
        return changed


def _parsed(store: Store, run_id: str, versioned: Versioned) -> Attempts:
    if versioned.version is None:
        return ()
    uri = store.uri_of(layout.attempts(run_id))
    tree = parse_checksummed(versioned.data, uri, keys=("run_id", "attempts"), remedy=REMEDY)
    if tree["run_id"] != run_id:
        raise IntegrityError(f"{uri} is damaged (it is that of run {tree['run_id']}, not of {run_id}); {REMEDY}")
    return tuple(Attempt(**each) for each in tree["attempts"])
