"""Which TensorFlow graphs may run: only those that do nothing but calculate with numbers.

A SavedModel or frozen graph is a program that can read and write files, open connections and call back into Python.
One from a store or a download is checked before it is loaded, and refused for any operation that does more than turn
numbers into numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from tensorflow.core.framework import op_def_pb2, types_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.client import pywrap_tf_session

from gan.errors import IntegrityError

NON_NUMERIC_TYPES = (types_pb2.DT_STRING, types_pb2.DT_RESOURCE, types_pb2.DT_VARIANT)
SAFE_TEXT_ATTRIBUTES = (
    "data_format",
    "equation",
    "padding",
    "bad_indices_policy",
    "interpolation",
    "fill_mode",
    "kernel_type",
)
"""Text attributes that choose a calculation; any other may name a file, a library or a callback."""
STATEFUL_OPS = (
    *("VarHandleOp", "ReadVariableOp", "AssignVariableOp", "VarIsInitializedOp", "DisableCopyOnRead"),
    *("Placeholder", "CheckNumerics", "RandomStandardNormal", "RandomUniform", "TruncatedNormal"),
    *("PartitionedCall", "StatefulPartitionedCall", "If", "While", "Case"),
)
"""Operations that keep state, or call functions of the graph, which are checked as well."""
SAVING_OPS = (
    *("SaveV2", "RestoreV2", "MergeV2Checkpoints", "ShardedFilename"),
    *("StaticRegexFullMatch", "StringJoin"),
)
"""Operations in the two functions that TensorFlow adds to every SavedModel for itself; nothing may call these."""
OBJECT_KINDS = ("variable", "user_object", "bare_concrete_function", "function", "constant", "captured_tensor")
INIT_SIGNATURE = "__saved_model_init_op"
FILE, OTHER_FILES = "saved_model.pb", ("saved_model.pbtxt", "saved_model.cpb")


def check_nodes(nodes: Iterable[Any], where: str, functions: Collection[str] = (), more: Collection[str] = ()) -> None:
    """Check the nodes of a graph or function.

    Args:
        nodes: NodeDef messages.
        where: the name of the file, for messages.
        functions: names of functions that are checked as well and may be called as operations.
        more: operations that are allowed here in addition to numeric ones.

    Raises:
        IntegrityError: an operation may do more than calculate.
    """
    refused = {node.op for node in nodes} - _numeric_ops() - set(STATEFUL_OPS) - set(functions) - set(more)
    if refused:
        raise IntegrityError(
            f"{where} holds operations that may do more than calculate: {', '.join(sorted(refused))}; it is not run. "
            "Use it only if you trust its author, and then without this program"
        )


def check_saved_model(folder: Path, called: str | None = None) -> None:
    """Check a SavedModel before TensorFlow loads it.

    Args:
        folder: the folder of the SavedModel.
        called: for messages, the name of the folder if `folder` is temporary.

    Raises:
        IntegrityError: it is not a SavedModel, or may do more than calculate.
    """
    where = str(folder / FILE) if called is None else f"{FILE} of {called}"
    try:
        model = saved_model_pb2.SavedModel.FromString((folder / FILE).read_bytes())
    except (DecodeError, FileNotFoundError) as error:
        raise IntegrityError(f"{where} is not a SavedModel ({error})") from None
    others = [name for name in OTHER_FILES if (folder / name).exists()]
    if others or len(model.meta_graphs) != 1:
        raise IntegrityError(
            f"{where} should be the only model file and hold one graph; found {len(model.meta_graphs)} graphs, {others}"
        )
    for what in _violations(model.meta_graphs[0]):
        raise IntegrityError(f"{where} contains more than functions that calculate: {what}; it is not loaded")
    (graph,) = model.meta_graphs
    functions = {each.signature.name: each for each in graph.graph_def.library.function}
    saving = _saving_functions(graph)
    check_nodes(graph.graph_def.node, where, functions)
    for name, function in functions.items():
        check_nodes(function.node_def, where, functions.keys() - saving, SAVING_OPS if name in saving else ())


def _violations(graph: Any) -> Iterator[str]:
    """What no SavedModel that we export contains: code that runs on loading, or calls of TensorFlow's own functions."""
    kinds = {node.WhichOneof("kind") for node in graph.object_graph_def.nodes}
    if not kinds or not kinds <= set(OBJECT_KINDS):
        yield f"objects of kind {sorted(map(str, kinds - set(OBJECT_KINDS)))}"
    if graph.asset_file_def:
        yield "files of its own"
    nodes = {node.name: node for node in graph.graph_def.node}
    initializers = [signature for name, signature in graph.signature_def.items() if name == INIT_SIGNATURE]
    for output in (output for signature in initializers for output in signature.outputs.values()):
        node = nodes.get(output.name.partition(":")[0])
        if node is None or node.op != "NoOp" or node.input:
            yield "an operation that runs when it is loaded"
    saving = _saving_functions(graph)
    if saving & set(graph.object_graph_def.concrete_functions):
        yield "a function that saves among the callable ones"
    calls = [node for function in graph.graph_def.library.function for node in function.node_def]
    calls += [node for node in graph.graph_def.node if node.name not in _saver_nodes(graph)]
    if any(name in saving for node in calls for name in _called_functions(node)):
        yield "a call of a function that saves"


def _saver_nodes(graph: Any) -> set[str]:
    return {graph.saver_def.save_tensor_name.partition(":")[0], graph.saver_def.restore_op_name.partition(":")[0]}


def _saving_functions(graph: Any) -> set[str]:
    """The names of the functions by which TensorFlow saves and restores variables."""
    savers = [node for node in graph.graph_def.node if node.name in _saver_nodes(graph)]
    functions = {each.signature.name for each in graph.graph_def.library.function}
    return functions & {name for node in savers for name in _called_functions(node)}


def _called_functions(node: Any) -> Iterator[str]:
    """The functions that a node calls."""
    yield node.op
    for attribute in node.attr.values():
        if attribute.HasField("func"):
            yield attribute.func.name
        yield from (function.name for function in attribute.list.func)


@cache
def _numeric_ops() -> frozenset[str]:
    """The stateless operations from numbers to numbers whose text attributes are all safe."""
    buffer = pywrap_tf_session.TF_GetAllOpList()
    known = op_def_pb2.OpList.FromString(pywrap_tf_session.TF_GetBuffer(buffer))
    return frozenset(
        op.name for op in known.op if not op.is_stateful and not op.name.startswith("_") and _is_numeric(op)
    )


def _is_numeric(op: Any) -> bool:
    arguments = [*op.input_arg, *op.output_arg]
    if any(each.type in NON_NUMERIC_TYPES or each.is_ref for each in arguments):
        return False
    free = [each for each in op.attr if each.type in ("string", "list(string)") and not each.HasField("allowed_values")]
    return all(each.name in SAFE_TEXT_ATTRIBUTES for each in free)
