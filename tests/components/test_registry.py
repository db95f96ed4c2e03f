"""The registry of the steps, and that nothing in `components` imports itself by a detour."""

from __future__ import annotations

import ast
import graphlib
import inspect
from pathlib import Path

import pytest

from components.registry import STEPS
from gan.admin.gc_scan import NOTED

ROOT = Path(__file__).parents[2]


def test_no_module_imports_itself_by_a_detour() -> None:
    """Imports inside functions count as well."""
    files = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in ROOT.glob("components/**/*.py")}
    files = {name.removesuffix(".__init__"): path for name, path in files.items()}
    graph: dict[str, set[str]] = {}
    for name, path in files.items():
        found: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
        graph[name] = found & files.keys()
    assert {"components.runtime.context", "components.runtime.artifacts"} <= graph["components.train"]
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("step", STEPS)
def test_the_function_of_a_step_has_its_name_and_a_documented_purpose(step: str) -> None:
    function = STEPS[step].function
    assert function.__name__ == step
    assert function.__doc__
    assert f'context.step("{step}"' in inspect.getsource(function)


def test_only_training_takes_several_pods() -> None:
    assert [name for name, spec in STEPS.items() if spec.takes_workers] == ["train"]


def test_garbage_collection_knows_the_kind_of_what_each_step_makes() -> None:
    kinds = {name: spec.makes.removesuffix("_id") for name, spec in STEPS.items() if spec.makes.endswith("_id")}
    assert kinds == NOTED


def test_what_decides_an_output_is_a_group_of_the_config() -> None:
    from gan.config import Config

    groups = set(Config().to_dict())
    assert all(set(spec.decided_by) <= groups for spec in STEPS.values())
    assert all(bool(spec.makes) is bool(spec.decided_by) for spec in STEPS.values())
