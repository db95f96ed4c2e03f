"""The SavedModel that `gan export` writes; it draws images without `gan` being installed.

Two signatures take `latents` float32 [N, Z] (and `labels` int32 [N] if the generator is conditional), for any N:

    serving_default    -> {"images": float32 [N, H, W, C] in [-1, 1]}
    pixels             -> {"pixels": uint8 [N, H, W, C]}

A label outside [0, classes) raises InvalidArgumentError with `LABELS` in its message, on every device: without the
check, Keras's embedding would draw the last class for -1. `generator.keras` has no such check, since it has only
Keras's layers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from gan.errors import ConfigError
from gan.export.metadata import KERAS, SAVED_MODEL
from gan.store import Store, immutable
from gan.util.op_allowlist import check_saved_model
from gan.util.scratch import scratch_folder

if TYPE_CHECKING:
    import keras

    from gan.types import Images, Pixels

BATCH_SIZE = 250
LABELS = "labels must be from 0 to"

Signature = Callable[..., dict[str, Any]]


def write(generator: keras.Model, folder: Path) -> None:
    """Write `saved_model/` and `generator.keras` into `folder`.

    Args:
        generator: a functional model: latents, or latents and labels, to images float32 in [-1, 1].
        folder: an existing folder.
    """
    import keras

    inputs = [
        tf.TensorSpec([None, generator.inputs[0].shape[1]], tf.float32, name="latents"),
        tf.TensorSpec([None], tf.int32, name="labels"),
    ][: len(generator.inputs)]

    classes = _classes(generator)

    def images(*given: tf.Tensor) -> tf.Tensor:
        if classes is None:
            return generator(list(given) if len(given) > 1 else given[0], training=False)
        latents, labels = given
        with tf.control_dependencies([_label_check(labels, classes)]):
            return generator([latents, tf.identity(labels)], training=False)

    def drawn_images(*given: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"images": images(*given)}

    def drawn_pixels(*given: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"pixels": _quantised(images(*given))}

    archive = keras.export.ExportArchive()
    archive.track(generator)
    for name, body in (("serving_default", drawn_images), ("pixels", drawn_pixels)):
        archive.add_endpoint(name, body, inputs)
    archive.write_out(str(folder / SAVED_MODEL), verbose=False)
    generator.save(folder / KERAS)


class Exported:
    """A loaded SavedModel of `write`.

    Raises:
        IntegrityError: it holds operations that are not allowed, so it is not loaded.
    """

    def __init__(self, folder: Path) -> None:
        check_saved_model(folder)
        self._model = tf.saved_model.load(str(folder))
        self.conditional = "labels" in self._model.signatures["pixels"].structured_input_signature[1]

    def images(self, latents: Any, labels: Any = None, *, batch_size: int = BATCH_SIZE) -> Images:
        """Images float32 [N, H, W, C] in [-1, 1] as numpy, drawn `batch_size` at a time.

        Args:
            latents: float32 [N, Z], N at least 1.
            labels: integers [N] in [0, classes) if the generator is conditional, else None.
            batch_size: the number of images drawn at a time.

        Raises:
            ConfigError: a label is out of range. Exports of early versions lack the check, and draw some class.
        """
        return self._run("serving_default", "images", latents, labels, batch_size)

    def pixels(self, latents: Any, labels: Any = None, *, batch_size: int = BATCH_SIZE) -> Pixels:
        """The same as uint8 [N, H, W, C]."""
        pixels: Pixels = self._run("pixels", "pixels", latents, labels, batch_size)
        return pixels

    def _run(self, signature: str, output: str, latents: Any, labels: Any, batch_size: int) -> Any:
        function: Signature = self._model.signatures[signature]
        batches = []
        for first in range(0, len(latents), batch_size):
            given = {"latents": tf.constant(latents[first : first + batch_size], tf.float32)}
            if self.conditional:
                given["labels"] = tf.constant(labels[first : first + batch_size], tf.int32)
            batches.append(_call(function, given)[output].numpy())
        return np.concatenate(batches)


def load(store: Store, generator_id: str) -> Exported:
    """The SavedModel of a published generator, with every file verified.

    Raises:
        NotFoundError: no such generator.
        IntegrityError: a file is damaged, or holds operations that are not allowed.
        StoreError: there is no room for temporary files.
    """
    with scratch_folder() as folder:
        for name in immutable.read_sums(store, "generator", generator_id):
            if name.startswith(f"{SAVED_MODEL}/"):
                immutable.fetch_file(store, "generator", generator_id, name, folder / name)
        return Exported(folder / SAVED_MODEL)


def _classes(generator: keras.Model) -> int | None:
    """The number of classes of a conditional generator, the rows of its label embedding; None without one."""
    import keras

    embeddings = (layer for layer in generator.layers if isinstance(layer, keras.layers.Embedding))
    return next((int(layer.input_dim) for layer in embeddings), None)


def _label_check(labels: tf.Tensor, classes: int) -> tf.Tensor:
    """An operation that fails if a label is outside [0, classes).

    `tf.debugging.assert_less` would hold strings, which `gan.util.op_allowlist` refuses; a check for NaN does not.
    """
    valid = tf.logical_and(labels >= 0, labels < classes)
    return tf.debugging.check_numerics(tf.where(valid, 0.0, float("nan")), f"{LABELS} {classes - 1}")


def _call(function: Signature, given: dict[str, tf.Tensor]) -> dict[str, Any]:
    try:
        return function(**given)
    except tf.errors.InvalidArgumentError as error:
        allowed = re.search(rf"{LABELS} \d+", str(error))
        if allowed is None:
            raise
        wrong = given["labels"].numpy()
        raise ConfigError(f"{allowed[0]}, one of the classes; got labels from {wrong.min()} to {wrong.max()}") from None


def _quantised(images: tf.Tensor) -> tf.Tensor:
    """`gan.util.images.to_pixels` as a graph."""
    return tf.cast(tf.clip_by_value(tf.round((images + 1.0) * 127.5), 0.0, 255.0), tf.uint8)
