"""Ledgers: records of work that was done, which no object of the store refers to.

    <folder>/<id>/...

`gan verify` reads every record of every ledger, and `gan gc` deletes those to which nothing was added for long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gan.errors import IntegrityError, NotFoundError
from gan.store.interface import Item, Store
from gan.store.records import executions, sweeps
from gan.util.ids import is_id


@dataclass(frozen=True)
class AuditLog:
    """One kind of records.

    Attributes:
        kind: what an id of it is of, for people.
        folder: where all of them lie.
        check: reads the record under a key; IntegrityError where it is damaged, NotFoundError where there is none.
    """

    kind: str
    folder: str
    check: Callable[[Store, str], object]

    def records(self, store: Store) -> dict[str, list[Item]]:
        """The records of everything of this kind, by its id."""
        found: dict[str, list[Item]] = {}
        for item in store.list(self.folder):
            name = item.key.split("/")[1]
            if is_id(name):
                found.setdefault(name, []).append(item)
        return found

    def damages(self, store: Store, ledger_id: str) -> Iterator[str]:
        """A sentence for each record under an id that is not as it was written."""
        for item in store.list(f"{self.folder}/{ledger_id}"):
            try:
                self.check(store, item.key)
            except IntegrityError as error:
                yield str(error)
            except NotFoundError:
                continue  # deleted since it was listed


EXECUTIONS = AuditLog("execution", executions.FOLDER, executions.read_key)
SWEEPS = AuditLog("sweep", sweeps.FOLDER, sweeps.check)
AUDIT_LOGS = {ledger.kind: ledger for ledger in (EXECUTIONS, SWEEPS)}
