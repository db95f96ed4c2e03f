"""A SavedModel: a folder, or a .zip or .tar of one. Its operations are checked before TensorFlow loads it."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import PurePosixPath
from typing import Any

import tensorflow as tf

from gan.errors import ConfigError
from gan.metrics.features.formats.description import Description
from gan.metrics.features.formats.interface import Array, Format, Loaded, check_tensor, only, only_input
from gan.metrics.features.network_file import Files
from gan.util.op_allowlist import FILE, check_saved_model
from gan.util.scratch import scratch_folder

SIGNATURE = "serving_default"
MAX_BYTES = 4 * 1024**3


class SavedModel(Format):
    """Loads a SavedModel; `features` and `probabilities` are outputs of the signature `serving_default`."""

    suffixes = (".zip", ".tar", ".tar.gz", ".tgz")
    folder = True

    def unpack(self, files: Files, where: str) -> Files:
        """The files of the SavedModel, from the folder that holds `saved_model.pb`."""
        if len(files) == 1 and where.endswith(self.suffixes):
            files = unpack(only(files), where)
        tops = [PurePosixPath(name).parent for name in files if PurePosixPath(name).name == FILE]
        if len(tops) != 1:
            raise ConfigError(f"{where} must hold one SavedModel; found {len(tops)} files named {FILE}")
        top = tops[0]
        below = {PurePosixPath(name): data for name, data in files.items()}
        return {str(path.relative_to(top)): data for path, data in below.items() if path.is_relative_to(top)}

    def load(self, files: Files, description: Description, where: str) -> Loaded:  # noqa: D102
        model = _model(files, where)
        signatures = list(model.signatures)
        signature = model.signatures[check_tensor("signature", SIGNATURE, signatures, where)]
        inputs = signature.structured_input_signature[1]
        name = only_input(description.input, inputs, where)
        if inputs[name].dtype != tf.float32:
            raise ConfigError(f"{where}: the input {name} must be float32; it is {inputs[name].dtype.name}")
        outputs = list(signature.structured_outputs)
        check_tensor("features", description.features, outputs, where)
        if description.probabilities is not None:
            check_tensor("probabilities", description.probabilities, outputs, where)

        def calculate(images: Array) -> tuple[Array, Array | None]:
            made = model.signatures[SIGNATURE](**{name: tf.constant(images)})
            wanted = description.probabilities
            return made[description.features].numpy(), None if wanted is None else made[wanted].numpy()

        shape = inputs[name].shape
        sides = (None,) * 4 if shape.rank is None else tuple(shape.as_list())
        return Loaded(calculate, sides, (ValueError, TypeError, tf.errors.OpError))


def _model(files: Files, where: str) -> Any:
    with scratch_folder() as folder:
        for name, data in files.items():
            path = folder / "model" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        check_saved_model(folder / "model", where)
        try:
            return tf.saved_model.load(str(folder / "model"))
        except (ValueError, KeyError, OSError, AttributeError, tf.errors.OpError) as error:
            raise ConfigError(f"TensorFlow can't load {where}: {' '.join(str(error).split())[:300]}") from None


def unpack(data: bytes, where: str) -> Files:
    """The files of an archive by their paths.

    Raises:
        ConfigError: it is not an archive, is damaged, holds more than 4 GiB, or has a path that leads out of it.
    """
    try:
        files = _unzip(data, where) if where.endswith(".zip") else _untar(data, where)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        raise ConfigError(f"{where} is not an archive that can be read ({error})") from None
    for name in files:
        if name.startswith("/") or ".." in PurePosixPath(name).parts or "\0" in name:
            raise ConfigError(f"{where} holds a file that leads out of it: {name!r}")
    return files


def _unzip(data: bytes, where: str) -> Files:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [each for each in archive.infolist() if not each.is_dir()]
        _check_size(sum(each.file_size for each in members), where)
        return {each.filename: archive.read(each) for each in members}


def _untar(data: bytes, where: str) -> Files:
    """The regular files; links and devices are skipped."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = [each for each in archive if each.isreg()]
        _check_size(sum(each.size for each in members), where)
        return {each.name.removeprefix("./"): _content(archive, each) for each in members}


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return b"" if file is None else file.read()


def _check_size(size: int, where: str) -> None:
    if size > MAX_BYTES:
        raise ConfigError(f"{where} unpacks to {size:,} bytes; at most {MAX_BYTES:,} are read")
