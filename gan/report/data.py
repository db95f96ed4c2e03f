"""The content of a report. Parts that a run does not have yet are None or empty, and the page says so."""

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
    """A score with its confidence interval; `low` and `high` are None if it has none."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ScoreRow:
    """One row of the table of scores.

    better: "lower", "higher", or None if unknown.
    generator, real, live: the score of this generator, of real data and of the live generator; None if it was not
        measured, is not finite, or can't be compared.
    floor: what a perfect sampler would score.
    meaning: one sentence that defines the score.
    """

    name: str
    better: str | None
    generator: ScoreInterval | None
    real: ScoreInterval | None = None
    live: ScoreInterval | None = None
    floor: float | None = None
    meaning: str = ""

    def __post_init__(self) -> None:
        if self.better not in ("lower", "higher", None):
            raise ConfigError(f'better must be "lower", "higher" or None; got {self.better!r}')


@dataclass(frozen=True)
class ScoreTable:
    """The scores of one checkpoint and their identity.

    label: has the feature network, such as fid[mnist-cnn:1a2b3c].
    live_note: names the live generator, or says why there is no such column.
    weakness: a warning about the feature network, if any.
    """

    label: str
    step: int
    rows: tuple[ScoreRow, ...]
    identity: tuple[tuple[str, str], ...]
    live_note: str = ""
    weakness: str = ""


@dataclass(frozen=True)
class CheckRow:
    """One check of the gate, formatted for people."""

    name: str
    value: str
    allowed: str
    passed: bool


@dataclass(frozen=True)
class Verdict:
    """The gate's verdict on a generator for a name, and whether the generator is live there now."""

    name: str
    generator_id: str
    passed: bool
    live: bool
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    checks: tuple[CheckRow, ...] = ()


@dataclass(frozen=True)
class PictureGrid:
    """Pictures of equal size in rows of `columns`, under `titles` if there are any; None: the page decides."""

    pictures: tuple[Picture, ...]
    caption: str
    columns: int | None = None
    titles: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImageRow:
    """One row of pictures with its title: a step of training, or an interpolation between two latents."""

    title: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Neighbours:
    """A sample and its nearest training images, the nearest first."""

    sample: Picture
    nearest: tuple[Picture, ...]
    distances: tuple[float, ...]


@dataclass(frozen=True)
class NearestImages:
    """Samples with their nearest training images; `measure` names the space of the distances."""

    rows: tuple[Neighbours, ...]
    measure: str
    searched: int


@dataclass(frozen=True)
class Series:
    """A named line of (x, y) points with ascending x."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Chart:
    """Lines over a common axis, which includes `min_y`."""

    title: str
    y_label: str
    series: tuple[Series, ...]
    x_label: str = "step"
    min_y: float | None = None


@dataclass(frozen=True)
class Mode:
    """The share of one mode among real and generated images, each in [0, 1]."""

    name: str
    real: float
    generated: float


@dataclass(frozen=True)
class LineageEntry:
    """One object of the lineage: its kind, its id and a summary."""

    kind: str
    id: str
    summary: str


@dataclass(frozen=True)
class Setting:
    """A config key with its value, and the default if it differs."""

    key: str
    value: str
    default: str | None = None


@dataclass(frozen=True)
class ReportData:
    """One report. `made_at` is its time as text."""

    run_id: str
    subtitle: str
    made_at: str
    progress: str
    verdict: Verdict | None = None
    scores: ScoreTable | None = None
    samples: PictureGrid | None = None
    over_time: tuple[ImageRow, ...] = ()
    interpolations: tuple[ImageRow, ...] = ()
    nearest: NearestImages | None = None
    charts: tuple[Chart, ...] = ()
    modes: tuple[Mode, ...] = ()
    lineage: tuple[LineageEntry, ...] = ()
    settings: tuple[Setting, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    timings: tuple[tuple[str, str], ...] = ()
