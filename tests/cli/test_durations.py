from __future__ import annotations

import pytest

from gan.cli.durations import seconds
from gan.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "expected"), [("0", 0), ("90s", 90), ("30m", 1800), ("24h", 86400), ("1.5d", 129600), ("0h", 0)]
)
def test_a_number_and_a_unit(text: str, expected: float) -> None:
    assert seconds(text, "--grace") == expected


@pytest.mark.parametrize("text", ["", "24", "h", "-1h", "1w", "1 h", "1e3s", "inf"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--grace must be a number followed by s, m, h or d"):
        seconds(text, "--grace")
