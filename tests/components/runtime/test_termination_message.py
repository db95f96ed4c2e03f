from __future__ import annotations

from pathlib import Path

import pytest

from components.runtime import termination_message


def test_the_message_is_cut_to_what_kubernetes_reads(tmp_path: Path) -> None:
    path = tmp_path / "log"
    termination_message.write("ü" * 3000, {termination_message.FILE: str(path)})
    assert path.read_text(encoding="utf-8") == "ü" * 2048
    assert termination_message.cut("aü", 2) == b"a"


def test_outside_a_pod_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(termination_message, "DEFAULT", str(tmp_path / "log"))
    termination_message.write("nothing", {})
    assert not (tmp_path / "log").exists()
    (tmp_path / "log").touch()
    termination_message.write("words", {})
    assert (tmp_path / "log").read_text() == "words"


def test_a_message_that_can_not_be_written_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    termination_message.write("x", {termination_message.FILE: str(tmp_path / "no" / "folder")})
    assert "can't write the termination message" in capsys.readouterr().err
