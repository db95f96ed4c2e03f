"""What pages name exists: files, modules, linked pages and their headings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
PAGES = {
    str(path.relative_to(ROOT)): path for path in [*TOP, ROOT / "benchmarks/README.md", *(ROOT / "docs").rglob("*.md")]
}
FILE = re.compile(
    r"(?<![\w/.:-])((?:gan|components|pipelines|tests|docs|k8s|docker|benchmarks)/[\w./-]*\w)(?![\w<*/-]|/)"
)
MODULE = re.compile(r"(?<![\w/.@:-])((?:gan|components|pipelines)(?:\.\w+)+)(?![\w/-])")
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")


@pytest.mark.parametrize("name", PAGES)
def test_the_files_of_a_page_exist(name: str) -> None:
    text = PAGES[name].read_text(encoding="utf-8")
    made = set(re.findall(r'^```\w+ title="(.+?)"$', text, re.MULTILINE))  # files that the reader makes
    assert [path for path in FILE.findall(text) if path not in made and not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", PAGES)
def test_the_modules_of_a_page_exist(name: str) -> None:
    text = PAGES[name].read_text(encoding="utf-8")
    made = {path.removesuffix(".py").replace("/", ".") for path in re.findall(r'title="(.+?\.py)"', text)}
    assert [each for each in MODULE.findall(text) if each not in made and not is_defined(each)] == []


@pytest.mark.parametrize("page", TOP, ids=lambda page: page.name)
def test_the_links_of_the_pages_at_the_top_lead_somewhere(page: Path) -> None:
    """Those between the pages of docs/ are checked where the site is built."""
    for target, heading in LINK.findall(page.read_text(encoding="utf-8")):
        linked = ROOT / target if target else page
        assert linked.exists(), target
        assert not heading or heading in headings(linked), f"{target}#{heading}"


def test_every_package_is_in_the_reference() -> None:
    pages = [path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "api").glob("*.md")]
    packages = {path.parent.name for path in ROOT.glob("gan/*/__init__.py")}
    modules = {path.stem for path in ROOT.glob("gan/*.py") if not path.stem.startswith("__")}
    listed = set(re.findall(r"^::: (\S+)$", "\n".join(pages), re.MULTILINE))
    assert listed == {"components", "pipelines", *(f"gan.{name}" for name in packages | modules)}


MESSAGES = {
    "docs/runbook.md": [
        "held back by Kueue",
        "no node takes it",
        "its workers have no pods",
        "suspended until the queue",
        "not the one that",
        "read the attempt log in",
        "pod deleted",
    ],
    "docs/reference/exit-codes.md": ["not enough samples to tell", "the best generator that ever was live"],
}


@pytest.mark.parametrize("name", MESSAGES)
def test_the_messages_that_a_page_quotes_are_those_of_the_code(name: str) -> None:
    page = PAGES[name].read_text(encoding="utf-8")
    modules = [path for part in ("gan", "components", "pipelines") for path in (ROOT / part).rglob("*.py")]
    code = "".join(path.read_text(encoding="utf-8") for path in modules)
    assert [message for message in MESSAGES[name] if message not in page or message not in code] == []


def headings(page: Path) -> set[str]:
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in found}


def is_defined(dotted: str) -> bool:
    """Whether a dotted name is a module, or a name that the module before its last dot contains."""
    module, _, attribute = dotted.rpartition(".")
    if any(file.exists() for file in files_of(dotted)):
        return True
    return any(
        re.search(rf"\b{attribute}\b", file.read_text(encoding="utf-8")) for file in files_of(module) if file.exists()
    )


def files_of(module: str) -> list[Path]:
    path = ROOT / module.replace(".", "/")
    return [path.with_name(path.name + ".py"), path / "__init__.py"]
