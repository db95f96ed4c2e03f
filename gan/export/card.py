"""The model card: what a generator is, how to load it, its data and training, its scores and its limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan.export import sample_grid
from gan.export.metadata import GeneratorMetadata
from gan.regularisers import REGULARISERS
from gan.types import Json
from gan.util.formatting import format_score

TEMPLATE = Path(__file__).with_name("card.md.j2")
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#&!])")


@dataclass(frozen=True)
class DatasetSummary:
    """What the card says about the dataset. `examples` is the number of images by split."""

    dataset_id: str
    source: str
    genuine: bool | None
    crop: int | None
    crop_offset: tuple[int, int] | None
    resizer: str
    examples: Mapping[str, int]


def card(metadata: GeneratorMetadata, data: DatasetSummary, evaluation: Json | None) -> str:
    """The text of `card.md`.

    Args:
        metadata: of the generator.
        data: the dataset.
        evaluation: the record of `gan evaluate` for its checkpoint, or None.
    """
    import jinja2

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=False,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  Markdown, not HTML: names go through the filter `markdown`
    )
    environment.filters.update(markdown=escaped, figure=format_score, weight=_weight, regulariser=_regulariser)
    height, width, channels = metadata.image_shape
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        metadata=metadata,
        config=metadata.config,
        data=data,
        splits=", ".join(f"{count:,} images ({name})" for name, count in data.examples.items()),
        evaluation=evaluation,
        shown_classes=metadata.classes[: sample_grid.MAX_COLUMNS],
        height=height,
        width=width,
        channels=channels,
    )


def _weight(value: Any) -> str:
    """A number, or both ends of a schedule."""
    return f"{value['start']} to {value['end']}" if isinstance(value, Mapping) else str(value)


def _regulariser(name: str) -> str:
    return REGULARISERS[name].options.TITLE


def escaped(value: Any) -> str:
    """Text escaped for Markdown, on one line.

    Examples:
        >>> escaped("a|b <i>")
        'a\\\\|b \\\\<i\\\\>'
    """
    return _SPECIAL.sub(r"\\\1", "none" if value is None else " ".join(str(value).split()))
