"""Promise 7: loading a generator, checkpoint, config or manifest executes no code, and nothing escapes the store.

What is tested where it is used: names in SHA256SUMS (tests/store/test_immutable.py), zips with paths and links that
climb out (tests/data/sources), broken inputs of the command line (tests/cli/test_bad_input.py).
"""

from __future__ import annotations

import ast
import json
import pickle
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import safetensors
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from gan import config as configs
from gan.data import spec
from gan.errors import ConfigError, IntegrityError
from gan.export import metadata, saved_model
from gan.metrics.features import keras_network
from gan.metrics.features.published.inception import InceptionNetwork
from gan.store import LocalStore, layout
from gan.store.document import read_checksummed, write_checksummed
from gan.train.checkpoint.files import STATE, Checkpoints
from gan.util.ids import sha256
from support import generators, objects
from support.inception import make_graph

WRITTEN = Path(tempfile.gettempdir()) / "gan-untrusted-written"
"""What attacks below write to if they succeed; it has to stand in a graph, so it can be no path of one test."""
PACKAGES = ("gan", "components", "pipelines")
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("exported")
    saved_model.write(generators.network(conditional=False), folder)
    return (folder / metadata.SAVED_MODEL / "saved_model.pb").read_bytes()


class Drawing(tf.Module):
    """A generator as an attacker exports it: right signatures, and something more in them."""

    def __init__(self, more: Callable[[tf.Tensor], tf.Tensor], held: object = None) -> None:
        super().__init__()
        self.more, self.held = more, held

    @tf.function(input_signature=[tf.TensorSpec([None, 6], tf.float32, name="latents")])
    def images(self, latents: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"images": self.more(latents)}

    @tf.function(input_signature=[tf.TensorSpec([None, 6], tf.float32, name="latents")])
    def pixels(self, latents: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"pixels": self.more(latents)}

    def save(self, folder: Path) -> Path:
        tf.saved_model.save(self, str(folder), {"serving_default": self.images, "pixels": self.pixels})
        return folder


def writes(latents: tf.Tensor) -> tf.Tensor:
    with tf.control_dependencies([tf.io.write_file(str(WRITTEN), "x")]):
        return tf.identity(latents)


def reads(latents: tf.Tensor) -> tf.Tensor:
    return latents + tf.cast(tf.strings.length(tf.io.read_file("/etc/passwd")), tf.float32)


def calls_python(latents: tf.Tensor) -> tf.Tensor:
    return tf.ensure_shape(tf.numpy_function(lambda x: x, [latents], tf.float32, stateful=False), [None, 6])


def maps_a_file(latents: tf.Tensor) -> tf.Tensor:
    return latents + tf.raw_ops.ImmutableConst(dtype=tf.float32, shape=[1], memory_region_name="/etc/passwd")


