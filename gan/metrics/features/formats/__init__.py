"""File formats of users' feature networks, one file each."""

from __future__ import annotations

from gan.metrics.features.formats.interface import Format
from gan.metrics.features.formats.keras_file import KerasFile
from gan.metrics.features.formats.onnx_file import OnnxFile
from gan.metrics.features.formats.saved_model import SavedModel

FORMATS: dict[str, Format] = {"keras": KerasFile(), "saved_model": SavedModel(), "onnx": OnnxFile()}
