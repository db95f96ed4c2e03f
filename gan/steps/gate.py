"""The gate: judges a generator by the thresholds of its config and beside the one that is live."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from gan.config import Config, Gate, from_dict, override
from gan.errors import IntegrityError, NotFoundError
from gan.export import facts as facts_module
from gan.export.files import FACTS
from gan.ids import check_id
from gan.metrics import evaluations
from gan.steps.gate_checks import Check, beside_live, limits, parity, rolled_back, thresholds
from gan.steps.outcome import Outcome, Stopwatch
from gan.store import Store, pointer, runs, sealed, verdicts
from gan.store.pointer import Pointer
from gan.types import Json


def gate(
    store: Store,
    generator_id: str,
    name: str,
    *,
    sets: Sequence[str] = (),
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Outcome:
    """Judge whether a generator may be promoted to a name, and write the verdict.

    A refusal is no exception: details["passed"] is False, and details["reasons"] says why in sentences.

    The live generator is held to the thresholds like any other. There is nothing to compare it with, so the verdict
    that it went live by, which compared it with its predecessor, is kept.

    Args:
        store: where the generator is.
        generator_id: the one to judge.
        name: what it would be promoted to.
        sets: overrides of the run's `gate` keys, `gate.most_fid=30`.
        now: the clock.

    Returns:
        The generator's id, the URI of the verdict; details: passed, reasons, notes, checks, live_generator_id.

    Raises:
        NotFoundError: no such generator.
        ConfigError: a wrong override or name.
        IntegrityError: a file of one of the generators is damaged.
    """
    watch = Stopwatch()
    check_id(name, "--name")
    facts = sealed.read_json(store, "generator", generator_id, FACTS)
    options = override(_config(facts), sets).gate
    live = pointer.read(store, name)
    evaluation = facts_module.read_evaluation(store, generator_id)
    checks = [*thresholds(options, evaluation, facts["run_id"]), *parity(options, facts["parity"])]
    if facts_module.was_rolled_back(store, generator_id, live):
        checks.append(rolled_back(generator_id, name))
    compared, notes = _compared(store, options, generator_id, evaluation, live)
    checks += compared
    passed = all(check.passed for check in checks)
    verdict: Json = {
        "generator_id": generator_id,
        "name": name,
        "live_generator_id": live.live,
        "live_version": live.version,
        "passed": passed,
        "reasons": [check.reason for check in checks if not check.passed],
        "notes": notes,
        "checks": [check.to_json() for check in checks],
        "options": asdict(options),
        "judged_at": now().isoformat(timespec="microseconds"),
    }
    key = runs.verdict(facts["run_id"], name)
    if live.live != generator_id or not _is_about(store, facts["run_id"], name, generator_id):
        verdicts.write(store, facts["run_id"], verdict)
    return Outcome(generator_id, store.uri_of(key), watch.seconds(), details=verdict)


def _compared(
    store: Store, options: Gate, generator_id: str, evaluation: Json | None, live: Pointer
) -> tuple[list[Check], list[str]]:
    """The check beside the live generator, or a note on why there is none."""
    if live.live == generator_id:
        return [], [f"{generator_id} is live under {live.name} already: there is nothing to compare it with"]
    if live.live is None:
        notes = [f"nothing is live under {live.name}: there is nothing to compare it with"]
        if evaluation is not None and not limits(options):
            notes.append(
                "no threshold is set: nothing but the export was checked. Set some of gate.least_* and gate.most_*"
            )
        return [], notes
    if options.against_live == "off":
        return [], [f"not compared with the live generator {live.live}: gate.against_live is off"]
    if evaluation is None:
        return [], []
    theirs = _evaluation_alike(store, live.live, evaluation)
    return [beside_live(options, generator_id, evaluation, live.live, theirs)], []


def _config(facts: Json) -> Config:
    return from_dict(facts["config"], where=f"the config in {FACTS}")


def _is_about(store: Store, run_id: str, name: str, generator_id: str) -> bool:
    """Whether the run's verdict for a name is about this generator."""
    try:
        return bool(verdicts.read(store, run_id, name)["generator_id"] == generator_id)
    except (NotFoundError, IntegrityError):
        return False


def _evaluation_alike(store: Store, live_id: str, evaluation: Json) -> Json | None:
    """The live generator's scores: those of the other generator's identity where its checkpoint has them, as the step
    remeasure leaves them behind, else those that it was exported with; None where it has none.
    """
    own = facts_module.read_evaluation(store, live_id)
    if own is not None and own["identity"] == evaluation["identity"]:
        return own
    facts = sealed.read_json(store, "generator", live_id, FACTS)
    found = None
    if "reference_id" in evaluation:
        place = (facts["run_id"], int(facts["step"]), evaluation["reference_id"])
        found = evaluations.read(store, *place, evaluation["identity"])
    alike = found is not None and found.get("checkpoint_sha256") == facts.get("checkpoint_sha256")
    return found if alike else own
