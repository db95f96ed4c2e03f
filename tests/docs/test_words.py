from __future__ import annotations

import pytest

from lint_words import TABLE, files, hits, rules

RULES = rules(TABLE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "text",
    [
        "That is no step of the library.",
        "Training goes on.",
        "It is compared beside the live one.",
        "Whoever asks is told of it.",
        "the last so\n    # many checkpoints",
        "self._outbox.put(parcel)",
    ],
)
def test_a_phrase_is_found(text: str) -> None:
    assert list(hits(text, RULES))


@pytest.mark.parametrize(
    "text", ["There is no step.", "It is no longer live.", "besides", "a trailing slash", "gan-beside-the-cluster"]
)
def test_plain_english_is_not(text: str) -> None:
    assert list(hits(text, RULES)) == []


def test_a_phrase_over_two_lines_has_the_number_of_the_first() -> None:
    assert list(hits("One.\n# It was\n# told.\n", RULES)) == [
        (2, "was told", "the message says, it gets an error, status shows")
    ]


def test_every_rule_says_what_to_write_instead() -> None:
    assert all(better for _, better in RULES)


def test_pages_and_code_are_searched() -> None:
    assert {"README.md", "concepts.md", "errors.py", "rules.yaml"} <= {path.name for path in files()}
