"""The gate's verdicts on a run's generators, one for each promoted name: `runs/<run_id>/verdicts/<name>.json`."""

from __future__ import annotations

from gan.errors import IntegrityError
from gan.store.document import read_checksummed, write_checksummed
from gan.store.interface import Store
from gan.store.layout import verdict as key_of
from gan.store.layout import verdicts as folder
from gan.types import Json
from gan.util.ids import is_id

REMEDY = "judge again with: gan gate"
KEYS = ("generator_id", "name", "live_generator_id", "passed", "reasons")


def write(store: Store, run_id: str, verdict: Json) -> str:
    """Write the verdict on a generator of a run for the name in it; returns its URI."""
    key = key_of(run_id, verdict["name"])
    write_checksummed(store, key, verdict)
    return store.uri_of(key)


def read(store: Store, run_id: str, name: str) -> Json:
    """The verdict for a name.

    Raises:
        NotFoundError: the gate never judged a generator of this run for this name.
        IntegrityError: it is damaged.
    """
    key = key_of(run_id, name)
    verdict = read_checksummed(store, key, keys=KEYS, remedy=REMEDY)
    if verdict["name"] != name:
        raise IntegrityError(f"{store.uri_of(key)} is damaged (it is the verdict for {verdict['name']}); {REMEDY}")
    return verdict


def names(store: Store, run_id: str) -> list[str]:
    """The names that a generator of the run was judged for, sorted."""
    files = (item.key.removeprefix(f"{folder(run_id)}/") for item in store.list(folder(run_id)))
    return [name for file in files if is_id(name := file.removesuffix(".json")) and file != name]
