from __future__ import annotations

from pathlib import Path

from gan.config_reference import markdown

PAGE = Path(__file__).parents[1] / "docs" / "configuration.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), "run `make docs-reference` and commit the page"
