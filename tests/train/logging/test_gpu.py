from __future__ import annotations

from pathlib import Path

import pytest

from gan.train.logging.gpu import GpuWatch, shares_of


def test_shares_are_means_over_the_gpus() -> None:
    assert shares_of(["90, 1000, 4000", "50, 3000, 4000"]) == {"gpu_share": 0.7, "gpu_memory_share": 0.5}


def test_a_part_of_a_gpu_does_not_tell_how_busy_it_is() -> None:
    assert shares_of(["[N/A], 1000, 4000"]) == {"gpu_memory_share": 0.25}


@pytest.mark.parametrize("line", ["", "No devices were found", "1, 2", "[N/A], [N/A], [N/A]", "0, 0, 0, 0"])
def test_what_is_no_answer_tells_nothing(line: str) -> None:
    assert shares_of([line]) == {}


def test_without_the_tool_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with GpuWatch() as watch:
        assert watch.shares() == {}


def test_the_tool_is_asked_while_the_work_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program in the tool's place prints what the tool prints; another one fails, as where there is no driver."""
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho '25, 100, 400'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with GpuWatch(every_seconds=0.0) as watch:
        while not watch.shares():
            pass
        assert watch.shares() == {"gpu_share": 0.25, "gpu_memory_share": 0.25}


def test_once_the_tool_fails_nothing_is_known_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool, gone = tmp_path / "nvidia-smi", tmp_path / "gone"
    tool.write_text(f"#!/bin/sh\n[ -e {gone} ] && exit 9\necho '25, 100, 400'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with GpuWatch(every_seconds=0.0) as watch:
        while not watch.shares():
            pass
        gone.touch()
        while watch.shares():
            pass
