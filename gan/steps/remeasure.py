"""The remeasure step: score the live generator and the anchors in the same way as a new generator.

New data give a new reference, and scores against different references can't be compared.
"""

from __future__ import annotations

from collections.abc import Sequence

from gan.errors import ConfigError, NotFoundError
from gan.export import metadata as generator_metadata
from gan.result import StepResult, Stopwatch
from gan.steps.evaluate import evaluate
from gan.store import Store, alias
from gan.util import log


def remeasure(store: Store, name: str, reference_id: str, *, sets: Sequence[str] = ()) -> StepResult:
    """Score the live generator and the anchors against a reference, unless they are scored already.

    In a history without anchors, from an earlier version, every generator that was ever live is scored, to find the
    best. One that can't be scored is in details["not_measured"] with the reason; the gate then refuses to compare with
    it.

    Args:
        store: where everything is.
        name: the promoted name.
        reference_id: the reference of the new generator.
        sets: overrides of `evaluate` keys for its scores, `evaluate.samples=1000`.

    Returns:
        The id of the live generator ("nothing" if there is none) and the URI of its record; details: those of
        `evaluate` for the live one, why_not (None if it was scored), measured (ids), not_measured (reasons by id).

    Raises:
        IntegrityError: a checkpoint, the reference or the alias is damaged.
    """
    watch = Stopwatch()
    history = alias.read(store, name)
    live, uri = history.live, store.uri_of(alias.key_of(name))
    if live is None:
        return StepResult("nothing", uri, watch.seconds(), details={"why_not": f"nothing is live under {name}"})
    wanted = dict.fromkeys([live, *(history.anchors.values() or history.ever_live())])
    results: dict[str, StepResult] = {}
    not_measured: dict[str, str] = {}
    for generator_id in wanted:
        try:
            metadata = generator_metadata.read(store, generator_id)
            results[generator_id] = evaluate(
                store, metadata.run_id, reference_id, checkpoint=str(metadata.step), sets=sets
            )
        except (ConfigError, NotFoundError) as error:
            log.warning(f"{generator_id} can't be scored against {reference_id}", reason=str(error))
            not_measured[generator_id] = str(error)
    details = {**(results[live].details if live in results else {}), "why_not": not_measured.get(live)}
    details |= {"measured": list(results), "not_measured": not_measured}
    skipped = bool(results) and all(each.skipped for each in results.values())
    return StepResult(
        live, results[live].uri if live in results else uri, watch.seconds(), skipped=skipped, details=details
    )
