"""The gate's verdicts on a run's generators, one for each promoted name: `runs/<run_id>/verdicts/<name>.json`."""

from __future__ import annotations

from gan.store.document import read_json
from gan.store.interface import Store
from gan.store.runs import verdict as key_of
from gan.types import Json

KEYS = ("generator_id", "name", "live_generator_id", "passed", "reasons")


def read(store: Store, run_id: str, name: str) -> Json:
    """The verdict for a name.

    Raises:
        NotFoundError: the gate never judged a generator of this run for it.
        IntegrityError: it is damaged.
    """
    return read_json(store, key_of(run_id, name), keys=KEYS, remedy="judge again with: gan gate")
