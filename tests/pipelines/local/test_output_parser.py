from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.local.local_runner import MAX_LINES, OutputParser


class Recorder:
    def __init__(self) -> None:
        self.events: list[Any] = []

    def launched(self, step: str, process: int) -> None:
        self.events.append(("launched", step, process))

    def logged(self, event: dict[str, Any]) -> None:
        self.events.append(event)

    def ended(self, step: str, exit_code: int, seconds: float) -> None:
        self.events.append(("ended", step, exit_code, seconds))


STREAM = "".join(
    [
        "12:00:00.000 - INFO - Executing task 'train'\n",
        '    {"launched": "train", "process": 42}\n',
        "    [KFP Executor 2026-01-01 INFO]: Loading\n",
        '    {"time": "now", "event": "train", "done": 1, "total": 2}\n',
        "    a warning of somebody else\n",
        '    {"inputs": {"config": "a: 1"}}\n',
        "    {broken\n    [1, 2]\n    \n",
        '    {"ended": "train", "exit_code": -9, "seconds": 1.5}\n',
    ]
)
EVENTS = [
    ("launched", "train", 42),
    {"time": "now", "event": "train", "done": 1, "total": 2},
    ("ended", "train", -9, 1.5),
]


def test_events_are_told_apart_from_the_rest() -> None:
    recorder = Recorder()
    parser = OutputParser(recorder)
    assert parser.writable()
    assert parser.write(STREAM) == len(STREAM)
    assert recorder.events == EVENTS
    assert parser.last_lines() == [
        "a warning of somebody else", '{"inputs": {"config": "a: 1"}}', "{broken", "[1, 2]",
    ]  # fmt: skip


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_it_does_not_matter_how_the_text_is_cut(cuts: list[int]) -> None:
    recorder = Recorder()
    parser = OutputParser(recorder)
    places = [0, *sorted(cuts), len(STREAM)]
    for begin, end in pairwise(places):
        parser.write(STREAM[begin:end])
    assert recorder.events == EVENTS


def test_only_the_last_lines_of_the_last_step_are_kept() -> None:
    parser = OutputParser(Recorder())
    parser.write("of the step before\n")
    parser.write(json.dumps({"launched": "b", "process": 1}) + "\n")
    parser.write("".join(f"{number}\n" for number in range(MAX_LINES + 5)))
    assert parser.last_lines() == [str(number) for number in range(5, MAX_LINES + 5)]


@pytest.mark.parametrize("line", ['{"event"', '"event"', "null", '{"other": "event"}'])
def test_what_only_looks_like_an_event(line: str) -> None:
    recorder = Recorder()
    OutputParser(recorder).write(line + "\n")
    assert recorder.events == []
