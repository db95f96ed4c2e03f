"""Lists a store, and shows the lineage of its objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from gan.errors import IntegrityError, NotFoundError, unknown_name
from gan.export.metadata import METADATA
from gan.lineage import ObjectRef
from gan.metrics import evaluations
from gan.metrics.requirements import split_of
from gan.result import StepResult, Stopwatch
from gan.store import Store, alias, immutable, layout
from gan.store.document import read_checksummed
from gan.train.checkpoint.files import Checkpoints
from gan.types import Json
from gan.util import log
from gan.util.formatting import format_interval, format_score
from gan.util.ids import HASH_LENGTH

# Each kind depends on earlier ones only, so lineage has no cycles, whatever the ids are.
KINDS = ("dataset", "reference", "run", "checkpoint", "evaluation", "generator", "promoted name")


@dataclass(frozen=True)
class LineageNode:
    """One object: a short summary, and what it was made from."""

    key: ObjectRef
    summary: str
    parents: tuple[ObjectRef, ...] = ()

    def line(self) -> str:
        """One line of text."""
        return f"{self.key.kind} {self.key.id}  {self.summary}"

    def to_json(self) -> Json:
        """Plain JSON types."""
        return {
            "id": self.key.id,
            "kind": self.key.kind,
            "summary": self.summary,
            "parents": [parent.id for parent in self.parents],
        }


Nodes = Mapping[ObjectRef, LineageNode]


def inspect(store: Store, object_id: str | None = None) -> StepResult:
    """List the store, or show what the objects with an id were made from and what uses them.

    A damaged object is shown as damaged, without its parents.

    Returns:
        A result with the details `tree` (text) and `objects` (id, kind, summary and parents of each one shown).

    Raises:
        NotFoundError: there is no such object.
    """
    watch = Stopwatch()
    nodes = {node.key: node for node in _nodes(store)}
    if object_id is None:
        shown, tree = list(nodes.values()), _listing(store, nodes)
    else:
        asked = [key for key in nodes if key.id == object_id]
        if not asked:
            raise NotFoundError(unknown_name("object", object_id, {key.id for key in nodes}))
        seen: dict[ObjectRef, LineageNode] = {}
        tree = "\n\n".join(_lineage(nodes, key, seen) for key in asked)
        shown = list(seen.values())
    details = {"tree": tree, "objects": [node.to_json() for node in shown]}
    return StepResult(object_id or "store", store.uri, watch.seconds(), details=details)


def _nodes(store: Store) -> Iterator[LineageNode]:
    for kind, of_kind in (("dataset", _dataset), ("reference", _reference)):
        for object_id in immutable.ids(store, kind):
            yield _node(of_kind, store, ObjectRef(kind, object_id))
    for run_id in layout.run_ids(store):
        yield _node(_run, store, ObjectRef("run", run_id))
        for step in _steps(store, run_id):
            yield _node(_checkpoint, store, _checkpoint_key(run_id, step), run_id, step)
        for key in evaluations.keys(store, run_id):
            yield _node(_evaluation, store, _evaluation_key(run_id, key), key)
    for generator_id in immutable.ids(store, "generator"):
        yield _node(_generator, store, ObjectRef("generator", generator_id))
    for name in alias.names(store):
        yield _node(_promoted, store, ObjectRef("promoted name", name))


def _node(read: Callable[..., LineageNode], store: Store, key: ObjectRef, *more: str | int) -> LineageNode:
    try:
        return read(store, key, *more)
    except (IntegrityError, NotFoundError, KeyError, TypeError, ValueError, AttributeError):
        return LineageNode(key, f"damaged; see: gan verify {key.id.partition('@')[0]}")


def _dataset(store: Store, key: ObjectRef) -> LineageNode:
    tree = immutable.read_json(store, "dataset", key.id, "dataset.json")
    splits = ", ".join(f"{split['examples']} {name}" for name, split in tree["splits"].items())
    return LineageNode(key, f"{tree['image_size']}x{tree['image_size']}x{tree['channels']}, {splits}")


def _reference(store: Store, key: ObjectRef) -> LineageNode:
    tree = immutable.read_json(store, "reference", key.id, "reference.json")
    network = tree["feature_network"]
    summary = f"{network['name']}:{network['hash'][:6]}, {split_of(tree)} split"
    return LineageNode(key, summary, (ObjectRef("dataset", tree["dataset_id"]),))


def _run(store: Store, key: ObjectRef) -> LineageNode:
    tree = read_checksummed(store, layout.record(key.id), keys=("dataset_id", "config_hash"))
    return LineageNode(key, f"config {tree['config_hash']}", (ObjectRef("dataset", tree["dataset_id"]),))


def _checkpoint(store: Store, key: ObjectRef, run_id: str, step: int) -> LineageNode:
    tree = Checkpoints(store, run_id).read_meta(step)
    return LineageNode(key, f"state {tree['sha256'][:HASH_LENGTH]}", (ObjectRef("run", run_id),))


def _steps(store: Store, run_id: str) -> list[int]:
    """The steps of a run's checkpoints; none if its record of attempts is damaged."""
    try:
        return Checkpoints(store, run_id).steps()
    except IntegrityError as error:
        log.warning(f"the checkpoints of run {run_id} can't be listed", reason=str(error))
        return []


