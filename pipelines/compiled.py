"""Pipelines as the YAML that Kubeflow Pipelines takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gan.errors import ConfigError, unknown_name
from gan.scratch import scratch_folder

DEFAULT_IMAGE = "gan-pipelines:cpu"


def pipelines() -> dict[str, Callable[[str], Any]]:
    """Every pipeline by its name; each is made for an image."""
    from pipelines.training import training

    return {"training": training}


def compile_pipeline(name: str, image: str, out: Path) -> Path:
    """Write the YAML of a pipeline whose steps run in `image`; the same input gives the same bytes everywhere.

    Raises:
        ConfigError: no pipeline has that name, or the file can't be written.
    """
    from kfp import compiler

    known = pipelines()
    if name not in known:
        raise ConfigError(unknown_name("pipeline", name, known))
    if out.suffix not in (".yaml", ".yml"):
        raise ConfigError(f"--out must end in .yaml; got {out}")
    with scratch_folder() as folder:
        made = folder / "pipeline.yaml"
        compiler.Compiler().compile(known[name](image), str(made))
        text = made.read_text(encoding="utf-8")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"can't write {out}: {error.strerror}; give another --out") from None
    return out
