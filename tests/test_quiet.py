from __future__ import annotations

import os

import pytest

from gan.quiet import _notices_held_back


def test_notices_are_held_back_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    with _notices_held_back():
        os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n")
        os.write(2, b"I0000 00:00:1795448941.517542   15055 port.cc:153] oneDNN custom operations are on.\n")
        os.write(2, b"E0000 something is really wrong\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "E0000 something is really wrong\nafter\n"


def test_what_was_held_back_comes_out_when_the_import_fails(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with _notices_held_back():
            os.write(2, b"libtensorflow.so: cannot open shared object file\n")
            raise ImportError

    with pytest.raises(ImportError):
        fail()
    assert capfd.readouterr().err == "libtensorflow.so: cannot open shared object file\n"
