"""Builds the objects that a config names; the only place that maps names to objects.

TensorFlow is imported only when something is built or checked, so that importing this module is quick.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from gan import config as settings
from gan.config import Config
from gan.data.compatibility import DATASET_KEYS, with_dataset_values
from gan.errors import ConfigError, unknown_name
from gan.util import log

if TYPE_CHECKING:
    import keras

    from gan.data.sources import Source
    from gan.data.spec import Dataset
    from gan.losses.interface import Loss, Regulariser

T = TypeVar("T")

LOSS_SPECIFIC_KEYS = ("label_smoothing", "label_noise", "clip_value", "gradient_penalty")
"""Config keys that only some losses use."""

OPTIMIZER_KEYS = {"adam": ("beta_1", "beta_2"), "rmsprop": ("rho",)}
"""The train keys that only one optimiser uses."""


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
        ConfigError: a name is unknown, a key does not fit the loss or optimiser, the feature network is not a possible
            file or folder, or the template of a message can't be filled in.
    """
    from gan.metrics import registry
    from gan.metrics.features import feature_networks
    from gan.networks import DISCRIMINATORS, GENERATORS
    from gan.report import message

    source(config.data.dataset).with_options(config.data.options)
    _look_up("generator.name", config.generator.name, GENERATORS)
    _look_up("discriminator.name", config.discriminator.name, DISCRIMINATORS)
    loss = build_loss(config)
    for key in LOSS_SPECIFIC_KEYS:
        _check_loss_key(key, getattr(config.loss, key), getattr(settings.Loss(), key), loss)
    _check_regulariser(config.loss, loss)
    _check_optimizer_keys(config.train)
    if config.reference.feature_network is not None:
        feature_networks.check_spec(config.reference.feature_network)
    if config.retrain.message is not None:
        message.check(config.retrain.message)
    registry.check_metrics(config.evaluate.metrics)
    registry.check_needs(config.evaluate.metrics, {registry.LABELS: config.generator.conditional})
    check_gate(config.gate, config)


def warn_if_unusual(config: Config) -> None:
    """Warn about keys that differ from the loss's paper, where the loss depends on them.

    Raises:
        ConfigError: there is no loss of that name.
    """
    loss = build_loss(config)
    tree = config.to_dict()
    unusual = [
        f"{path}={tree[group][key]} (paper: {value})"
        for path, value in loss.recommended.items()
        for group, _, key in [path.partition(".")]
        if tree[group][key] != value
    ]
    if unusual:
        log.warning(
            f"the loss {loss.name} may not converge with other values than those of its paper ({loss.source}): "
            f"{', '.join(unusual)}. Set them with --set, or ignore this if you tuned them"
        )


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

    make = _look_up("generator.name", config.generator.name, GENERATORS)
    return make(config.generator, dataset.image_shape, _check_classes(config, dataset))


def build_discriminator(config: Config, dataset: Dataset) -> keras.Model:
    """A discriminator: images, or [images, labels [N]] if conditional, to (logits [N, 1], features [N, F]), float32.

    It is conditional if and only if the generator is.

    Raises:
        ConfigError: see `check`.
    """
    from gan.networks import DISCRIMINATORS

    make = _look_up("discriminator.name", config.discriminator.name, DISCRIMINATORS)
    return make(config.discriminator, dataset.image_shape, _check_classes(config, dataset))


def build_loss(config: Config) -> Loss:
    """The loss of the config, without its regulariser.

    Raises:
        ConfigError: there is no loss of that name.
    """
    from gan.losses import LOSSES

    return _look_up("loss.name", config.loss.name, LOSSES)(config.loss)


def build_regulariser(config: Config) -> Regulariser | None:
    """The KL regulariser of the config; None if its weight is 0."""
    if config.loss.kl_weight == 0:
        return None
    from gan.losses import kl

    return kl.make(config.loss)


def build_optimizer(config: Config, learning_rate: float) -> keras.optimizers.Optimizer:
    """The optimiser of the config for one of the two networks.

    Adam: Kingma and Ba (2015), arXiv:1412.6980. RMSprop: Tieleman and Hinton (2012), Coursera lecture 6.5.

    Args:
        config: `train.optimizer` and its keys (`OPTIMIZER_KEYS`).
        learning_rate: `train.generator_learning_rate` or `train.discriminator_learning_rate`.
    """
    import keras

    train = config.train
    optimizers = {
        "adam": lambda: keras.optimizers.Adam(learning_rate, beta_1=train.beta_1, beta_2=train.beta_2),
        "rmsprop": lambda: keras.optimizers.RMSprop(learning_rate, rho=train.rho),
    }
    return _look_up("train.optimizer", train.optimizer, optimizers)()


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


def _check_loss_key(key: str, value: float, default: float, loss: Loss) -> None:
    if key not in loss.config_keys and value != default:
        raise ConfigError(
            f"loss.{key} has no effect with the loss {loss.name}; got {value}. Set it to {default} "
            f"(--set loss.{key}={default}), or set loss.name to one that uses it: "
            f"{_losses(lambda each: key in each.config_keys)}"
        )


def _check_optimizer_keys(train: settings.Train) -> None:
    defaults = settings.Train()
    for owner, keys in OPTIMIZER_KEYS.items():
        for key in keys if owner != train.optimizer else ():
            value, default = getattr(train, key), getattr(defaults, key)
            if value != default:
                raise ConfigError(
                    f"train.{key} has no effect with the optimiser {train.optimizer}, which uses "
                    f"{_train_keys(train.optimizer)}; got {value}. Set it to {default} "
                    f"(--set train.{key}={default}), or set train.optimizer={owner}"
                )


def _train_keys(optimizer: str) -> str:
    return " and ".join(f"train.{key}" for key in OPTIMIZER_KEYS[optimizer])


def _losses(suitable: Callable[[Loss], bool]) -> str:
    """The names of the suitable losses."""
    from gan.losses import LOSSES

    return ", ".join(sorted(name for name, make in LOSSES.items() if suitable(make(settings.Loss()))))


def _check_regulariser(chosen: settings.Loss, loss: Loss) -> None:
    if chosen.kl_weight == 0 or chosen.kl_estimator != "density_ratio":
        return
    if not loss.logit_is_log_ratio:
        raise ConfigError(
            "loss.kl_estimator=density_ratio needs a loss whose logit is a log density ratio; "
            f"got loss.name={loss.name}. Set loss.kl_estimator=gaussian, or loss.name to one of: "
            f"{_losses(lambda each: each.logit_is_log_ratio)}"
        )
    if chosen.label_smoothing or chosen.label_noise:
        raise ConfigError(
            "loss.kl_estimator=density_ratio needs clean labels, else the logit is not a density ratio; got "
            f"loss.label_smoothing={chosen.label_smoothing}, loss.label_noise={chosen.label_noise}. "
            "Set both to 0, or loss.kl_estimator=gaussian"
        )
