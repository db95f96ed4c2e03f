"""Audit logs: records of past work, which no object of the store refers to.

    <folder>/<id>/...

`gan verify` reads every record of every audit log, and `gan gc` deletes logs that were inactive for long.
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
    """One kind of audit log.

    Attributes:
        kind: the kind of the ids, for people.
        folder: the folder of all logs of this kind.
        check: reads the record under a key; IntegrityError if it is damaged, NotFoundError if it is missing.
    """

    kind: str
    folder: str
    check: Callable[[Store, str], object]

    def records(self, store: Store) -> dict[str, list[Item]]:
        """All records of this kind, by id."""
        found: dict[str, list[Item]] = {}
        for item in store.list(self.folder):
            name = item.key.split("/")[1]
            if is_id(name):
                found.setdefault(name, []).append(item)
        return found

    def find_damage(self, store: Store, record_id: str) -> Iterator[str]:
        """A sentence for each damaged record of an id."""
        for item in store.list(f"{self.folder}/{record_id}"):
            try:
                self.check(store, item.key)
            except IntegrityError as error:
                yield str(error)
            except NotFoundError:
                continue  # deleted since the listing


EXECUTIONS = AuditLog("execution", executions.FOLDER, executions.read_key)
SWEEPS = AuditLog("sweep", sweeps.FOLDER, sweeps.check)
AUDIT_LOGS = {log.kind: log for log in (EXECUTIONS, SWEEPS)}
