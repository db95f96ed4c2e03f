"""Attempts at a run: of several processes that train it at once, the newest may write, and no other.

runs/<run_id>/attempts.json holds every attempt there was, sealed, and moves by compare-and-swap. A pod that was thought
dead finds a newer attempt there before it publishes anything, and stops. No clocks are compared.

An attempt says which step it goes on from. What an older one saved beyond that step counts for nothing, whenever it was
saved: see `is_valid`.
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
from gan.util.log import say, warn

REMEDY = "restore it from a copy, or delete it when nothing trains the run any more"


@dataclass(frozen=True)
class Attempt:
    """One process that trains or trained a run.

    `holder` is host, process and a nonce; `began_at` is ISO 8601 in UTC, for people; `from_step` is the step of the
    checkpoint that it goes on from, 0 for none, and None as long as it is looking for one.
    """

    number: int
    holder: str
    began_at: str
    from_step: int | None = None


Attempts = tuple[Attempt, ...]


def read(store: Store, run_id: str) -> Attempts:
    """Every attempt at a run, ascending; none where there is no record of any.

    Raises:
        IntegrityError: the record is damaged.
    """
    return _parsed(store, run_id, store.read_versioned(layout.attempts(run_id)))


def is_valid(attempts: Sequence[Attempt], step: int, number: int) -> bool:
    """Whether what attempt `number` saved of `step` is of the run: no later attempt goes on from an earlier step."""
    later = [each.from_step for each in attempts if each.number > number and each.from_step is not None]
    return all(step <= from_step for from_step in later)


def take_over(store: Store, run_id: str, *, above: int = 0) -> Lease:
    """Begin the newest attempt at a run, which fences all others.

    Args:
        store: where the run is.
        run_id: the run.
        above: the highest number that is known of, should the record of attempts be lost.

    Raises:
        IntegrityError: the record of attempts is damaged.
    """
    try:
        store.require_conditions()
    except UnavailableError:
        raise
    except StoreError as error:
        warn("two attempts at one run would not be kept apart here; make sure that only one trains it", reason=error)
    holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

    def begun(attempts: Attempts) -> Attempts:
        if any(each.holder == holder for each in attempts):
            return attempts  # written before, and the answer was lost
        number = max([above, *(each.number for each in attempts)]) + 1
        return (*attempts, Attempt(number, holder, datetime.now(UTC).isoformat(timespec="seconds")))

    attempts = _move(store, run_id, begun)
    ours = next(each for each in attempts if each.holder == holder)
    before = max((each for each in attempts if each.number < ours.number), key=lambda each: each.number, default=None)
    if before is not None:
        say(
            f"attempt {ours.number} at run {run_id}; should the one before be at work, it ends at its next checkpoint",
            before=before.holder,
            began_at=before.began_at,
        )
    return Lease(store, run_id, ours)


class Lease:
    """The right of an attempt to write a run, until a newer attempt takes over. Made by `take_over`."""

    def __init__(self, store: Store, run_id: str, attempt: Attempt) -> None:
        self._store = store
        self._run_id = run_id
        self._attempt = attempt

    @property
    def number(self) -> int:
        """The attempt's number, from 1."""
        return self._attempt.number

    def go_on_from(self, step: int) -> None:
        """Put on record which step the attempt goes on from: what older ones saved beyond it counts no more.

        Raises:
            FencedError: a newer attempt took over.
        """

        def noted(attempts: Attempts) -> Attempts:
            self._require_newest(attempts)
            return tuple(replace(each, from_step=step) if each.number == self.number else each for each in attempts)

        _move(self._store, self._run_id, noted)

    def check(self) -> None:
        """Make sure that this attempt is the newest. Call it before anything is published.

        Raises:
            FencedError: a newer attempt took over.
        """
        self._require_newest(read(self._store, self._run_id))

    def _require_newest(self, attempts: Attempts) -> None:
        newest = max(attempts, key=lambda each: each.number, default=self._attempt)
        if newest.number > self.number:
            self._give_way(newest)

    def _give_way(self, newest: Attempt) -> NoReturn:
        raise FencedError(
            f"attempt {self.number} at run {self._run_id} ends here, because attempt {newest.number} took over at "
            f"{newest.began_at} (host:process:nonce {newest.holder}); nothing is lost if that one goes on. If it does "
            "not, run the same command again"
        )


def _move(store: Store, run_id: str, change: Callable[[Attempts], Attempts]) -> Attempts:
    """Change the record, whoever else changes it meanwhile."""
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
            continue  # somebody else was faster, or our own answer was lost
        return changed


def _parsed(store: Store, run_id: str, versioned: Versioned) -> Attempts:
    if versioned.version is None:
        return ()
    uri = store.uri_of(layout.attempts(run_id))
    tree = parse_checksummed(versioned.data, uri, keys=("run_id", "attempts"), remedy=REMEDY)
    if tree["run_id"] != run_id:
        raise IntegrityError(f"{uri} is damaged (it is that of run {tree['run_id']}, not of {run_id}); {REMEDY}")
    return tuple(Attempt(**each) for each in tree["attempts"])
