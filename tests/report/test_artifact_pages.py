from __future__ import annotations

import re

from gan.report.data import Chart, Mode, Series
from gan.report.page import curves_page, modes_page

CHART = Chart(
    "Losses", "loss", (Series("generator", ((0.0, 1.0), (1.0, 0.5))), Series("critic", ((0.0, 2.0), (1.0, 3.0))))
)


def test_the_curves_stand_alone() -> None:
    page = curves_page("digits-1: <curves>", [CHART, Chart("Nothing", "x", ())])
    assert "<title>digits-1: &lt;curves&gt;</title>" in page
    assert page.count('<figure class="chart">') == 1
    assert "generator, step 1: 0.5" in page
    assert "Nothing" not in page
    assert not re.search(r"(src|href)=\"http", page), "it loads nothing"


def test_the_modes_stand_alone() -> None:
    page = modes_page("step 6", [Mode("seven", 0.1, 0.25), Mode("<one>", 0.9, 0.75)])
    assert page.count('class="mode"') == 2
    assert "&lt;one&gt;" in page
    assert "25.0 %" in page
    assert "<svg" not in page


def test_nothing_to_show_is_a_sentence() -> None:
    assert "nothing was logged" in curves_page("a", [])
    assert "No modes were counted" in modes_page("a", [])
