from __future__ import annotations

from pathlib import Path

import pytest

from gan.train.logging.gpu import GpuWatch, shares_of


def test_shares_are_means_over_the_gpus() -> None:
    assert shares_of(["90, 1000, 4000", "50, 3000, 4000"]) == {"gpu_share": 0.7, "gpu_memory_share": 0.5}


def test_a_mig_partition_reports_no_utilisation() -> None:
    assert shares_of(["[N/A], 1000, 4000"]) == {"gpu_memory_share": 0.25}


@pytest.mark.parametrize("line", ["", "No devices were found", "1, 2", "[N/A], [N/A], [N/A]", "0, 0, 0, 0"])
def test_an_unreadable_answer_gives_nothing(line: str) -> None:
    assert shares_of([line]) == {}


def test_without_the_tool_there_are_no_shares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with GpuWatch() as watch:
        assert watch.shares() == {}


def test_the_tool_is_polled_in_the_background(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program in the tool's place prints what the tool prints; another one fails, as where there is no driver."""
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho '25, 100, 400'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with GpuWatch(interval_seconds=0.0) as watch:
        while not watch.shares():
            pass
        assert watch.shares() == {"gpu_share": 0.25, "gpu_memory_share": 0.25}


def test_after_a_failure_of_the_tool_there_are_no_shares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool, gone = tmp_path / "nvidia-smi", tmp_path / "gone"
    tool.write_text(f"#!/bin/sh\n[ -e {gone} ] && exit 9\necho '25, 100, 400'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with GpuWatch(interval_seconds=0.0) as watch:
        while not watch.shares():
            pass
        gone.touch()
        while watch.shares():
            pass
