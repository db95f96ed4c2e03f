from __future__ import annotations

import json
import os
import signal

import pytest

from pipelines.local import python_shim


class Replaced(SystemExit):
    """What stands for the process that execv replaces."""


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    lines: list[dict[str, object]] = []
    monkeypatch.setattr("sys.argv", ["launch.py", "-m", "kfp", "--function_to_execute", "train"])
    monkeypatch.setenv("PATH", f"/tmp/ours{os.pathsep}/usr/bin{os.pathsep}/bin")  # noqa: S108
    monkeypatch.setattr(os, "setpgid", lambda process, group: None)
    monkeypatch.setattr(os, "write", lambda file, data: lines.append(json.loads(data)))
    return lines


@pytest.mark.parametrize(("status", "exit_code", "returned"), [(0, 0, 0), (3 << 8, 3, 3), (signal.SIGKILL, -9, 137)])
def test_the_parent_tells_the_process_and_how_it_ended(
    status: int, exit_code: int, returned: int, reported: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fork", lambda: 42)
    monkeypatch.setattr(os, "waitpid", lambda process, options: (process, int(status)))
    assert python_shim.main() == returned
    begun, ended = reported
    assert begun == {"launched": "train", "process": 42}
    assert (ended["ended"], ended["exit_code"]) == ("train", exit_code)


def test_the_child_becomes_the_real_python_on_the_real_path(
    reported: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[object] = []

    def execv(path: str, arguments: list[str]) -> None:
        started.extend([path, arguments, os.environ["PATH"]])
        raise Replaced

    monkeypatch.setattr(os, "fork", lambda: 0)
    monkeypatch.setattr(os, "execv", execv)
    monkeypatch.setattr("sys.executable", "/opt/python")
    with pytest.raises(Replaced):
        python_shim.main()
    assert started == ["/opt/python", ["/opt/python", "-m", "kfp", "--function_to_execute", "train"], "/usr/bin:/bin"]
    assert reported == []
