"""Everything a report shows, gathered. A part that a run does not have yet is None or empty, and the page says so."""

from __future__ import annotations

from dataclasses import dataclass

from gan.errors import ConfigError


@dataclass(frozen=True)
class Picture:
    """A PNG file and its size in pixels."""

    png: bytes
    width: int
    height: int


@dataclass(frozen=True)
class ScoreInterval:
    """A score with its confidence interval; `low` and `high` are None where there is none."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ScoreRow:
    """One row of scores.

    `better` is "lower" or "higher", or None where neither is; `floor` is what a perfect sampler would score; `live` is
    None where nothing is live or where it was measured differently, `generator` where the value is not finite.
    """

    name: str
    better: str | None
    generator: ScoreInterval | None
    real: ScoreInterval | None = None
    live: ScoreInterval | None = None
    floor: float | None = None

    def __post_init__(self) -> None:
        if self.better not in ("lower", "higher", None):
            raise ConfigError(f'better must be "lower", "higher" or None; got {self.better!r}')


@dataclass(frozen=True)
class ScoreTable:
    """The scores of one checkpoint, with the identity that makes them comparable.

    `label` names the feature network, such as fid[mnist-cnn:1a2b3c]; `live_note` says whose the live column is, or why
    there is none; `weakness` says what is wrong with the feature network, if anything.
    """

    label: str
    step: int
    rows: tuple[ScoreRow, ...]
    identity: tuple[tuple[str, str], ...]
    live_note: str = ""
    weakness: str = ""


@dataclass(frozen=True)
class CheckRow:
    """One thing that the gate looked at, in words and figures ready to be read."""

    name: str
    value: str
    allowed: str
    passed: bool


@dataclass(frozen=True)
class Verdict:
    """What the gate said of a generator for a promoted name, and whether it is live there now."""

    name: str
    generator_id: str
    passed: bool
    live: bool
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    checks: tuple[CheckRow, ...] = ()


@dataclass(frozen=True)
class SampleGrid:
    """Pictures of equal size.

    `columns` of them stand in a row, under `titles` where there are any; with `columns` None the page decides.
    """

    pictures: tuple[Picture, ...]
    caption: str
    columns: int | None = None
    titles: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImageRow:
    """One row of pictures with its title: a moment of training, or a walk between two latents."""

    title: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Neighbours:
    """A sample and the training images nearest to it, the nearest first."""

    sample: Picture
    nearest: tuple[Picture, ...]
    distances: tuple[float, ...]


@dataclass(frozen=True)
class NearestImages:
    """Samples beside their nearest training images; `measure` says in which space they are near."""

    rows: tuple[Neighbours, ...]
    measure: str
    searched: int


@dataclass(frozen=True)
class Series:
    """A named line of (x, y) points, x rising; `band` gives (low, high) for each point."""

    name: str
    points: tuple[tuple[float, float], ...]
    band: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Chart:
    """Lines over a common axis. `level` draws a dashed horizontal line with a name."""

    title: str
    y_label: str
    series: tuple[Series, ...]
    x_label: str = "step"
    level: tuple[str, float] | None = None
    least: float | None = None


@dataclass(frozen=True)
class Mode:
    """The share of one mode among real and generated images, each in [0, 1]."""

    name: str
    real: float
    generated: float


@dataclass(frozen=True)
class LineageEntry:
    """One object of the lineage: what it is, its id, and what to know of it."""

    kind: str
    id: str
    summary: str


@dataclass(frozen=True)
class Setting:
    """A config key with its value, and the default it replaces where it differs."""

    key: str
    value: str
    default: str | None = None


@dataclass(frozen=True)
class ReportData:
    """One report. `made_at` is when, as text."""

    run_id: str
    subtitle: str
    made_at: str
    progress: str
    verdict: Verdict | None = None
    scores: ScoreTable | None = None
    samples: SampleGrid | None = None
    over_time: tuple[ImageRow, ...] = ()
    walks: tuple[ImageRow, ...] = ()
    nearest: NearestImages | None = None
    charts: tuple[Chart, ...] = ()
    modes: tuple[Mode, ...] = ()
    lineage: tuple[LineageEntry, ...] = ()
    settings: tuple[Setting, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    timings: tuple[tuple[str, str], ...] = ()
