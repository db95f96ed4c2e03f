from __future__ import annotations

import dataclasses
from pathlib import Path

from pipelines.profiles.profile import Profile
from pipelines.profiles.reference_page import markdown
from pipelines.profiles.resources import Resources

PAGE = Path(__file__).parents[3] / "docs" / "profiles.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), "run `make docs-reference` and commit the page"


def test_it_tells_of_every_key() -> None:
    keys = {item.name for kind in (Profile, Resources) for item in dataclasses.fields(kind)}
    assert not {key for key in keys if f"`{key}`" not in markdown()}
