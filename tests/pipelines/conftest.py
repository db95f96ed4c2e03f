from __future__ import annotations

import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest


def _stack() -> list[tuple[object, str, int, str]]:
    """The frames of the callers as `inspect.stack` begins them, without looking for their source."""
    found, frame = [], sys._getframe(1)
    while frame is not None:
        found.append((frame, frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name))
        frame = frame.f_back
    return found


@pytest.fixture(scope="session", autouse=True)
def quick_stacks() -> Iterator[None]:
    """kfp asks for the name of its caller 88 times a compilation, by `inspect.stack`.

    That looks through all modules for the source of pytest-xdist's frames: 2 seconds a compilation instead of 0.1.
    """
    from kfp.dsl import pipeline_task

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline_task, "inspect", SimpleNamespace(stack=_stack))
        yield
