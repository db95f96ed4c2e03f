"""What is in a store, and how its objects came of one another."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gan.errors import NotFoundError, unknown_name
from gan.steps.outcome import Outcome, Stopwatch
from gan.store import Store, pointer, sealed

KINDS = ("dataset", "reference", "run", "evaluation", "generator", "promoted name")


@dataclass(frozen=True)
class Node:
    """One object: its kind, what to say of it in a few words, and the ids of what it was made from."""

    id: str
    kind: str
    summary: str
    parents: tuple[str, ...]


def inspect(store: Store, object_id: str | None = None) -> Outcome:
    """List the store, or show the lineage of one object both ways.

    Returns:
        An outcome whose details are `tree` (text) and `objects` (id, kind, summary and parents of each one shown).

    Raises:
        NotFoundError: there is no such object.
    """
    watch = Stopwatch()
    nodes = {node.id: node for node in _nodes(store)}
    if object_id is None:
        shown, tree = list(nodes.values()), _listing(store, nodes)
    else:
        if object_id not in nodes:
            raise NotFoundError(unknown_name("object", object_id, nodes))
        shown, tree = _lineage(nodes, object_id)
    objects = [
        {"id": node.id, "kind": node.kind, "summary": node.summary, "parents": list(node.parents)} for node in shown
    ]
    return Outcome(object_id or "store", store.uri, watch.seconds(), details={"tree": tree, "objects": objects})


def _nodes(store: Store) -> Iterator[Node]:
    for dataset_id in sealed.ids(store, "dataset"):
        tree = sealed.read_json(store, "dataset", dataset_id, "dataset.json")
        splits = ", ".join(f"{split['examples']} {name}" for name, split in tree["splits"].items())
        size = f"{tree['image_size']}x{tree['image_size']}x{tree['channels']}"
        yield Node(dataset_id, "dataset", f"{size}, {splits}", ())
    for reference_id in sealed.ids(store, "reference"):
        tree = sealed.read_json(store, "reference", reference_id, "reference.json")
        network = tree["feature_network"]
        yield Node(
            reference_id,
            "reference",
            f"{network['name']}:{network['hash'][:6]}, {tree['split']} split",
            (tree["dataset_id"],),
        )
    yield from _run_nodes(store)
    for generator_id in sealed.ids(store, "generator"):
        tree = sealed.read_json(store, "generator", generator_id, "generator.json")
        evaluated = tree.get("reference_id")
        parent = _evaluation_id(tree["run_id"], tree["step"], evaluated) if evaluated else tree["run_id"]
        yield Node(generator_id, "generator", f"step {tree['step']}", (parent,))
    for name in pointer.names(store):
        found = pointer.read(store, name)
        last = found.moves[-1]
        yield Node(name, "promoted name", f"live: {found.live}, {last.action} at {last.at}", (str(found.live),))


def _run_nodes(store: Store) -> Iterator[Node]:
    keys = [item.key for item in store.list("runs")]
    for key in keys:
        parts = key.split("/")
        if len(parts) == 3 and parts[2] == "run.json":
            checkpoints = [each for each in keys if each.startswith(f"runs/{parts[1]}/checkpoints/")]
            steps = sorted(int(each.split("/")[3]) for each in checkpoints if each.endswith("/checkpoint.json"))
            summary = f"checkpoints: {', '.join(map(str, steps)) or 'none yet'}"
            yield Node(parts[1], "run", summary, (json.loads(store.read(key))["dataset_id"],))
        elif len(parts) == 4 and parts[2] == "evaluations":
            tree = json.loads(store.read(key))
            fid = tree["scores"]["fid"]
            yield Node(
                _evaluation_id(tree["run_id"], tree["step"], tree["reference_id"]),
                "evaluation",
                f"{tree['label']} {fid['value']:.4g} ({fid['low']:.4g} to {fid['high']:.4g})",
                (tree["run_id"], tree["reference_id"]),
            )


def _evaluation_id(run_id: str, step: int, reference_id: str) -> str:
    return f"{run_id}@{step}/{reference_id}"


def _listing(store: Store, nodes: Mapping[str, Node]) -> str:
    if not nodes:
        return f"the store {store.uri} is empty; fill it with: gan preprocess --dataset digits"
    lines = []
    for kind in KINDS:
        members = [node for node in nodes.values() if node.kind == kind]
        lines += [f"{kind}s"] * bool(members)
        lines += [f"  {node.id}  {node.summary}" for node in members]
    return "\n".join(lines)


def _lineage(nodes: Mapping[str, Node], object_id: str) -> tuple[list[Node], str]:
    children: dict[str, list[str]] = {}
    for node in nodes.values():
        for parent in node.parents:
            children.setdefault(parent, []).append(node.id)
    parents = {node.id: [each for each in node.parents if each in nodes] for node in nodes.values()}
    seen: dict[str, Node] = {object_id: nodes[object_id]}
    lines = [_line(nodes[object_id])]
    for title, edges in (("made from", parents), ("used by", children)):
        branches = list(_branches(nodes, edges, object_id, seen, "  "))
        lines += [f"{title}", *(branches or ["  nothing"])]
    return list(seen.values()), "\n".join(lines)


def _branches(
    nodes: Mapping[str, Node],
    edges: Mapping[str, Iterable[str]],
    object_id: str,
    seen: dict[str, Node],
    indent: str,
) -> Iterator[str]:
    below = list(edges.get(object_id, ()))
    for index, each in enumerate(below):
        last = index == len(below) - 1
        yield f"{indent}{'└── ' if last else '├── '}{_line(nodes[each])}"
        seen[each] = nodes[each]
        yield from _branches(nodes, edges, each, seen, indent + ("    " if last else "│   "))


def _line(node: Node) -> str:
    return f"{node.kind} {node.id}  {node.summary}"
