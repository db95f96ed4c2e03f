"""The report step: gather everything about a run into one HTML page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from gan import build
from gan.config import Config
from gan.data import spec
from gan.data.spec import Dataset
from gan.errors import NotFoundError
from gan.export import metadata as generator_metadata
from gan.report import rows
from gan.report.charts import curves
from gan.report.data import NearestImages, ReportData, ScoreTable
from gan.report.page import render
from gan.result import StepResult, Stopwatch
from gan.steps.reporting import pictures
from gan.steps.reporting.subject import ReportSubject, find_subject, lineage
from gan.store import Store, alias, layout
from gan.train.logging.metrics_log import read_metrics
from gan.train.run import Run, read_run
from gan.types import Json


def write_report(store: Store, run_id: str, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> StepResult:
    """Write runs/<run_id>/report.html, for a run at any stage; the page says what is missing yet.

    Args:
        store: where the run is.
        run_id: the run.
        now: the clock.

    Returns:
        The run's id and the page's URI; details: step, generator_id and `passed`, each None if there is none.

    Raises:
        NotFoundError: there is no such run, or its dataset is gone.
        IntegrityError: something that the report shows is damaged.
    """
    watch = Stopwatch()
    run = read_run(store, run_id)
    dataset = spec.load(store, run.dataset_id)
    subject = find_subject(store, run)
    key = layout.report(run_id)
    store.write(key, render(gather(store, run, dataset, subject, now())).encode())
    details = {
        "step": subject.step,
        "generator_id": subject.generator_id,
        "passed": None if subject.verdict is None else subject.verdict["passed"],
    }
    return StepResult(run_id, store.uri_of(key), watch.seconds(), details=details)


def gather(store: Store, run: Run, dataset: Dataset, subject: ReportSubject, moment: datetime) -> ReportData:
    """The content of the page."""
    lines = read_metrics(store, run.run_id)
    records = _evaluations(store, run, subject)
    final = [each for each in records if subject.evaluation and each["identity"] == subject.evaluation["identity"]]
    config, verdict = run.config, subject.verdict
    is_live = verdict is not None and alias.read(store, verdict["name"]).live == verdict["generator_id"]
    drawn = _drawn(store, run, dataset, subject)
    return ReportData(
        run_id=run.run_id,
        subtitle=(
            f"{'A conditional' if config.generator.conditional else 'A'} {config.generator.name} generator of "
            f"{dataset.source} images, {dataset.image_size} x {dataset.image_size} pixels, trained with the "
            f"{config.loss.name} loss."
        ),
        made_at=moment.strftime("%Y-%m-%d %H:%M UTC"),
        progress=_progress(run, subject),
        verdict=None if verdict is None else rows.verdict(verdict, live=is_live),
        scores=_scores(store, subject),
        samples=drawn.samples if drawn else None,
        over_time=pictures.over_time(store, run, dataset),
        interpolations=drawn.interpolations if drawn else (),
        nearest=_nearest(store, dataset, drawn, subject),
        charts=(
            *curves.training_charts(lines, zero_is_boundary=build.build_loss(config).zero_is_boundary),
            *curves.selection_charts(_selection(records)),
        ),
        modes=() if subject.evaluation is None else rows.modes(subject.evaluation),
        lineage=tuple(lineage(store, run, dataset, subject)),
        settings=rows.settings(config.to_dict(), Config().to_dict()),
        environment=rows.environment(run.precision, run.environment),
        timings=rows.timings(lines, final),
    )


def _evaluations(store: Store, run: Run, subject: ReportSubject) -> list[Json]:
    """Every evaluation of the run against the reference of the scores shown."""
    if subject.evaluation is None:
        return []
    from gan.metrics import evaluations

    reference_id = subject.evaluation["reference_id"]
    return [each for each in evaluations.read_all(store, run.run_id) if each["reference_id"] == reference_id]


def _selection(records: Sequence[Json]) -> list[Json]:
    """The evaluations that the checkpoint was chosen by: those for selection, with the identity of the newest."""
    from gan.metrics import evaluations
    from gan.metrics.identity import SELECTION

    selection = evaluations.newest_first([each for each in records if evaluations.purpose_of(each) == SELECTION])
    return [each for each in selection if each["identity"] == selection[0]["identity"]]


def _progress(run: Run, subject: ReportSubject) -> str:
    if (exported := subject.generator_id) is not None:
        return f"{exported} is exported. Judge it with: gan gate --generator-id {exported} --name NAME"
    if subject.step is None:
        return "Training has not reached its first checkpoint."
    done = f"{subject.step:,} of {run.config.train.steps:,}"
    return f"There is a checkpoint of step {done}, and no exported generator yet."


def _scores(store: Store, subject: ReportSubject) -> ScoreTable | None:
    if subject.evaluation is None:
        return None
    other = None if subject.verdict is None else subject.verdict["live_generator_id"]
    if subject.verdict is None or other == subject.generator_id:
        return rows.scores(subject.evaluation, None, "")
    name = subject.verdict["name"]
    if other is None:
        return rows.scores(subject.evaluation, None, f"Nothing was live as “{name}” when the gate judged.")
    live = _evaluation_if_there(store, other)
    if live is None:
        return rows.scores(subject.evaluation, None, f"The live generator {other} has no scores in this store.")
    if live["identity"] != subject.evaluation["identity"]:
        return rows.scores(
            subject.evaluation, None, f"The live generator {other} was measured differently, so it is not shown."
        )
    return rows.scores(subject.evaluation, live, f"Live as “{name}” when the gate judged: {other}.")


def _evaluation_if_there(store: Store, generator_id: str) -> Json | None:
    try:
        return generator_metadata.read_evaluation(store, generator_id)
    except NotFoundError:
        return None


def _drawn(store: Store, run: Run, dataset: Dataset, subject: ReportSubject) -> pictures.Drawn | None:
    if subject.generator_id is not None:
        from gan.export import saved_model

        exported = saved_model.load(store, subject.generator_id)
        return pictures.draw(exported.images, run, dataset, f"Drawn by the exported generator {subject.generator_id}")
    if subject.step is None:
        return None
    from gan.steps.evaluate import checkpoint_generator

    draw = checkpoint_generator(store, run, dataset, subject.step)
    return pictures.draw(draw, run, dataset, f"Drawn by the checkpoint of step {subject.step:,}")


def _nearest(
    store: Store, dataset: Dataset, drawn: pictures.Drawn | None, subject: ReportSubject
) -> NearestImages | None:
    if drawn is None:
        return None
    reference_id = None if subject.evaluation is None else subject.evaluation["reference_id"]
    return pictures.nearest_training_images(store, dataset, drawn.compared, reference_id)
