from __future__ import annotations

import io
import json

import pytest

from gan.result import StepResult
from pipelines.local.display import Lines, Terminal, make_display, state_of

MADE = StepResult("run-1", "/store/runs/run-1", 2.0)


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")


def test_the_display_suits_the_reader() -> None:
    shown = make_display(Screen())
    assert isinstance(shown, Terminal)
    shown.close()
    assert isinstance(make_display(io.StringIO()), Lines)


def test_elsewhere_everything_is_json_with_the_step() -> None:
    stream = io.StringIO()
    display = Lines(stream)
    display.begin("train", 3, 8)
    display.event("train", {"time": "now", "event": "train", "done": 5, "total": 9})
    display.end("train", 0, 2.5, MADE)
    display.end("gate", 3, 0.5, None)
    display.close()
    begun, logged, ended, failed = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert (begun["step"], begun["number"], begun["of"]) == ("train", 3, 8)
    assert logged == {"time": "now", "event": "train", "done": 5, "total": 9, "step": "train"}
    assert (ended["step"], ended["state"], ended["exit_code"], ended["seconds"]) == ("train", "done", 0, 2.5)
    assert (failed["state"], failed["exit_code"]) == ("failed", 3)


def test_a_terminal_shows_bars_sentences_and_one_line_a_step_that_is_over() -> None:
    screen = Screen()
    display = Terminal(screen)
    display.begin("train", 3, 8)
    display.event(
        "train",
        {"time": "n", "event": "train", "done": 5, "total": 9, "unit": "steps", "eta_seconds": 4.2, "loss": 0.51234},
    )
    display._progress.refresh()
    display.event("train", {"time": "n", "event": "warning: [few] images", "images": 7})
    display.event("train", {"time": "n", "event": "train done", "id": "run-1"})
    display.end("train", 0, 62.31, MADE)
    display.begin("gate", 6, 8)
    display.end("gate", 3, 1.0, None)
    display.close()
    shown = screen.getvalue()
    assert "5/9 steps  eta 4 s  loss 0.5123" in shown
    assert "warning: [few] images  images=7" in shown
    assert "train done  " not in shown
    assert "3/8 train       done                   62.3 s  run-1" in shown
    assert "6/8 gate        failed                  1.0 s" in shown


def test_a_step_that_could_not_even_begin_is_shown() -> None:
    screen = Screen()
    display = Terminal(screen)
    display.end("train", 1, 0.0, None)
    display.close()
    assert "failed" in screen.getvalue()


def test_states() -> None:
    assert state_of(0, MADE) == "done"
    assert state_of(0, StepResult("a", "b", skipped=True)) == "in the store already"
    assert state_of(9, None) == "failed"
    assert {state_of(code, None) for code in (-2, -15, 130, 143)} == {"stopped"}
