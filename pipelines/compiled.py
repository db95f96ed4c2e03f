"""Pipelines as the YAML that Kubeflow Pipelines takes."""

from __future__ import annotations

from pathlib import Path

from gan.config.sweep import Sweep
from gan.errors import ConfigError, unknown_name
from gan.util.scratch import scratch_folder
from pipelines.dags.tasks import Tasks
from pipelines.profiles.profile import Profile
from pipelines.registry import PIPELINES


def compile_text(name: str, image: str, profile: Profile | None, sweep: Sweep | None = None) -> str:
    """The YAML of a pipeline whose steps run in `image`; the same input gives the same text everywhere.

    Of a `sweep`, only the number of stages is compiled in; the rest is a parameter of the run.

    Raises:
        ConfigError: no pipeline has that name.
    """
    from kfp import compiler

    if name not in PIPELINES:
        raise ConfigError(unknown_name("pipeline", name, PIPELINES))
    with scratch_folder() as folder:
        made = folder / "pipeline.yaml"
        compiler.Compiler().compile(PIPELINES[name].build(Tasks(image, profile), sweep), str(made))
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
