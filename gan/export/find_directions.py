"""Find the named directions of a generator: draw images, classify them, and fit a linear probe for each name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gan.errors import ConfigError, StoreError
from gan.export import directions as records
from gan.export import latents, naming_reference, probes
from gan.export import metadata as generator_metadata
from gan.export.directions import MIN_AUC, Directions
from gan.export.metadata import GeneratorMetadata
from gan.metrics.features.mode_definitions import ClassModes
from gan.result import StepResult, Stopwatch
from gan.store import Store
from gan.util import log

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from gan.export.saved_model import Exported
    from gan.metrics.reference import Reference
    from gan.types import LabelArray

SAMPLES = 10_000
MIN_SAMPLES_PER_DIMENSION = 10
SEED = 1_901_123_581  # of the latents that directions are found with: not one that people choose for pictures


def directions(
    store: Store,
    *,
    generator_id: str | None = None,
    name: str | None = None,
    reference_id: str | None = None,
    samples: int | None = None,
) -> StepResult:
    """The directions of a generator, found unless the store has them.

    Args:
        store: where the generator is and the directions are kept.
        generator_id: a generator; give either this or `name`.
        name: the promoted name whose live generator is meant.
        reference_id: the reference whose feature network names them; None: those in the store, else see
            `gan.export.naming_reference.choose`. Another reference than before replaces them.
        samples: the number of generated images; None: those in the store, else 10,000, or more for long latents.

    Returns:
        The generator's id and the URI of the record; details: reference_id, feature_network, samples, `directions`
        ({name: {"share", "network_accuracy", "auc", "usable", "doubtful"}}) and `min_auc`.

    Raises:
        NotFoundError: no such generator or reference, or no reference that predicts names.
        ConfigError: the reference does not fit, or too few samples.
        IntegrityError: the generator, the reference or the record is damaged.
    """
    watch = Stopwatch()
    chosen = generator_metadata.chosen_id(store, generator_id, name)
    metadata = generator_metadata.read(store, chosen)
    _check_samples(samples, metadata.latent_size)
    known = records.read(store, chosen)
    if known is not None and reference_id in (None, known.reference_id) and samples in (None, known.samples):
        return _result(store, known, watch, skipped=True)
    wanted = reference_id or (None if known is None else known.reference_id)
    found = _find(store, chosen, metadata, naming_reference.choose(store, chosen, metadata, wanted), samples)
    records.write(store, found)
    return _result(store, found, watch)


def known_or_found(
    store: Store, generator_id: str, metadata: GeneratorMetadata, wanted: Sequence[tuple[str, str]]
) -> Directions:
    """The directions in the store, else new ones, which are kept if the store can be written.

    Args:
        store: where the generator is and the directions are kept.
        generator_id: the generator.
        metadata: of the generator.
        wanted: flags and names, checked before anything is drawn.

    Raises:
        ConfigError: there is no direction of a wanted name; or see `directions`.
        NotFoundError, IntegrityError: see `directions`.
    """
    known = records.read(store, generator_id)
    if known is not None:
        records.check_names(wanted, known.by_name)
        return known
    reference_id, names = naming_reference.choose(store, generator_id, metadata, None)
    records.check_names(wanted, names)
    found = _find(store, generator_id, metadata, (reference_id, names), None)
    try:
        records.write(store, found)
    except StoreError as error:
        log.warning("the directions are not kept, and will be found again", reason=str(error))
    return found


def _find(
    store: Store, generator_id: str, metadata: GeneratorMetadata, naming: tuple[str, list[str]], samples: int | None
) -> Directions:
    import tensorflow as tf

    from gan.export import saved_model
    from gan.metrics import reference as references
    from gan.metrics.features.trained.quality import weakness

    tf.config.experimental.enable_op_determinism()
    reference_id, names = naming
    reference = references.load(store, reference_id)
    if sentence := weakness(reference.record["feature_network"]):
        log.warning(sentence)
    count = samples or max(SAMPLES, 2 * MIN_SAMPLES_PER_DIMENSION * metadata.latent_size)
    points = latents.draw(count, metadata.latent_size, SEED)
    labels = metadata.labels_in_turn(count)
    outputs = _outputs(saved_model.load(store, generator_id), reference, points, labels)
    fitted = probes.fit(points, outputs, _shown(outputs, str(reference.record["modes"]["kind"])))
    network = f"{reference.network.name}:{reference.network.hash[:6]}"
    accuracies = reference.record["feature_network"].get("balanced_accuracies", {})
    found = Directions(generator_id, reference_id, network, count, records.named(fitted, names, accuracies))
    log.info(
        "directions found",
        generator_id=generator_id,
        reference_id=reference_id,
        usable=sum(each.is_usable for each in found.by_name.values()),
        of=len(found.by_name),
    )
    return found


def _outputs(
    exported: Exported, reference: Reference, points: latents.LatentArray, labels: LabelArray | None
) -> npt.NDArray[np.float32]:
    """What the feature network predicts for the images of latents [N, Z]: float32 [N, K]."""
    import numpy as np

    from gan.metrics.features.interface import extract_padded

    size = int(reference.record["batch_size"])
    parts = []
    with log.progress("find directions", len(points), unit="images") as advance:
        for first in range(0, len(points), size):
            rows = slice(first, first + size)
            pixels = exported.pixels(points[rows], None if labels is None else labels[rows], batch_size=size)
            parts.append(extract_padded(reference.network, pixels, size).outputs)
            advance(len(pixels))
    return np.concatenate(parts)


def _shown(outputs: npt.NDArray[np.float32], kind: str) -> npt.NDArray[np.bool_]:
    """What each image is taken to show, [N, K]: its most probable class, or every attribute that is more likely than
    not.
    """
    import numpy as np

    if kind == ClassModes.kind:
        return np.asarray(outputs.argmax(axis=1)[:, None] == np.arange(outputs.shape[1]))
    return np.asarray(outputs > 0.5)


def _check_samples(samples: int | None, latent_size: int) -> None:
    fewest = MIN_SAMPLES_PER_DIMENSION * latent_size
    if samples is not None and samples < fewest:
        raise ConfigError(
            f"--samples must be at least {fewest}, {MIN_SAMPLES_PER_DIMENSION} for each of the {latent_size} values of "
            f"a latent; got {samples}"
        )


def _result(store: Store, found: Directions, watch: Stopwatch, *, skipped: bool = False) -> StepResult:
    details = {
        "reference_id": found.reference_id,
        "feature_network": found.feature_network,
        "samples": found.samples,
        "min_auc": MIN_AUC,
        "directions": {name: each.summary() for name, each in found.by_name.items()},
    }
    uri = store.uri_of(records.key_of(found.generator_id))
    return StepResult(found.generator_id, uri, watch.seconds(), skipped=skipped, details=details)
