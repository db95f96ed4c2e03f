"""Finds the phrases of words.txt in docs, docstrings, comments and messages, and names a plainer wording for each."""

from __future__ import annotations

import bisect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
TABLE = Path(__file__).with_name("words.txt")
FOLDERS = {"docs": "*.md", "gan": "*.*", "components": "*.*", "pipelines": "*.*", "k8s": "*.*", "benchmarks": "*.*"}
KEPT = {("gan/data/prepare/image.py", "is no"), ("gan/export/card.md.j2", "beside")}
"""Stored texts, whose change would change the ids of datasets and generators."""

SUFFIXES = {".md", ".py", ".yaml", ".sh", ".j2"}


def rules(table: str) -> list[tuple[re.Pattern[str], str]]:
    """The patterns of a table like words.txt, each with what to write instead."""
    lines = [line for line in table.splitlines() if line.strip() and not line.startswith("#")]
    pairs = [line.split(" -> ") for line in lines]
    return [(re.compile(pattern, re.IGNORECASE), better) for pattern, better in pairs]


def hits(text: str, table: list[tuple[re.Pattern[str], str]]) -> Iterator[tuple[int, str, str]]:
    """For each phrase found: its line, counted from 1, the phrase, and what to write instead."""
    joined, starts = "", []
    for line in text.splitlines():
        starts.append(len(joined))
        joined += line.strip(" \t#") + " "
    for pattern, better in table:
        for match in pattern.finditer(joined):
            yield bisect.bisect_right(starts, match.start()), match[0].strip(), better


def files() -> list[Path]:
    """What is searched: the pages at the top, docs, manifests, and all code that is not a test."""
    inside = [path for folder, pattern in FOLDERS.items() for path in (ROOT / folder).rglob(pattern)]
    return [path for path in sorted([*ROOT.glob("*.md"), *inside]) if path.suffix in SUFFIXES]


def main() -> int:
    table = rules(TABLE.read_text(encoding="utf-8"))
    found = [
        (path, *hit)
        for path in files()
        for hit in sorted(hits(path.read_text(encoding="utf-8"), table))
        if (path.relative_to(ROOT).as_posix(), hit[1].lower()) not in KEPT
    ]
    for path, line, phrase, better in found:
        print(f'{path.relative_to(ROOT)}:{line}: "{phrase}": write: {better}')
    if found:
        print(f"{len(found)} phrases to replace; {TABLE.relative_to(ROOT)} lists them")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
