"""Pipelines as the YAML that Kubeflow Pipelines takes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from gan.config.sweep import Sweep
from gan.errors import ConfigError, unknown_name
from gan.util.scratch import scratch_folder
from pipelines.dags.tasks import Tasks
from pipelines.profiles.profile import Profile


def pipelines(stages: int = Sweep().stages) -> dict[str, Callable[[Tasks], Any]]:
    """Every pipeline by its name; each is built from tasks. `stages` are those of the sweep."""
    from pipelines.dags.retraining import retraining
    from pipelines.dags.sweep import sweep
    from pipelines.dags.training import training

    return {"training": training, "retraining": retraining, "sweep": partial(sweep, stages=stages)}


def compile_text(name: str, image: str, profile: Profile | None, sweep: Sweep | None = None) -> str:
    """The YAML of a pipeline whose steps run in `image`; the same input gives the same text everywhere.

    Of a `sweep`, the number of its stages is compiled in; the rest is a parameter of the run.

    Raises:
        ConfigError: no pipeline has that name.
    """
    from kfp import compiler

    known = pipelines((sweep or Sweep()).stages)
    if name not in known:
        raise ConfigError(unknown_name("pipeline", name, known))
    with scratch_folder() as folder:
        made = folder / "pipeline.yaml"
        compiler.Compiler().compile(known[name](Tasks(image, profile)), str(made))
        return made.read_text(encoding="utf-8")


def compile_pipeline(name: str, image: str, profile: Profile | None, out: Path, sweep: Sweep | None = None) -> Path:
    """Write what `compile_text` makes to a file.

    Raises:
        ConfigError: no pipeline has that name, or the file can't be written.
    """
    if out.suffix not in (".yaml", ".yml"):
        raise ConfigError(f"--out must end in .yaml; got {out}")
    if not out.parent.is_dir():
        raise ConfigError(f"--out is {out}, and there is no folder {out.parent}; make it, or give another --out")
    text = compile_text(name, image, profile, sweep)
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"can't write {out}: {error.strerror}; give another --out") from None
    return out