def _checkpoint_key(run_id: str, step: int) -> ObjectRef:
    return ObjectRef("checkpoint", f"{run_id}@{step}")


def _trained(store: Store, run_id: str, step: int) -> ObjectRef:
    """The checkpoint that something was made from, or its run if the checkpoint was deleted."""
    return _checkpoint_key(run_id, step) if step in _steps(store, run_id) else ObjectRef("run", run_id)


def _evaluation(store: Store, key: ObjectRef, where: str) -> LineageNode:
    tree = evaluations.read_key(store, where)
    fid = tree["scores"]["fid"]
    interval = format_interval(fid["low"], fid["high"]) if "low" in fid else evaluations.purpose_of(tree)
    summary = f"{tree['label']} {format_score(fid['value'])} ({interval})"
    trained = _trained(store, tree["run_id"], tree["step"])
    return LineageNode(key, summary, (trained, ObjectRef("reference", tree["reference_id"])))


def _evaluation_key(run_id: str, where: str) -> ObjectRef:
    """`<run>@<step>/<reference>-<hash of the identity>`."""
    step, _, rest = PurePosixPath(where).stem.partition("-")
    return ObjectRef("evaluation", f"{run_id}@{step.lstrip('0') or '0'}/{rest}")


def _generator(store: Store, key: ObjectRef) -> LineageNode:
    tree = immutable.read_json(store, "generator", key.id, METADATA)
    parent = _trained(store, tree["run_id"], tree["step"])
    if tree.get("reference_id"):
        record = immutable.read_json(store, "generator", key.id, "evaluation.json")
        where = evaluations.key_of(tree["run_id"], tree["step"], tree["reference_id"], record["identity"])
        parent = _evaluation_key(tree["run_id"], where) if store.exists(where) else parent
    return LineageNode(key, f"step {tree['step']}", (parent,))


def _promoted(store: Store, key: ObjectRef) -> LineageNode:
    current = alias.read(store, key.id)
    last = current.history[-1]
    ever_live = dict.fromkeys(each.generator_id for each in reversed(current.history))
    summary = f"live: {current.live}, {last.action} at {last.at}"
    return LineageNode(key, summary, tuple(ObjectRef("generator", each) for each in ever_live))


def _listing(store: Store, nodes: Nodes) -> str:
    if not nodes:
        return f"the store {store.uri} is empty; fill it with: gan preprocess --dataset digits"
    lines = []
    for kind in KINDS:
        members = [node for node in nodes.values() if node.key.kind == kind]
        lines += [f"{kind}s"] * bool(members)
        lines += [f"  {node.key.id}  {node.summary}" for node in members]
    return "\n".join(lines)


def _lineage(nodes: Nodes, key: ObjectRef, seen: dict[ObjectRef, LineageNode]) -> str:
    parents = {node.key: [each for each in node.parents if each in nodes] for node in nodes.values()}
    children: dict[ObjectRef, list[ObjectRef]] = {}
    for node in nodes.values():
        for parent in node.parents:
            children.setdefault(parent, []).append(node.key)
    seen[key] = nodes[key]
    lines = [nodes[key].line()]
    for title, edges in (("made from", parents), ("used by", children)):
        branches = list(_branches(nodes, edges, key, seen, "  "))
        lines += [title, *(branches or ["  nothing"])]
    return "\n".join(lines)


def _branches(
    nodes: Nodes,
    edges: Mapping[ObjectRef, list[ObjectRef]],
    key: ObjectRef,
    seen: dict[ObjectRef, LineageNode],
    indent: str,
) -> Iterator[str]:
    below = edges.get(key, [])
    for index, each in enumerate(below):
        last = index == len(below) - 1
        seen[each] = nodes[each]
        yield f"{indent}{'└── ' if last else '├── '}{nodes[each].line()}"
        yield from _branches(nodes, edges, each, seen, indent + ("    " if last else "│   "))
