"""The model card: what a generator is, how to load it, what it was made from, how it scored and where it ends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan.export import sample_grid
from gan.export.metadata import GeneratorMetadata
from gan.types import Json

TEMPLATE = Path(__file__).with_name("card.md.j2")
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#&!])")


@dataclass(frozen=True)
class DataFacts:
    """What the card tells of the dataset. `examples` is the number of images by split."""

    dataset_id: str
    source: str
    genuine: bool | None
    crop: int | None
    crop_offset: tuple[int, int] | None
    resizer: str
    examples: Mapping[str, int]


def card(facts: GeneratorMetadata, data: DataFacts, evaluation: Json | None) -> str:
    """The text of `card.md`.

    Args:
        facts: the generator's.
        data: its dataset's.
        evaluation: the record that `gan evaluate` wrote for its checkpoint, or None.
    """
    import jinja2

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=False,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  Markdown, not HTML: names go through the filter `markdown`
    )
    environment.filters.update(markdown=escaped, figure=figure)
    height, width, channels = facts.image_shape
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        facts=facts,
        config=facts.config,
        data=data,
        splits=", ".join(f"{count:,} images ({name})" for name, count in data.examples.items()),
        evaluation=evaluation,
        shown_classes=facts.classes[: sample_grid.MOST_COLUMNS],
        height=height,
        width=width,
        channels=channels,
    )


def escaped(value: Any) -> str:
    """Text that Markdown shows as it stands, on one line.

    Examples:
        >>> escaped("a|b <i>")
        'a\\\\|b \\\\<i\\\\>'
    """
    return _SPECIAL.sub(r"\\\1", "none" if value is None else " ".join(str(value).split()))


def figure(value: Any) -> str:
    """A number to four significant digits; a dash where there is none."""
    return f"{value:.4g}" if isinstance(value, int | float) else "-"
