"""An ONNX file, run by onnxruntime on the CPU. Only standard operators and weights inside the file are allowed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gan.errors import ConfigError, IntegrityError
from gan.metrics.features.formats.description import Description
from gan.metrics.features.formats.interface import Array, Format, Loaded, check_tensor, only, only_input
from gan.metrics.features.network_file import Files

DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
FLOAT = "tensor(float)"


class OnnxFile(Format):
    """Loads an ONNX file; `features` and `probabilities` are names of tensors, outputs of the graph or inner ones."""

    suffixes = (".onnx",)

    def load(self, files: Files, description: Description, where: str) -> Loaded:  # noqa: D102
        onnx, runtime = _packages(where)
        model = _model(onnx, only(files), where)
        wanted = [description.features, *([description.probabilities] if description.probabilities else [])]
        _add_outputs(model.graph, wanted, where)
        session = _session(runtime, model.SerializeToString(), where)
        name = only_input(description.input, [each.name for each in session.get_inputs()], where)
        given = session.get_inputs()[0]
        if given.type != FLOAT:
            raise ConfigError(f"{where}: the input {name} must be {FLOAT}; it is {given.type}")

        def calculate(images: Array) -> tuple[Array, Array | None]:
            features, *probabilities = session.run(wanted, {name: images})
            return features, probabilities[0] if probabilities else None

        shape = tuple(each if isinstance(each, int) else None for each in given.shape)
        return Loaded(calculate, shape, _errors(runtime))


def _packages(where: str) -> tuple[Any, Any]:
    try:
        import onnx
        import onnxruntime
    except ModuleNotFoundError as error:
        if error.name not in ("onnx", "onnxruntime"):
            raise
        raise ConfigError(
            f"{where} needs the package {error.name}, which is not installed; install it: "
            "pip install 'gan-pipelines[onnx]'"
        ) from None
    return onnx, onnxruntime


def _model(onnx: Any, data: bytes, where: str) -> Any:
    """The checked model; external data is never read."""
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise ConfigError(f"{where} is not an ONNX file ({error})") from None
    if not model.graph.node:
        raise ConfigError(f"{where} is not an ONNX file that holds a network: its graph is empty")
    own = {(each.domain, each.name) for each in model.functions}
    odd = sorted({f"{node.domain}.{node.op_type}" for node in _nodes(model) if not _is_known(node, own)})
    if odd:
        raise IntegrityError(
            f"{where} holds operators beyond the standard ones of ONNX: {', '.join(odd)}; it is not loaded. Export it "
            "with standard operators"
        )
    outside = sorted(each.name for each in _tensors(model) if each.data_location == onnx.TensorProto.EXTERNAL)
    if outside:
        raise IntegrityError(
            f"{where} keeps weights in other files ({', '.join(outside[:3])}); it is not loaded. Save it as one file, "
            "without external data"
        )
    return model


def _is_known(node: Any, own: set[tuple[str, str]]) -> bool:
    return node.domain in DOMAINS or (node.domain, node.op_type) in own


def _nodes(model: Any) -> Iterator[Any]:
    """All nodes of the graph, of the graphs inside its nodes, and of the model's functions."""
    waiting = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += [inner for graph in _graphs(node) for inner in graph.node]


def _graphs(node: Any) -> Iterator[Any]:
    for attribute in node.attribute:
        yield from (attribute.g, *attribute.graphs)


def _tensors(model: Any) -> Iterator[Any]:
    """All constant tensors."""
    graphs = [model.graph]
    for node in _nodes(model):
        graphs += _graphs(node)
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
    for graph in graphs:
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)


def _add_outputs(graph: Any, wanted: list[str], where: str) -> None:
    """Add inner tensors to the outputs, so that a run can return them."""
    made = [name for node in graph.node for name in node.output if name]
    outputs = {each.name for each in graph.output}
    for key, name in zip(("features", "probabilities"), wanted, strict=False):
        check_tensor(key, name, made, where)
        if name not in outputs:
            graph.output.add(name=name)


def _session(runtime: Any, data: bytes, where: str) -> Any:
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    options.use_deterministic_compute = True
    try:
        return runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except _errors(runtime) as error:
        raise ConfigError(f"onnxruntime {runtime.__version__} can't load {where}: {str(error)[:300]}") from None


def _errors(runtime: Any) -> tuple[type[Exception], ...]:
    """What onnxruntime raises; its errors have no common base class."""
    state = runtime.capi.onnxruntime_pybind11_state
    names = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NotImplemented", "RuntimeException")
    return (*(getattr(state, name) for name in names), ValueError, RuntimeError)
