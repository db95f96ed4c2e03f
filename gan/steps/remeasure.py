"""The remeasure step: score the live generator, and the best that ever were live, as a new generator is scored.

New data bring a new reference, and scores against two references can't be compared.
"""

from __future__ import annotations

from collections.abc import Sequence

from gan.errors import ConfigError, NotFoundError
from gan.export import metadata as facts_module
from gan.result import StepResult, Stopwatch
from gan.steps.evaluate import evaluate
from gan.store import Store, alias
from gan.util.log import warn


def remeasure(store: Store, name: str, reference_id: str, *, sets: Sequence[str] = ()) -> StepResult:
    """Score the live generator and those that new ones are held to against a reference, unless they are scored already.

    In a history from before there were anchors every generator that was ever live is scored, so that the best of them
    is known. One that can't be scored is named in details["not_measured"] with the reason; the gate then refuses to
    compare with it.

    Args:
        store: where everything is.
        name: the promoted name.
        reference_id: what the new generator is scored against.
        sets: the `evaluate` keys that it is scored with, `evaluate.samples=1000`.

    Returns:
        The id of the live generator ("nothing" where there is none) and the URI of its record; details: those of
        `evaluate` for the live one, why_not (None where all is well), measured (ids), not_measured (reasons by id).

    Raises:
        IntegrityError: a checkpoint, the reference or the promoted pointer is damaged.
    """
    watch = Stopwatch()
    history = alias.read(store, name)
    live, uri = history.live, store.uri_of(alias.key_of(name))
    if live is None:
        return StepResult("nothing", uri, watch.seconds(), details={"why_not": f"nothing is live under {name}"})
    wanted = dict.fromkeys([live, *(history.anchors.values() or history.ever_live())])
    made: dict[str, StepResult] = {}
    not_measured: dict[str, str] = {}
    for generator_id in wanted:
        try:
            facts = facts_module.read(store, generator_id)
            made[generator_id] = evaluate(store, facts.run_id, reference_id, checkpoint=str(facts.step), sets=sets)
        except (ConfigError, NotFoundError) as error:
            warn(f"{generator_id} can't be scored against {reference_id}", reason=str(error))
            not_measured[generator_id] = str(error)
    details = {**(made[live].details if live in made else {}), "why_not": not_measured.get(live)}
    details |= {"measured": list(made), "not_measured": not_measured}
    skipped = bool(made) and all(outcome.skipped for outcome in made.values())
    return StepResult(live, made[live].uri if live in made else uri, watch.seconds(), skipped=skipped, details=details)
