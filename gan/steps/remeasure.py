"""The remeasure step: score the live generator again in the way a new one is scored, so that the two can be compared.

New data bring a new reference, and scores against two references can't be compared.
"""

from __future__ import annotations

from collections.abc import Sequence

from gan.errors import ConfigError, NotFoundError
from gan.export import facts as facts_module
from gan.steps.evaluate import evaluate
from gan.steps.outcome import Outcome, Stopwatch
from gan.store import Store, pointer


def remeasure(store: Store, name: str, reference_id: str, *, sets: Sequence[str] = ()) -> Outcome:
    """Score the checkpoint that the live generator was exported from against a reference, unless it is scored already.

    Where it can't be scored so, the outcome says why in details["why_not"]; the gate will refuse to compare then.

    Args:
        store: where everything is.
        name: the promoted name.
        reference_id: what the new generator is scored against.
        sets: the `evaluate` keys that it is scored with, `evaluate.samples=1000`.

    Returns:
        The id of the live generator ("nothing" where there is none) and the URI of the record; details: those of
        `evaluate`, and why_not, None where all is well.

    Raises:
        IntegrityError: the checkpoint, the reference or the promoted pointer is damaged.
    """
    watch = Stopwatch()
    live = pointer.read(store, name).live
    if live is None:
        return _not(store, name, "nothing", f"nothing is live under {name}", watch)
    facts = facts_module.read(store, live)
    try:
        made = evaluate(store, facts.run_id, reference_id, checkpoint=str(facts.step), sets=sets)
    except (ConfigError, NotFoundError) as error:
        return _not(store, name, live, str(error), watch)
    details = {**made.details, "why_not": None}
    return Outcome(live, made.uri, watch.seconds(), skipped=made.skipped, details=details)


def _not(store: Store, name: str, live: str, why_not: str, watch: Stopwatch) -> Outcome:
    uri = store.uri_of(pointer.key_of(name))
    return Outcome(live, uri, watch.seconds(), details={"why_not": why_not})
