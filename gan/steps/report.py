"""The report step: gather what is known of a run and write it as one HTML page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from gan import build
from gan.config import Config
from gan.data import spec
from gan.data.spec import Dataset
from gan.errors import NotFoundError
from gan.export import metadata as facts_module
from gan.report import scores, verdicts
from gan.report.charts import curves
from gan.report.data import NearestImages, ReportData, ScoreTable
from gan.report.page import render
from gan.report.settings import environment, settings
from gan.report.timings import timings
from gan.result import StepResult, Stopwatch
from gan.steps.reporting import origins, pictures, subject
from gan.steps.reporting.subject import Focus
from gan.store import Store, alias, layout
from gan.train.logging.metrics_log import read_metrics
from gan.train.run import Run, read_run
from gan.types import Json


def write_report(store: Store, run_id: str, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> StepResult:
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
    focus = subject.find(store, run)
    key = layout.report(run_id)
    store.write(key, render(gather(store, run, dataset, focus, now())).encode())
    details = {
        "step": focus.step,
        "generator_id": focus.generator_id,
        "passed": None if focus.verdict is None else focus.verdict["passed"],
    }
    return StepResult(run_id, store.uri_of(key), watch.seconds(), details=details)


def gather(store: Store, run: Run, dataset: Dataset, focus: Focus, moment: datetime) -> ReportData:
    """Everything that the page shows."""
    lines = read_metrics(store, run.run_id)
    records = _evaluations(store, run, focus)
    final = [each for each in records if focus.evaluation and each["identity"] == focus.evaluation["identity"]]
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
        over_time=pictures.over_time(store, run, dataset),
        interpolations=drawn.interpolations if drawn else (),
        nearest=_nearest(store, dataset, drawn, focus),
        charts=(
            *curves.training_charts(lines, zero_is_border=build.build_loss(config).zero_is_border),
            *curves.selection_charts(_selection(records)),
        ),
        modes=() if focus.evaluation is None else scores.modes(focus.evaluation),
        lineage=tuple(origins.lineage(store, run, dataset, focus)),
        settings=settings(config.to_dict(), Config().to_dict()),
        environment=environment(run.precision, run.environment),
        timings=timings(lines, final),
    )


def _evaluations(store: Store, run: Run, focus: Focus) -> list[Json]:
    """Every record of the run against the reference that the shown scores are measured with."""
    if focus.evaluation is None:
        return []
    from gan.metrics import evaluations

    reference_id = focus.evaluation["reference_id"]
    return [each for each in evaluations.read_all(store, run.run_id) if each["reference_id"] == reference_id]


def _selection(records: Sequence[Json]) -> list[Json]:
    """The records that the checkpoint was chosen by: of selection, and of the identity of the newest of them."""
    from gan.metrics import evaluations
    from gan.metrics.identity import SELECTION

    selection = evaluations.newest_first([each for each in records if evaluations.purpose_of(each) == SELECTION])
    return [each for each in selection if each["identity"] == selection[0]["identity"]]


def _progress(run: Run, focus: Focus) -> str:
    if focus.generator_id is not None:
        return (
            f"{focus.generator_id} is exported. Judge it with: gan gate --generator-id {focus.generator_id} --name NAME"
        )
    if focus.step is None:
        return "Training has not reached its first checkpoint."
    return f"There is a checkpoint of step {focus.step:,} of {run.config.train.steps:,}, and no exported generator yet."


def _is_live(store: Store, verdict: Json) -> bool:
    return bool(alias.read(store, verdict["name"]).live == verdict["generator_id"])


def _scores(store: Store, focus: Focus) -> ScoreTable | None:
    if focus.evaluation is None:
        return None
    other = None if focus.verdict is None else focus.verdict["live_generator_id"]
    if focus.verdict is None or other == focus.generator_id:
        return scores.scores(focus.evaluation, None, "")
    name = focus.verdict["name"]
    if other is None:
        return scores.scores(focus.evaluation, None, f"Nothing was live as “{name}” when the gate judged.")
    live = _evaluation_if_there(store, other)
    if live is None:
        return scores.scores(focus.evaluation, None, f"The live generator {other} has no scores in this store.")
    if live["identity"] != focus.evaluation["identity"]:
        return scores.scores(
            focus.evaluation, None, f"The live generator {other} was measured differently, so it is not shown."
        )
    return scores.scores(focus.evaluation, live, f"Live as “{name}” when the gate judged: {other}.")


def _evaluation_if_there(store: Store, generator_id: str) -> Json | None:
    try:
        return facts_module.read_evaluation(store, generator_id)
    except NotFoundError:
        return None


def _drawn(store: Store, run: Run, dataset: Dataset, focus: Focus) -> pictures.Drawn | None:
    if focus.generator_id is not None:
        from gan.export import saved_model

        exported = saved_model.load(store, focus.generator_id)
        return pictures.draw(exported.images, run, dataset, f"Drawn by the exported generator {focus.generator_id}")
    if focus.step is None:
        return None
    from gan.steps.evaluate import checkpoint_draw

    draw = checkpoint_draw(store, run, dataset, focus.step)
    return pictures.draw(draw, run, dataset, f"Drawn by the checkpoint of step {focus.step:,}")


def _nearest(store: Store, dataset: Dataset, drawn: pictures.Drawn | None, focus: Focus) -> NearestImages | None:
    if drawn is None:
        return None
    reference_id = None if focus.evaluation is None else focus.evaluation["reference_id"]
    return pictures.nearest_training_images(store, dataset, drawn.compared, reference_id)
