"""The report step: gather what is known of a run and write it as one HTML page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from gan.config import Config
from gan.console import warn
from gan.data import spec
from gan.data.spec import Dataset
from gan.errors import IntegrityError, NotFoundError
from gan.export import facts as facts_module
from gan.export.facts import Facts
from gan.report import curves, scores, verdicts
from gan.report.data import Link, Nearest, ReportData, Scores
from gan.report.page import render
from gan.report.settings import settings, text
from gan.steps import report_pictures
from gan.steps.export import evaluations_newest_first
from gan.steps.outcome import Outcome, Stopwatch
from gan.store import Store, pointer, read_json, runs, sealed
from gan.store import verdicts as verdict_records
from gan.train.checkpoint import Checkpoints
from gan.train.metrics_log import read_metrics
from gan.train.run import Run, read_run
from gan.types import Json


@dataclass(frozen=True)
class Focus:
    """What a report is about: the newest generator of the run, or before there is one its newest checkpoint.

    `step` is None before the first checkpoint, `evaluation` before the first evaluation, `verdict` before the gate's.
    """

    step: int | None
    generator_id: str | None
    facts: Facts | None
    evaluation: Json | None
    verdict: Json | None


def write_report(store: Store, run_id: str, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Outcome:
    """Write runs/<run_id>/report.html; a run at any stage has one, which says what is not there yet.

    Args:
        store: where the run is.
        run_id: the run.
        now: the clock.

    Returns:
        The run's id and the page's URI; details: step, generator_id and `passed` (each None where there is none).

    Raises:
        NotFoundError: there is no such run, or its dataset is gone.
        IntegrityError: something that the report shows is damaged.
    """
    watch = Stopwatch()
    run = read_run(store, run_id)
    dataset = spec.load(store, run.dataset_id)
    focus = _focus(store, run)
    key = runs.report(run_id)
    store.write(key, render(gather(store, run, dataset, focus, now())).encode())
    details = {
        "step": focus.step,
        "generator_id": focus.generator_id,
        "passed": None if focus.verdict is None else focus.verdict["passed"],
    }
    return Outcome(run_id, store.uri_of(key), watch.seconds(), details=details)


def gather(store: Store, run: Run, dataset: Dataset, focus: Focus, moment: datetime) -> ReportData:
    """Everything that the page shows."""
    lines = read_metrics(store, run.run_id)
    alike = _evaluated_alike(store, run, focus)
    config = run.config
    drawn = _drawn(store, run, dataset, focus)
    return ReportData(
        run_id=run.run_id,
        subtitle=(
            f"{'A conditional' if config.generator.conditional else 'A'} {config.generator.name} generator of "
            f"{dataset.source} images, {dataset.image_size} x {dataset.image_size} pixels, trained with the "
            f"{config.loss.name} loss."
        ),
        made_at=moment.strftime("%Y-%m-%d %H:%M UTC"),
        progress=_progress(run, focus),
        verdict=None if focus.verdict is None else verdicts.verdict(focus.verdict, live=_is_live(store, focus.verdict)),
        scores=_scores(store, focus),
        samples=drawn.samples if drawn else None,
        over_time=report_pictures.over_time(store, run, dataset),
        walks=drawn.walks if drawn else (),
        nearest=_nearest(store, dataset, drawn, focus),
        charts=(*curves.training_charts(lines), *curves.score_charts(alike)),
        modes=() if focus.evaluation is None else scores.modes(focus.evaluation),
        lineage=tuple(_lineage(store, run, dataset, focus)),
        settings=settings(config.to_dict(), Config().to_dict()),
        environment=_environment(run),
        timings=_timings(lines, alike),
    )


def _focus(store: Store, run: Run) -> Focus:
    steps = Checkpoints(store, run.run_id).steps()
    verdict = _newest_verdict(store, run.run_id)
    generator_id = verdict["generator_id"] if verdict else _newest_generator(store, run.run_id)
    if generator_id is not None and sealed.is_published(store, "generator", generator_id):
        facts = facts_module.read(store, generator_id)
        evaluated = "evaluation.json" in sealed.read_sums(store, "generator", generator_id)
        evaluation = sealed.read_json(store, "generator", generator_id, "evaluation.json") if evaluated else None
        return Focus(facts.step, generator_id, facts, evaluation, verdict)
    newest_first = evaluations_newest_first(store, run.run_id)
    evaluation = newest_first[0] if newest_first else None
    step = evaluation["step"] if evaluation else (steps[-1] if steps else None)
    return Focus(step, None, None, evaluation, verdict)


def _newest_verdict(store: Store, run_id: str) -> Json | None:
    items = sorted(store.list(runs.verdicts(run_id)), key=lambda item: (item.modified, item.key))
    return read_json(store, items[-1].key, keys=verdict_records.KEYS) if items else None


def _newest_generator(store: Store, run_id: str) -> str | None:
    """The generator of a run that was published last."""
    seals = [item for item in store.list("generators") if item.key.endswith(f"/{sealed.SEAL}")]
    for item in sorted(seals, key=lambda item: (item.modified, item.key), reverse=True):
        generator_id = item.key.split("/")[1]
        try:
            run_of_it = facts_module.read(store, generator_id).run_id
        except IntegrityError as error:
            warn("a damaged generator of this run or another is passed over", reason=str(error))
        else:
            if run_of_it == run_id:
                return generator_id
    return None


def _evaluated_alike(store: Store, run: Run, focus: Focus) -> list[Json]:
    if focus.evaluation is None:
        return []
    from gan.metrics import evaluations

    identity = focus.evaluation["identity"]
    return [each for each in evaluations.read_all(store, run.run_id) if each["identity"] == identity]


def _progress(run: Run, focus: Focus) -> str:
    if focus.generator_id is not None:
        return (
            f"{focus.generator_id} is exported. Judge it with: gan gate --generator-id {focus.generator_id} --name NAME"
        )
    if focus.step is None:
        return "Training has not reached its first checkpoint."
    return f"There is a checkpoint of step {focus.step:,} of {run.config.train.steps:,}, and no exported generator yet."


def _is_live(store: Store, verdict: Json) -> bool:
    return bool(pointer.read(store, verdict["name"]).live == verdict["generator_id"])


def _scores(store: Store, focus: Focus) -> Scores | None:
    if focus.evaluation is None:
        return None
    other = None if focus.verdict is None else focus.verdict["live_generator_id"]
    if focus.verdict is None or other == focus.generator_id:
        return scores.scores(focus.evaluation, None, "")
    name = focus.verdict["name"]
    if other is None:
        return scores.scores(focus.evaluation, None, f"Nothing was live as “{name}” when the gate judged.")
    try:
        live = sealed.read_json(store, "generator", other, "evaluation.json")
    except NotFoundError:
        return scores.scores(focus.evaluation, None, f"The live generator {other} has no scores in this store.")
    if live["identity"] != focus.evaluation["identity"]:
        return scores.scores(
            focus.evaluation, None, f"The live generator {other} was measured differently, so it is not shown."
        )
    return scores.scores(focus.evaluation, live, f"Live as “{name}” when the gate judged: {other}.")


def _drawn(store: Store, run: Run, dataset: Dataset, focus: Focus) -> report_pictures.Drawn | None:
    if focus.generator_id is not None:
        from gan.export import saved_model

        draw = saved_model.load(store, focus.generator_id).images
        return report_pictures.draw(draw, run, dataset, f"Drawn by the exported generator {focus.generator_id}")
    if focus.step is None:
        return None
    from gan.steps.evaluate import checkpoint_draw

    draw = checkpoint_draw(store, run, dataset, focus.step)
    return report_pictures.draw(draw, run, dataset, f"Drawn by the checkpoint of step {focus.step:,}")


def _nearest(store: Store, dataset: Dataset, drawn: report_pictures.Drawn | None, focus: Focus) -> Nearest | None:
    if drawn is None:
        return None
    reference_id = None if focus.evaluation is None else focus.evaluation["reference_id"]
    return report_pictures.nearest_training_images(store, dataset, drawn.compared, reference_id)


def _lineage(store: Store, run: Run, dataset: Dataset, focus: Focus) -> list[Link]:
    examples = ", ".join(f"{split.examples:,} {name}" for name, split in dataset.splits.items())
    size = f"{dataset.image_size} x {dataset.image_size} x {dataset.channels}"
    genuine = {True: ", genuine files", False: ", not the published files", None: ""}[dataset.genuine]
    links = [
        Link("Data", dataset.id, f"{dataset.source}{genuine}: {examples} images of {size}"),
        Link("Config", run.config.name, f"hash {run.config_hash}"),
        Link("Run", run.run_id, f"{run.config.train.steps:,} steps of {run.config.train.batch_size} images"),
    ]
    if focus.step is not None:
        links.append(Link("Checkpoint", f"{run.run_id}, step {focus.step}", _checkpoint_summary(store, run, focus)))
    if focus.evaluation is not None:
        reference_id = focus.evaluation["reference_id"]
        links.append(Link("Reference", reference_id, _reference_summary(store, reference_id)))
    if focus.generator_id is not None and focus.facts is not None:
        links.append(Link("Generator", focus.generator_id, _parity_summary(focus.facts)))
        links += _promotions(store, focus.generator_id)
    return links


def _checkpoint_summary(store: Store, run: Run, focus: Focus) -> str:
    if focus.facts is not None:
        return f"SHA-256 {focus.facts.checkpoint_sha256}"
    return f"SHA-256 {Checkpoints(store, run.run_id).read_meta(int(focus.step or 0))['sha256']}"


def _reference_summary(store: Store, reference_id: str) -> str:
    if not sealed.is_published(store, "reference", reference_id):
        return "no longer in this store"
    record = sealed.read_json(store, "reference", reference_id, "reference.json")
    network = record["feature_network"]
    right = f", {network['accuracy']:.1%} right on held-out images" if "accuracy" in network else ""
    return f"{network['name']}:{network['hash'][:6]}{right}; {record['split']} split"


def _parity_summary(facts: Facts) -> str:
    difference = facts.parity["largest_pixel_difference"]
    if difference == 0:
        return "draws the checkpoint's pictures to the last bit"
    return f"no pixel (range [-1, 1]) differs from the checkpoint's by more than {difference:.2g}"


def _promotions(store: Store, generator_id: str) -> list[Link]:
    """Every name that the generator is or was live under."""
    links = []
    for name in pointer.names(store):
        found = pointer.read(store, name)
        moves = [move for move in found.moves if move.generator_id == generator_id]
        if moves:
            state = "live since" if found.live == generator_id else "no longer live; last promoted at"
            before = f"; before it: {moves[-1].before}" if moves[-1].before else ""
            links.append(Link("Promotion", name, f"{state} {moves[-1].at}{before}"))
    return links


def _environment(run: Run) -> tuple[tuple[str, str], ...]:
    shown = {"precision": run.precision, **run.environment}
    shown["gpus"] = ", ".join(shown.get("gpus") or []) or "none"
    return tuple((name, text(value)) for name, value in shown.items())


def _timings(lines: list[Json], evaluated: list[Json]) -> tuple[tuple[str, str], ...]:
    rows = []
    if lines and "seconds" in lines[-1]:
        rows.append((f"training, {lines[-1]['step']:,} steps", _duration(lines[-1]["seconds"])))
    if evaluated:
        spent = sum(record.get("seconds", 0.0) for record in evaluated)
        rows.append((f"evaluation, {len(evaluated)} checkpoints", _duration(spent)))
    return tuple(rows)


def _duration(seconds: float) -> str:
    """Such as 42 s, 3 min 12 s, 2 h 5 min."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
