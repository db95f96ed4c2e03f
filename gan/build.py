"""Builds the objects that a config names; the only place that maps names to objects.

TensorFlow is imported only when something is built or checked, so that importing this module is quick.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from gan import config as settings
from gan.config import Config
from gan.data.compatibility import DATASET_KEYS, with_dataset_values
from gan.errors import ConfigError, unknown_name
from gan.schedules import first_value
from gan.schedules.interface import Scheduled
from gan.util import log

if TYPE_CHECKING:
    import keras

    from gan.augmentations.interface import Augmentation
    from gan.data.sources import Source
    from gan.data.spec import Dataset
    from gan.losses.interface import Loss
    from gan.regularisers.interface import Regulariser

T = TypeVar("T")


def check(config: Config, dataset: Dataset) -> None:
    """Check everything that can be known before training: names, and keys against each other and the dataset.

    This includes what the reference step would refuse. A warning names the keys that differ from the loss's paper.

    Raises:
        ConfigError: a key is wrong.
        DataError: a split has too few images for the scores.
        NotFoundError: there is no such feature network.
    """
    check_config(config)
    check_data(config, dataset)
    _check_batch(config, dataset)
    _check_classes(config, dataset)
    from gan.networks.shape import halve

    halve(dataset.image_shape)
    _check_scores(config, dataset)
    warn_if_unusual(config)


def check_config(config: Config) -> None:
    """The part of `check` that needs no dataset.

    Raises:
        ConfigError: a name is unknown, two keys contradict each other, the feature network is not a possible file or
            folder, or the template of a message can't be filled in.
    """
    from gan.metrics import registry
    from gan.metrics.features import feature_networks
    from gan.report import message

    source(config.data.dataset).with_options(config.data.options)
    _check_density_ratio(config)
    _check_packing(config)
    _check_augmentation(config)
    _check_minibatch_std(config)
    if config.reference.feature_network is not None:
        feature_networks.check_spec(config.reference.feature_network)
    if config.retrain.message is not None:
        message.check(config.retrain.message)
    registry.check_metrics(config.evaluate.metrics)
    registry.check_needs(config.evaluate.metrics, {registry.LABELS: config.generator.conditional})
    check_gate(config.gate, config)


def warn_if_unusual(config: Config) -> None:
    """Warn about keys that differ from the loss's paper, where the loss depends on them; and about two penalties that
    pull the gradient to different norms.
    """
    loss = build_loss(config)
    if unusual := [*_unusual_values(config, loss), *_missing_regularisers(config, loss)]:
        log.warning(
            f"the loss {loss.name} may not converge with other values than those of its paper ({loss.source}): "
            f"{', '.join(unusual)}. Set them with --set, or ignore this if you tuned them"
        )
    zero_centred = _gradient_regularisers(config)
    if zero_centred and loss.gradient_penalty > 0:
        log.warning(
            f"loss.gradient_penalty={loss.gradient_penalty} pulls the norm of the gradient to 1, and "
            f"{' and '.join(zero_centred)} to 0; set loss.gradient_penalty=0, or turn the regularisers off"
        )


def _unusual_values(config: Config, loss: Loss) -> list[str]:
    tree = config.to_dict()
    return [
        f"{path}={tree[group][key]} (paper: {value})"
        for path, value in loss.recommended.items()
        for group, _, key in [path.partition(".")]
        if key in tree[group] and tree[group][key] != value
    ]


def _missing_regularisers(config: Config, loss: Loss) -> list[str]:
    return [
        f"regularisers.{name} is off (paper: on)"
        for name in loss.recommended_regularisers
        if name not in config.regularisers or config.regularisers[name].weight == 0
    ]


def _gradient_regularisers(config: Config) -> list[str]:
    return [
        f"regularisers.{name}"
        for name, options in config.regularisers.items()
        if options.OF_GRADIENTS and options.weight != 0
    ]


def check_data(config: Config, dataset: Dataset) -> None:
    """The part of `check` that compares the `data` keys with the dataset.

    Raises:
        ConfigError: the dataset has another image size or other channels than the config asks for.
    """
    with_dataset_values(config.data, source(config.data.dataset), dataset)


def as_prepared(config: Config, dataset: Dataset) -> Config:
    """`config` with the `data` keys that the dataset was prepared with; see `gan.data.compatibility`.

    Raises:
        ConfigError: the dataset has another image size or other channels than the config asks for.
    """
    data = with_dataset_values(config.data, source(config.data.dataset), dataset)
    if data != config.data:
        changed = [
            f"data.{name}={getattr(data, name)} (config: {getattr(config.data, name)})"
            for name in DATASET_KEYS
            if getattr(data, name) != getattr(config.data, name)
        ]
        log.info(
            f"the run records how dataset {dataset.id} was prepared, not what the config says: {', '.join(changed)}"
        )
    return replace(config, data=data)


def source(name: str) -> Source:
    """The data source of a name.

    Raises:
        ConfigError: there is no data source of that name.
    """
    from gan.data.sources import SOURCES

    return _look_up("data.dataset", name, SOURCES)


def build_generator(config: Config, dataset: Dataset) -> keras.Model:
    """A generator: latents [N, Z], or [latents, labels [N]] if conditional, to images float32 [N, H, W, C] in [-1, 1].

    Keras's global seed (`keras.utils.set_random_seed`) decides the weights, its dtype policy the number format.

    Raises:
        ConfigError: see `check`.
    """
    from gan.networks import GENERATORS

    make = GENERATORS[config.generator.name].make
    return make(config.generator, dataset.image_shape, _check_classes(config, dataset))


def build_discriminator(config: Config, dataset: Dataset) -> keras.Model:
    """A discriminator: images, or [images, labels [N]] if conditional, to (logits [N, 1], features [N, F]), float32.

    It is conditional if and only if the generator is.

    Raises:
        ConfigError: see `check`; or it has BatchNorm, and a term needs a logit that depends on its own image only.
    """
    from gan.networks import DISCRIMINATORS

    height, width, channels = dataset.image_shape
    shape = (height, width, channels * config.discriminator.packing)
    make = DISCRIMINATORS[config.discriminator.name].make
    made = make(config.discriminator, shape, _check_classes(config, dataset))
    _check_logits_are_separate(config, made)
    return made


def _check_logits_are_separate(config: Config, discriminator: keras.Model) -> None:
    """Refuse BatchNorm where the gradient of each logit in its own image is needed."""
    terms = _gradient_regularisers(config)
    if build_loss(config).gradient_penalty > 0:
        terms.append("loss.gradient_penalty")
    if terms and _has_batch_norm(discriminator):
        raise ConfigError(
            f"{' and '.join(terms)} need a discriminator in which each logit depends on its own image only; got "
            f"discriminator.name={config.discriminator.name}, which has BatchNorm. Use another one, or set their "
            "weights to 0"
        )


def _has_batch_norm(layer: keras.layers.Layer) -> bool:
    import keras

    inner = getattr(layer, "layers", ())
    return isinstance(layer, keras.layers.BatchNormalization) or any(map(_has_batch_norm, inner))


def build_loss(config: Config) -> Loss:
    """The loss of the config, without its regularisers."""
    from gan.losses import LOSSES

    return LOSSES[config.loss.name].make(config.loss)


def build_regularisers(config: Config) -> tuple[Regulariser, ...]:
    """The regularisers of the config whose weight is not 0; their variables are made in the present device scope."""
    from gan.regularisers import REGULARISERS

    return tuple(
        REGULARISERS[name].make(options) for name, options in config.regularisers.items() if options.weight != 0
    )


def build_augmentation(config: Config) -> Augmentation | None:
    """The augmentation of the config; None for `none`. Its variables are made in the present device scope."""
    from gan.augmentations import AUGMENTATIONS

    if config.augmentation.name == "none":
        return None
    return AUGMENTATIONS[config.augmentation.name].make(config.augmentation)


def build_optimizer(config: Config, learning_rate: Scheduled) -> keras.optimizers.Optimizer:
    """The optimiser of the config for one of the two networks.

    Args:
        config: its group `optimizer`.
        learning_rate: `train.generator_learning_rate` or `train.discriminator_learning_rate`; a schedule's first value.
    """
    from gan.optimizers import OPTIMIZERS

    return OPTIMIZERS[config.optimizer.name].make(config.optimizer, first_value(learning_rate))


def _look_up(key: str, name: str, registry: Mapping[str, T]) -> T:
    if name not in registry:
        raise ConfigError(unknown_name(key, name, registry))
    return registry[name]


def _check_batch(config: Config, dataset: Dataset) -> None:
    if "train" not in dataset.splits:
        raise ConfigError(
            f"dataset {dataset.id} has no train split (it has: {', '.join(dataset.splits) or 'none'}); "
            "prepare it again from data with training images"
        )
    examples = dataset.splits["train"].examples
    if config.train.batch_size > examples:
        raise ConfigError(
            f"train.batch_size must be at most the {examples} training images of dataset {dataset.id}; "
            f"got {config.train.batch_size}. Lower train.batch_size or prepare more images"
        )


def _check_classes(config: Config, dataset: Dataset) -> int | None:
    """The number of classes of conditional networks; None for others."""
    if not config.generator.conditional:
        return None
    if not dataset.has_labels:
        raise ConfigError(
            f"generator.conditional needs a dataset with labels, and {dataset.id} has none; "
            "set generator.conditional=false, or prepare a dataset with a sub-folder for each class"
        )
    return len(dataset.classes)


def _check_scores(config: Config, dataset: Dataset) -> None:
    """Check that the dataset has enough images for the reference and for the scores in the config."""
    from gan.metrics.features import feature_networks
    from gan.metrics.requirements import check_counts, check_splits, held_out

    reference = config.reference
    examples = {name: split.examples for name, split in dataset.splits.items()}
    check_splits(examples, reference, dataset.id)
    if reference.feature_network is not None:
        feature_networks.require_exists(reference.feature_network)
    divided = held_out(examples, reference)
    training = min(examples["train"], reference.max_images)
    check_counts(config.evaluate, divided.final, divided.selection, training)


def check_gate(gate: settings.Gate, config: Config | None = None) -> None:
    """Check the scores that the gate's keys name; with a config, also that its evaluation measures them.

    Raises:
        ConfigError: a score is unknown, has a margin but can't be compared, or is not measured.
    """
    from gan.metrics import registry

    for key in ("limits", "margin", "anchor_margin"):
        for score, value in getattr(gate, key).items():
            kind = registry.score_kind(score, f"gate.{key}:")
            if not kind.paired and key != "limits":
                paired = ", ".join(sorted(each.name for each in registry.KINDS.values() if each.paired))
                raise ConfigError(
                    f"gate.{key} can't hold {score}, which is not known image by image; it takes: {paired}"
                )
            if config is None or value is None:
                continue
            if kind.needs_confidence and config.reference.feature_network is not None:
                raise ConfigError(
                    f"gate.{key}.{score} needs a feature network that is trained on the dataset; got "
                    f"reference.feature_network={config.reference.feature_network}. Set gate.{key}.{score}=null"
                )
            if registry.metric_of(score) not in config.evaluate.metrics:
                raise ConfigError(
                    f"gate.{key}.{score} needs {registry.metric_of(score)} in evaluate.metrics; got "
                    f"{', '.join(config.evaluate.metrics)}. Add it, or set gate.{key}.{score}=null"
                )


def _check_density_ratio(config: Config) -> None:
    kl: Any = config.regularisers.get("kl")
    if kl is None or kl.weight == 0 or kl.estimator != "density_ratio":
        return
    if not build_loss(config).logit_is_log_ratio:
        raise ConfigError(
            "regularisers.kl.estimator=density_ratio needs a loss whose logit is a log density ratio; "
            f"got loss.name={config.loss.name}. Set regularisers.kl.estimator=gaussian, or loss.name to one of: "
            f"{_losses(lambda each: each.logit_is_log_ratio)}"
        )
    labels: Any = config.loss
    if labels.label_smoothing or labels.label_noise:
        raise ConfigError(
            "regularisers.kl.estimator=density_ratio needs clean labels, else the logit is not a density ratio; got "
            f"loss.label_smoothing={labels.label_smoothing}, loss.label_noise={labels.label_noise}. "
            "Set both to 0, or regularisers.kl.estimator=gaussian"
        )


def _losses(suitable: Callable[[Loss], bool]) -> str:
    """The names of the suitable losses."""
    from gan.losses import LOSSES

    return ", ".join(sorted(name for name, entry in LOSSES.items() if suitable(entry.make(entry.options()))))


def _check_augmentation(config: Config) -> None:
    name = config.augmentation.name
    if getattr(config.augmentation, "groups", None) == ():
        raise ConfigError(
            f"augmentation.name={name} needs augmentation.groups, since what may be done to an image depends on the "
            "data: a list of pixel, geometric, colour; only colour for digits and other signs"
        )
    if name == "ada" and not build_loss(config).zero_is_boundary:
        raise ConfigError(
            "augmentation.name=ada adapts to the sign of the logits, so it needs a loss with a decision boundary at 0; "
            f"got loss.name={config.loss.name}. Set augmentation.name to ada_scheduled or diffaugment, or loss.name to "
            f"one of: {_losses(lambda each: each.zero_is_boundary)}"
        )


def _check_packing(config: Config) -> None:
    packing = config.discriminator.packing
    if packing > 1 and config.generator.conditional:
        raise ConfigError(
            f"discriminator.packing={packing} needs an unconditional generator, since images that are judged together "
            "have no single label; set discriminator.packing=1 or generator.conditional=false"
        )
    if config.train.batch_size % packing:
        raise ConfigError(
            f"train.batch_size must be a multiple of discriminator.packing={packing}; got {config.train.batch_size}"
        )


def _check_minibatch_std(config: Config) -> None:
    """With it a logit depends on the other images of its group.

    The gradient penalty is about the gradient of each logit in its own image. R1 and R2 need no more than that of the
    sum of all logits, as StyleGAN2 computes it with this layer (Karras et al., 2020, arXiv:1912.04958).
    """
    group = getattr(config.discriminator, "minibatch_std", 0)
    if not group:
        return
    if getattr(config.loss, "gradient_penalty", 0) > 0:
        raise ConfigError(
            f"discriminator.minibatch_std={group} can't be used with a gradient penalty, which needs a logit that "
            "depends on its own image only; set discriminator.minibatch_std=0, or choose another loss.name than "
            f"{config.loss.name}"
        )
    unit, packing = config.discriminator.batch_unit, config.discriminator.packing
    if config.train.batch_size % unit:
        packs = f" times discriminator.packing={packing}" if packing > 1 else ""
        raise ConfigError(
            f"train.batch_size must be a multiple of discriminator.minibatch_std={group}{packs}; "
            f"got {config.train.batch_size}"
        )
