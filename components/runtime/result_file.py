"""How a step ended, as a file that the process of a component leaves for the runner that started it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from gan.result import StepResult


@dataclass(frozen=True)
class ResultFile:
    """The result of a step, or the message and exit code it failed with."""

    step: str
    outcome: StepResult | None = None
    error: str | None = None
    exit_code: int = 0

    def write(self, folder: Path) -> None:
        """Write `<folder>/<step>.json`, whole or not at all."""
        temporary = folder / f".{self.step}.json"
        temporary.write_text(json.dumps(dataclasses.asdict(self)), encoding="utf-8")
        temporary.replace(folder / f"{self.step}.json")


def read(folder: Path, step: str) -> ResultFile | None:
    """How a step ended; None where it left no file: it did not run, or was killed."""
    path = folder / f"{step}.json"
    if not path.is_file():
        return None
    tree = json.loads(path.read_text(encoding="utf-8"))
    result = None if tree["outcome"] is None else StepResult(**tree["outcome"])
    return ResultFile(tree["step"], result, tree["error"], tree["exit_code"])