def sends_home(latents: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.DebugIdentity(input=latents, debug_urls=["file:///tmp/gan-untrusted-debug"])


def prints(latents: tf.Tensor) -> tf.Tensor:
    tf.print("hello")
    return latents


@pytest.mark.parametrize(
    ("more", "operation"),
    [
        (writes, "WriteFile"),
        (reads, "ReadFile"),
        (calls_python, "PyFunc"),
        (maps_a_file, "ImmutableConst"),
        (sends_home, "DebugIdentity"),
        (prints, "PrintV2"),
    ],
)
def test_a_saved_model_that_does_more_than_calculate_is_not_loaded(
    tmp_path: Path, more: Callable[[tf.Tensor], tf.Tensor], operation: str
) -> None:
    with pytest.raises(IntegrityError, match=f"may do more than calculate: .*{operation}"):
        saved_model.Exported(Drawing(more).save(tmp_path / "model"))
    assert not WRITTEN.exists()


def test_one_that_only_calculates_is_loaded(tmp_path: Path) -> None:
    loop = lambda x: tf.while_loop(lambda y: tf.reduce_sum(y) < 9, lambda y: (y + 1.0,), (x,))[0]  # noqa: E731
    drawn = saved_model.Exported(Drawing(loop).save(tmp_path / "model")).images(np.zeros((1, 6), np.float32))
    np.testing.assert_array_equal(drawn, np.full((1, 6), 2.0))


def test_one_that_reads_a_file_when_it_is_loaded_is_not(tmp_path: Path) -> None:
    table = tmp_path / "table.txt"
    table.write_text("a\nb\n")
    made = tf.lookup.StaticVocabularyTable(tf.lookup.TextFileInitializer(
        str(table), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER), 1,
    )  # fmt: skip
    with pytest.raises(IntegrityError, match="contains more than functions that calculate"):
        saved_model.Exported(Drawing(lambda x: x, made).save(tmp_path / "model"))


def changed(exported: bytes, folder: Path, change: Callable[[object], None]) -> Path:
    """An export with a changed graph."""
    model = saved_model_pb2.SavedModel.FromString(exported)
    change(model.meta_graphs[0])
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(model.SerializeToString())
    return folder


def saver(graph: object) -> str:
    """The name of the function that saves all variables to the file that it is given."""
    (name,) = (each.signature.name for each in graph.graph_def.library.function if "traced_save" in each.signature.name)
    return name


def calls_the_saver(graph: object) -> None:
    node = graph.graph_def.library.function[0].node_def.add(name="more", op="PartitionedCall")
    node.attr["f"].func.name = saver(graph)


def is_the_saver(graph: object) -> None:
    graph.object_graph_def.concrete_functions[saver(graph)].bound_inputs.append(1)


def begins_with_the_saver(graph: object) -> None:
    graph.signature_def["__saved_model_init_op"].outputs[
        "__saved_model_init_op"
    ].name = graph.saver_def.save_tensor_name


def hides_in_the_saver(graph: object) -> None:
    (function,) = (each for each in graph.graph_def.library.function if each.signature.name == saver(graph))
    function.node_def.add(name="more", op="WriteFile")


@pytest.mark.parametrize("change", [calls_the_saver, is_the_saver, begins_with_the_saver, hides_in_the_saver])
def test_what_tensorflow_saves_with_can_be_used_for_nothing_else(
    tmp_path: Path, exported: bytes, change: Callable[[object], None]
) -> None:
    with pytest.raises(IntegrityError, match="more than"):
        saved_model.Exported(changed(exported, tmp_path / "model", change))


@pytest.mark.parametrize("name", ["saved_model.pbtxt", "saved_model.cpb"])
def test_no_other_file_is_loaded_instead_of_the_checked_one(tmp_path: Path, exported: bytes, name: str) -> None:
    folder = changed(exported, tmp_path / "model", lambda graph: None)
    (folder / name).write_bytes(b"")
    with pytest.raises(IntegrityError, match="should be the only model file and hold one graph"):
        saved_model.Exported(folder)


def frozen(place: str) -> bytes:
    """A feature network with an operation that writes a file: in the part that runs, or outside it."""
    graph = tf.compat.v1.GraphDef.FromString(make_graph())
    for name in ("file", "text"):
        value = graph.node.add(name=name, op="Const").attr
        value["dtype"].type = tf.string.as_datatype_enum
        value["value"].tensor.CopyFrom(tf.make_tensor_proto(str(WRITTEN)))
    graph.node.add(name="write", op="WriteFile", input=["file", "text"])
    (last,) = (node for node in graph.node if node.name == "pool_3")
    last.input.extend(["^write"] if place == "within" else [])
    return graph.SerializeToString()


def test_a_frozen_graph_that_does_more_than_calculate_is_not_run() -> None:
    with pytest.raises(IntegrityError, match="may do more than calculate: WriteFile"):
        InceptionNetwork(frozen("within"), "x.pb")
    InceptionNetwork(frozen("outside"), "x.pb")
    assert not WRITTEN.exists()


def test_a_model_with_a_lambda_layer_is_refused(tmp_path: Path) -> None:
    given = keras.Input([2])
    drawn = keras.layers.Lambda(lambda x: [open(WRITTEN, "w"), x][1])(given)  # noqa: SIM115
    keras.Model(given, drawn).save(tmp_path / "x.keras")
    WRITTEN.unlink(missing_ok=True)
    with pytest.raises(IntegrityError, match=r"the feature network cnn in x\.keras is refused: .*[Ll]ambda"):
        keras_network.load(tmp_path / "x.keras", "cnn", "classes")
    assert not WRITTEN.exists()


@pytest.mark.parametrize(
    "layer",
    [
        {"module": "os", "class_name": "system", "config": {"command": "touch {file}"}},
        {"module": "subprocess", "class_name": "Popen", "config": {"args": ["touch", "{file}"]}},
        {"module": "builtins", "class_name": "function", "config": "exec", "registered_name": "function"},
        {"module": "keras.utils", "class_name": "get_file", "config": {"fname": "{file}", "origin": "file:///etc/passwd"}},
    ],
)  # fmt: skip
def test_a_model_that_names_code_of_others_is_refused(tmp_path: Path, layer: dict[str, object]) -> None:
    written = tmp_path / "written"
    given = keras.Input([2])
    keras.Model(given, keras.layers.Dense(2, name="dense")(given)).save(tmp_path / "sound.keras")
    evil = json.loads(json.dumps(layer).replace("{file}", str(written)))
    with zipfile.ZipFile(tmp_path / "sound.keras") as sound, zipfile.ZipFile(tmp_path / "x.keras", "w") as target:
        for name in sound.namelist():
            data = sound.read(name)
            if name == "config.json":
                tree = json.loads(data)
                tree["config"]["layers"][1] = {**tree["config"]["layers"][1], **evil}
                data = json.dumps(tree).encode()
            target.writestr(name, data)
    with pytest.raises(IntegrityError, match="is refused"):
        keras_network.load(tmp_path / "x.keras", "cnn", "classes")
    assert not written.exists()


class Exploit:
    """Creates a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.file,)


def test_a_checkpoint_that_is_a_pickle_is_not_unpickled(store: LocalStore, tmp_path: Path) -> None:
    objects.run(store, "r1", "d1")
    objects.checkpoint(store, "r1", 10)
    folder, written = layout.checkpoint("r1", 10, 1), tmp_path / "written"
    state = pickle.dumps(Exploit(written))
    store.write(f"{folder}/{STATE}", state)
    write_checksummed(
        store,
        f"{folder}/checkpoint.json",
        {**read_checksummed(store, f"{folder}/checkpoint.json"), "sha256": sha256(state), "size": len(state)},
    )
    with pytest.raises((IntegrityError, safetensors.SafetensorError)):
        Checkpoints(store, "r1").load(10)
    assert not written.exists()


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system ['touch {0}']", "!!python/name:os.system", "!!x 1"])
def test_a_config_makes_no_objects(tmp_path: Path, tag: str) -> None:
    written, file = tmp_path / "written", tmp_path / "x.yaml"
    file.write_text(f"name: {tag.format(written)}\n")
    with pytest.raises(ConfigError, match=r"x\.yaml"):
        configs.load(str(file))
    assert not written.exists()


@pytest.mark.parametrize("key", ["../x", "a/../../x", "/etc/passwd", "a\\..\\x", "", "a\0b", ".."])
def test_no_key_leaves_the_store(store: LocalStore, tmp_path: Path, key: str) -> None:
    for use in (
        lambda: store.read(key),
        lambda: store.write(key, b""),
        lambda: store.upload(key, Path(__file__)),
        lambda: store.download(key, tmp_path / "x"),
        lambda: store.delete(key),
        lambda: store.swap(key, b"", expected=None),
        lambda: store.exists(key),
        lambda: store.sha256(key),
        lambda: list(store.list(key or "/")),
    ):
        with pytest.raises(ConfigError, match="store key must be"):
            use()
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", ["../../escape", "/etc/passwd", "a/../../x"])
def test_no_shard_of_a_description_leaves_its_dataset(store: LocalStore, name: str) -> None:
    shards = (spec.Shard(name, 1, 1, "0" * 64),)
    made = spec.with_id(spec.Dataset("", "folder", None, 8, 1, None, "area", (), (), {"train": spec.Split(1, shards)}))
    described = json.dumps(made.to_json()).encode()
    objects.publish(store, "dataset", {"dataset.json": described, "manifest.parquet": b""}, made.id)
    with pytest.raises(IntegrityError, match="differ in the checksum of"):
        spec.load(store, made.id)


@pytest.mark.parametrize("run_id", ["../x", "a/b", ".hidden", "", "x" * 101])
def test_no_id_is_a_path(run_id: str) -> None:
    for place in (layout.folder, layout.record, layout.checkpoints, layout.verdicts):
        with pytest.raises(ConfigError, match="run id must be"):
            place(run_id)


MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "code", "codeop"}
RESTRICTED = {"torch_file.py": {"pickle"}}
"""Its unpickler knows four names (see tests/metrics/features/test_torch_file.py); its SHA-256 is checked first."""
CALLS = {
    *("pickle.load", "pickle.loads", "pickle.Unpickler"),
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen"),
    *("yaml.load", "yaml.unsafe_load", "yaml.full_load"),
}


def suspicious(tree: ast.AST) -> set[str]:
    """What in a module runs code that comes as data."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module)} & MODULES
        elif isinstance(node, ast.Call):
            found |= {ast.unparse(node.func)} & CALLS
            flags = {word.arg: ast.unparse(word.value) for word in node.keywords}
            found |= {f"{name}={flags[name]}" for name, value in BAD_FLAGS.items() if flags.get(name) == value}
    return found


BAD_FLAGS = {"allow_pickle": "True", "safe_mode": "False", "shell": "True", "weights_only": "False"}


def test_no_module_runs_code_that_comes_as_data() -> None:
    modules = [path for package in PACKAGES for path in sorted((REPOSITORY / package).rglob("*.py"))]
    assert len(modules) > 150
    found = {path.name: each for path in modules if (each := suspicious(ast.parse(path.read_text())))}
    assert found == RESTRICTED


@pytest.mark.parametrize(
    "code", ["import pickle", "from dill import loads", "eval('1')", "yaml.load(x)", "np.load(x, allow_pickle=True)"]
)
def test_such_a_module_would_be_found(code: str) -> None:
    assert suspicious(ast.parse(code))
