from __future__ import annotations

import io
import json
import logging

import pytest

from gan.errors import ConfigError
from gan.util import log
from gan.util.log import PROGRESS_SECONDS


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_message_is_a_sentence_on_a_terminal_and_json_elsewhere() -> None:
    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        log.info("saved", stream=stream, step=5, loss=0.123456)
    assert terminal.getvalue() == "saved  step=5  loss=0.1235\n"
    (line,) = lines(file)
    assert (line["event"], line["step"], line["loss"]) == ("saved", 5, 0.123456)
    assert str(line["time"]).endswith("Z")


def test_a_message_without_figures() -> None:
    terminal = Terminal()
    log.info("ready", stream=terminal)
    assert terminal.getvalue() == "ready\n"


def test_warnings_say_so() -> None:
    stream = io.StringIO()
    log.warning("few samples", stream=stream)
    assert lines(stream)[0]["event"] == "warning: few samples"


def test_progress_lines_come_every_so_often_with_an_eta() -> None:
    stream, now = io.StringIO(), [0.0]
    with log.progress("train", 100, start=20, every_seconds=10, clock=lambda: now[0], stream=stream) as advance:
        for _ in range(80):
            now[0] += 0.5
            advance(1, loss=1.0)
    told = lines(stream)
    assert [line["done"] for line in told] == [40, 60, 80, 100]
    assert [line["eta_seconds"] for line in told] == [30.0, 20.0, 10.0, 0.0]
    assert told[0]["elapsed_seconds"] == 10.0
    assert told[0]["loss"] == 1.0


def test_a_runner_may_ask_for_more_progress_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, expected in (("0", [1, 2, 3]), ("60", [3])):
        monkeypatch.setenv(PROGRESS_SECONDS, text)
        stream = io.StringIO()
        with log.progress("train", 3, clock=lambda: 0.0, stream=stream) as advance:
            for _ in range(3):
                advance()
        assert [line["done"] for line in lines(stream)] == expected


def test_progress_at_no_number_of_seconds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROGRESS_SECONDS, "often")
    with pytest.raises(ConfigError, match='got "often"'), log.progress("train", 3, stream=io.StringIO()):
        pass


def test_progress_without_a_unit_of_work_has_no_eta() -> None:
    stream = io.StringIO()
    with log.progress("train", 0, stream=stream) as advance:
        advance(0)
    assert lines(stream)[0]["eta_seconds"] is None


def test_progress_on_a_terminal_is_a_bar() -> None:
    terminal = Terminal()
    with log.progress("train", 2, unit="images", stream=terminal) as advance:
        advance(1, loss=0.25)
        advance(1)
    shown = terminal.getvalue()
    assert "train" in shown
    assert "2/2" in shown
    assert "images" in shown
    assert "loss=0.25" in shown


def test_a_program_that_uses_the_library_takes_its_messages_from_the_logging_of_python() -> None:
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    logger = logging.getLogger("gan")
    logger.addHandler(handler)
    try:
        log.warning("few samples", samples=5)
        logger.setLevel(logging.ERROR)
        log.warning("not wanted")
    finally:
        logger.setLevel(logging.INFO)
        logger.removeHandler(handler)
    (record,) = records
    assert (record.levelname, record.getMessage(), record.fields) == ("WARNING", "few samples", {"samples": 5})
