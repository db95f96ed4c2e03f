"""The page: valid HTML, nothing loaded, nothing injected, and a sentence for each empty part."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from gan.report.data import (
    Chart,
    CheckRow,
    ImageRow,
    LineageEntry,
    Mode,
    NearestImages,
    Neighbours,
    PictureGrid,
    ReportData,
    ScoreInterval,
    ScoreRow,
    ScoreTable,
    Series,
    Setting,
    Verdict,
)
from gan.report.page import MAX_MODES, SECTIONS, grouped_settings, render, sentence, shown_modes
from gan.report.pictures import pictures

VOID = {"meta", "img", "br", "hr", "link", "input"}
EMPTY = ReportData("fresh", "A dcgan.", "2026-01-02 03:04 UTC", "Training has not reached its first checkpoint.")


class Page(HTMLParser):
    """Checks that tags are nested soundly, and collects its texts and attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self._note(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, attrs)

    def _note(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def of(self, attribute: str, tag: str = "") -> list[str]:
        """The values of an attribute, of all tags or of one."""
        return [attrs[attribute] for name, attrs in self.elements if attribute in attrs and tag in ("", name)]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def full(name: str = "digits-1") -> ReportData:
    """A report with everything in it; every text holds `name`."""
    images = pictures(np.random.default_rng(0).integers(0, 256, (6, 8, 8, 1), np.uint8))
    interval = ScoreInterval(0.5, 0.25, 0.75)
    return ReportData(
        run_id=name,
        subtitle=name,
        made_at=name,
        progress=name,
        verdict=Verdict(name, name, False, False, (name,), (name,), (CheckRow(name, name, name, True),)),
        scores=ScoreTable(
            name,
            1500,
            (ScoreRow(name, "lower", interval, interval, interval, 0.01, name), ScoreRow(name, None, None)),
            ((name, name),),
            name,
        ),
        samples=PictureGrid(images, name, 3, (name, name, name)),
        over_time=(ImageRow(name, images[:3]),),
        interpolations=(ImageRow(name, images[:3]),),
        nearest=NearestImages((Neighbours(images[0], images[1:3], (1.0, 2.0)),), name, 1437),
        charts=(
            Chart(name, name, (Series(name, ((1, 1), (2, 2))),), name),
            Chart(name, name, (Series(name, ()),)),
        ),
        modes=(Mode(name, 0.5, 0.25),),
        lineage=(LineageEntry(name, name, name),),
        settings=(Setting("name", name), Setting(f"train.{name}", name, name)),
        environment=((name, name),),
        timings=((name, name),),
    )


def test_it_defines_each_score() -> None:
    row = ScoreRow("KID", "lower", ScoreInterval(0.5), meaning="A distance <of features>.")
    page = Page(render(dataclasses.replace(full(), scores=ScoreTable("fid[x:1]", 1, (row,), ()))))
    assert "A distance <of features>." in page.of("title", "th")
    assert "A distance <of features>." in page.words


@pytest.mark.parametrize("data", [EMPTY, full()], ids=["empty", "full"])
def test_it_is_sound_and_loads_nothing(data: ReportData) -> None:
    html = render(data)
    page = Page(html)
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page.of("content", "meta")
    assert not re.search(r"https?://|@import|url\(|<script|<link|<iframe", html)
    assert all(value.startswith("data:image/png;base64,") for value in page.of("src"))
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    ids = page.of("id")
    assert page.of("href") == [f"#{anchor}" for anchor, _ in SECTIONS]
    assert sorted(ids) == sorted(anchor for anchor, _ in SECTIONS)


def test_hostile_names_stay_text() -> None:
    hostile = """</style><script>alert('x')</script><img src=x onerror="alert(1)">{{ 7 * 7 }}"&'"""
    page = Page(render(full(hostile)))
    assert "script" not in {tag for tag, _ in page.elements}
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert page.text.count(" ".join(hostile.split())) > 20
    assert "49" not in page.text


def test_every_section_without_data_says_so_in_a_sentence() -> None:
    page = Page(render(EMPTY))
    for part in (
        "Not judged yet",
        "Training has not reached its first checkpoint.",
        "No samples yet",
        "No scores yet",
        "No samples were drawn during training yet.",
        "No curves yet",
        "No modes were counted yet",
        "No interpolation yet",
        "No comparison with training images yet",
        "The lineage of this run is unknown.",
        "The config of this run is unknown.",
        "The environment was not recorded.",
        "No durations were recorded yet.",
    ):
        assert part in page.text


@pytest.mark.parametrize("missing", [field.name for field in dataclasses.fields(ReportData) if field.default is None])
def test_any_part_may_be_missing(missing: str) -> None:
    Page(render(dataclasses.replace(full(), **{missing: None})))


@pytest.mark.parametrize(
    ("passed", "live", "parts"),
    [
        (True, True, ("✓ Passed the gate for “digits”", "gen-1 is the live generator.")),
        (True, False, ("✓ Passed the gate", "gen-1 may be promoted. It is not live now.")),
        (False, False, ("✕ Refused for “digits”", "gen-1 was not promoted.", "fid is 9.")),
        (False, True, ("✕ Refused for “digits”", "gen-1 is live nevertheless.")),
    ],
)
def test_the_verdict_is_said_in_words(passed: bool, live: bool, parts: tuple[str, ...]) -> None:
    verdict = Verdict("digits", "gen-1", passed, live, () if passed else ("fid is 9",))
    text = Page(render(dataclasses.replace(EMPTY, verdict=verdict))).text
    for part in parts:
        assert part in text


def test_scores_show_a_live_column_only_where_there_is_one() -> None:
    row = ScoreRow("recall", "higher", ScoreInterval(0.5, 0.25, 0.75), ScoreInterval(0.9))
    scores = ScoreTable("fid[x:1]", 1500, (row,), (), "Nothing was live.")
    text = Page(render(dataclasses.replace(EMPTY, scores=scores))).text
    assert "0.500 0.250 to 0.750" in text
    assert "of step 1,500" in text
    assert "Live generator" not in text
    live = dataclasses.replace(scores, rows=(dataclasses.replace(row, live=ScoreInterval(0.6)),))
    assert "Live generator" in Page(render(dataclasses.replace(EMPTY, scores=live))).text


def test_drawings_can_be_read_aloud() -> None:
    page = Page(render(full("digits-1")))
    drawings = [attributes for tag, attributes in page.elements if tag == "svg" and "aria-hidden" not in attributes]
    assert drawings
    assert all(each["role"] == "img" and each["aria-label"] for each in drawings)
    assert all("alt" in attributes for tag, attributes in page.elements if tag == "img")


def test_of_very_many_modes_those_that_differ_most() -> None:
    modes = tuple(Mode(f"cluster {index}", 0.001 * index, 0.0) for index in range(100))
    made = shown_modes(modes)
    assert [mode.name for mode in made.shown[:2]] == ["cluster 99", "cluster 98"]
    assert len(made.shown) == MAX_MODES
    assert made.largest == 0.099
    assert made.long
    assert "Of 100 modes, the 40" in made.note
    assert shown_modes((Mode("0", 0.0, 0.0),)).largest == 1.0


def test_settings_by_group() -> None:
    one, other, name = Setting("train.steps", "1"), Setting("train.seed", "2"), Setting("name", "x")
    assert grouped_settings((name, one, other)) == [
        ("experiment", [("name", name)]),
        ("train", [("steps", one), ("seed", other)]),
    ]

    assert (sentence("so it is"), sentence("Is it?")) == ("so it is.", "Is it?")
