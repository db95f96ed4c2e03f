from __future__ import annotations

import pytest

from gan.errors import ConfigError
from gan.util.env import env_float

NAME = "GAN_SOMETHING"


def test_what_is_set_counts_and_else_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAME, raising=False)
    assert env_float(NAME, 7.5, "seconds") == 7.5
    monkeypatch.setenv(NAME, "2e-3")
    assert env_float(NAME, 7.5, "seconds") == 0.002


@pytest.mark.parametrize(
    ("text", "or_zero", "minimum"),
    [
        *[(text, False, "above 0") for text in ("", "many", "0", "-1", "nan", "inf")],
        *[(text, True, "at least 0") for text in ("", "many", "-1", "nan", "inf")],
    ],
)
def test_other_values_are_refused(text: str, or_zero: bool, minimum: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, text)
    with pytest.raises(ConfigError) as told:
        env_float(NAME, 10, "seconds", or_zero=or_zero)
    assert str(told.value) == f'{NAME} must be a number of seconds, {minimum}, such as 10; got "{text}"'


def test_zero_is_a_number_where_it_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "0")
    assert env_float(NAME, 10, "seconds", or_zero=True) == 0
