"""No module imports itself by way of others, imports inside functions and for types included."""

from __future__ import annotations

import ast
import graphlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def imports_of(path: Path) -> set[str]:
    """The modules that a file imports anywhere, and those that its names may be."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("package", ["gan", "components", "pipelines"])
def test_there_is_no_import_cycle(package: str) -> None:
    paths = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in ROOT.glob(f"{package}/**/*.py")}
    files = {name.removesuffix(".__init__"): path for name, path in paths.items()}
    packages = {name for name in files if any(other.startswith(f"{name}.") for other in files)}
    graph = {}
    for name, path in files.items():
        found = imports_of(path) & files.keys()
        # `from package import module` imports the module; the package counts where nothing below it is named.
        graph[name] = {each for each in found - {name} if each not in packages or not _below(each, found)}
    assert sum(map(len, graph.values())) > len(files), "imports were found"
    graphlib.TopologicalSorter(graph).prepare()


def _below(package: str, found: set[str]) -> bool:
    return any(each.startswith(f"{package}.") for each in found)
