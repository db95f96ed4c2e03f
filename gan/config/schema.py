"""Every key of an experiment with its default and range: frozen dataclasses that check themselves when made.

`gan.build` checks the names of data sets, losses and networks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gan import losses, networks
from gan.augmentations import AUGMENTATIONS
from gan.augmentations.interface import AugmentationOptions
from gan.config import migrate, parse
from gan.config.budget import budget_text
from gan.config.group import Group
from gan.config.health import Health
from gan.config.retrain import Retrain, checkpoint_of
from gan.errors import ConfigError, unknown_name
from gan.losses.interface import LossOptions
from gan.networks.interface import DiscriminatorOptions, GeneratorOptions
from gan.optimizers import OPTIMIZERS
from gan.optimizers.interface import OptimizerOptions
from gan.options import Entry, Options, key, parse_choice
from gan.options import parse as parse_options
from gan.regularisers import REGULARISERS
from gan.regularisers.interface import RegulariserOptions
from gan.schedules import scheduled_key, with_lengths
from gan.schedules.interface import Scheduled
from gan.types import Json
from gan.util.ids import check_id

RESIZERS = ("bicubic", "bilinear", "box", "lanczos")


@dataclass(frozen=True)
class Data(Group):
    """Which images, and how they are cropped and scaled."""

    dataset: str = key("digits", "The data source: mnist, stacked-mnist, celeba, digits or folder.")
    source: str | None = key(None, "Folder, zip or URI of the original files; none: embedded or downloaded.")
    image_size: int | None = key(
        None, "Height and width in pixels of the prepared images; none: as in the source.", min_value=4, max_value=1024
    )
    channels: int | None = key(None, "1 (grey) or 3 (RGB); none: as in the source.", choices=(1, 3))
    crop: int | None = key(
        None,
        "Side in pixels of the square to cut out before resizing, centred except CelebA's 128; none: as in the source.",
        min_value=4,
    )
    resizer: str = key("bicubic", "Antialiasing filter for resizing.", choices=RESIZERS)
    holdout_percent: int = key(
        20, "Percentage held out as the test split, if the source has no test split.", min_value=1, max_value=90
    )
    shard_mib: float = key(32.0, "Maximum size of a shard in MiB.", min_value=0.01, max_value=4096)
    on_bad_image: str = key("fail", "What to do with an unreadable image.", choices=("fail", "skip"))
    flip: bool = key(False, "Mirror training images left to right at random; good for faces, wrong for digits.")
    options: Mapping[str, str | float] = key(
        {},
        "Options of the data source, such as `{train_images: 128000, seed: 0}` of stacked-mnist; most have none.",
        parse=parse.options,
    )


@dataclass(frozen=True)
class Train(Group):
    """Length and speed of training, and what is saved on the way."""

    steps: int = key(2000, "Generator steps.", min_value=1)
    budget: str | None = key(
        None,
        "What the training may cost: a time on this machine such as 10m or 2h, or a number of images such as "
        "500kimages; steps and schedules follow from it (docs/training.md). None: as the other keys say.",
        parse=budget_text,
    )
    batch_size: int = key(64, "Images per step.", min_value=2, max_value=65536)
    seed: int = key(0, "Seed of the weights, latents, dropout and data order.", min_value=0, max_value=2**31 - 1)
    discriminator_steps: int = key(1, "Discriminator steps for each generator step.", min_value=1, max_value=100)
    generator_learning_rate: Scheduled = scheduled_key(
        2e-4, "Learning rate of the generator.", min_value=0, max_value=1
    )
    discriminator_learning_rate: Scheduled = scheduled_key(
        2e-4, "Learning rate of the discriminator.", min_value=0, max_value=1
    )
    ema_decay: float = key(
        0.999,
        "Decay per step of the moving average of the generator, which is exported; 0 turns it off.",
        min_value=0,
        max_value=0.99999,
    )
    ema_half_life_images: float | None = key(
        None,
        "Half-life of the moving average in images, train.batch_size a step, in place of train.ema_decay; none: "
        "train.ema_decay holds.",
        min_value=1,
    )
    ema_ramp_up: float = key(
        0.05,
        "At most this share of the images trained on so far is the half-life of the moving average; for "
        "train.ema_half_life_images.",
        min_value=0.001,
        max_value=1,
    )
    precision: str = key(
        "float32",
        "Number format of the networks; auto: mixed precision if the device is fast at it.",
        choices=("auto", "float32", "mixed_bfloat16", "mixed_float16"),
    )
    deterministic: bool = key(
        True,
        "Use only deterministic ops, so that a resumed run ends with the same bytes; free on CPUs, slower on GPUs "
        "(docs/speed.md).",
    )
    jit_compile: bool = key(
        False, "Compile the training step with XLA, on a single device; slower on CPUs (docs/speed.md)."
    )
    checkpoint_every_steps: int = key(500, "Steps between checkpoints; one is also written at the end.", min_value=1)
    keep_checkpoints: int = key(
        5,
        "How many of the last checkpoints to keep, besides the best one and exported ones.",
        min_value=1,
        max_value=1000,
    )
    keep_every_steps: int | None = key(
        None, "Also keep checkpoints at multiples of this; none: keep no others.", min_value=1
    )
    sample_every_steps: int = key(500, "Steps between sample grids, from fixed latents.", min_value=1)
    log_every_steps: int = key(50, "Steps between log entries: losses, gradient norms and throughput.", min_value=1)
    start_from: str | None = key(
        None,
        "RUN_ID@STEP: the checkpoint whose averaged generator and discriminator the run starts from; none: random "
        "weights.",
    )

    def __post_init__(self, where: str | None) -> None:
        super().__post_init__(where)
        if self.start_from is not None:
            checkpoint_of(self.start_from)


@dataclass(frozen=True)
class Reference(Group):
    """The feature network and the statistics of real images, for the scores."""

    feature_network: str | None = key(
        None,
        "`imagenet` (EfficientNet-Lite0), or the path or URI (gs://, s3://) of a feature network; none: train a small "
        "CNN on the dataset.",
    )
    split: str = key("test", "The split that generated images are compared with.")
    epochs: int = key(5, "Training epochs of the feature network.", min_value=1, max_value=1000)
    batch_size: int = key(128, "Images per batch, for training and feature extraction.", min_value=1, max_value=4096)
    max_images: int = key(10_000, "Maximum number of images of a split to compare with.", min_value=2)
    training_images: int = key(60_000, "Maximum number of training images for the feature network.", min_value=2)
    max_searched_images: int = key(
        200_000, "Maximum number of training images to search for copies of a sample.", min_value=2
    )
    seed: int = key(0, "Seed of the feature network and of the choice of images.", min_value=0, max_value=2**31 - 1)
    mode_attributes: int = key(
        3,
        "For data with attributes: modes are the combinations of this many well-predicted attributes.",
        min_value=1,
        max_value=10,
    )


@dataclass(frozen=True)
class Evaluate(Group):
    """How a checkpoint is scored."""

    checkpoint: str = key(
        "best", "Which checkpoint: a step, latest, or best (the lowest FID on the images held out for selection)."
    )
    metrics: tuple[str, ...] = key(
        ("fid", "fid_infinity", "kid", "prdc", "modes", "memorisation"),
        "The metrics to compute, names in gan.metrics.registry.METRICS.",
        parse=parse.names,
    )
    samples: int = key(10_000, "Number of generated images for the scores.", min_value=2)
    selection_samples: int = key(
        2_000,
        "Number of generated images for comparing the checkpoints of a run, at most evaluate.samples.",
        min_value=2,
    )
    batch_size: int = key(250, "Images per batch, for generation and feature extraction.", min_value=1, max_value=4096)
    seed: int = key(0, "Seed of the latents and of random subsets.", min_value=0, max_value=2**31 - 1)
    neighbours: int = key(5, "k of precision, recall, density and coverage.", min_value=1, max_value=100)
    kid_subsets: int = key(100, "Number of subsets that KID is averaged over.", min_value=1)
    kid_subset_size: int = key(1000, "Images per subset; fewer if there are fewer.", min_value=2)
    confidence: float = key(0.95, "Level of the confidence intervals.", min_value=0.5, max_value=0.999)
    confidence_threshold: float = key(
        0.9, "Class probability above which a sample is high-confidence.", min_value=0, max_value=1
    )

    def __post_init__(self, where: str | None) -> None:
        super().__post_init__(where)
        if self.checkpoint not in ("best", "latest") and not self.checkpoint.isdecimal():
            raise ConfigError(f'evaluate.checkpoint must be a step, latest or best; got "{self.checkpoint}"')


MARGIN: dict[str, float | str] = {"fid": "5%", "coverage": 0.05, "recall": 0.05}
ANCHOR_MARGIN: dict[str, float | str] = {"fid": "10%", "coverage": 0.1, "recall": 0.1}


@dataclass(frozen=True)
class Gate(Group):
    """What a generator must reach to be promoted.

    It is compared with the live generator and with the best that was ever live under the name. A comparison passes if
    the confidence interval of how much worse the new generator is ends at or below the margin.
    """

    limits: Mapping[str, float] = key(
        {},
        "Limits for scores, such as `{coverage: 0.5, modes_found: 10}`: a maximum for a score where lower is better, a "
        "minimum where higher is better.",
        parse=parse.limits,
    )
    margin: Mapping[str, float | str | None] = key(
        MARGIN,
        'How much worse than the live generator a new one may be, for each score: a number, or a share ("5%") of the '
        "live one's score. A single number is the margin for FID; null turns a comparison off.",
        parse=parse.margins(MARGIN),
    )
    anchor_margin: Mapping[str, float | str | None] = key(
        ANCHOR_MARGIN,
        "The same against the best generator that was ever live under the name.",
        parse=parse.margins(ANCHOR_MARGIN),
    )
    confidence: float = key(
        0.95,
        "Level of the one-sided intervals of differences; higher is stricter.",
        min_value=0.5,
        max_value=0.9999,
    )
    max_pixel_difference: float = key(
        1e-3,
        "Maximum difference of a pixel (range [-1, 1]) between exported generator and checkpoint.",
        min_value=0,
    )


@dataclass(frozen=True)
class Choice:
    """A group of which one of several things is chosen by `name`; each has its own keys besides the `common` ones."""

    common: type[Options]
    registry: Mapping[str, Entry[Any, Any]]
    default: str

    def make_default(self) -> Any:
        """The options of the default choice."""
        return self.registry[self.default].options()


CHOICES: dict[str, Choice] = {
    "generator": Choice(GeneratorOptions, networks.GENERATORS, "dcgan"),
    "discriminator": Choice(DiscriminatorOptions, networks.DISCRIMINATORS, "dcgan"),
    "loss": Choice(LossOptions, losses.LOSSES, "non_saturating"),
    "optimizer": Choice(OptimizerOptions, OPTIMIZERS, "adam"),
    "augmentation": Choice(AugmentationOptions, AUGMENTATIONS, "none"),
}
GROUPS: dict[str, type[Group]] = {
    "data": Data,
    "train": Train,
    "reference": Reference,
    "evaluate": Evaluate,
    "gate": Gate,
    "retrain": Retrain,
    "health": Health,
}
ALL_GROUPS = (
    "data",
    "generator",
    "discriminator",
    "loss",
    "regularisers",
    "augmentation",
    "optimizer",
    "train",
    "reference",
    "evaluate",
    "gate",
    "retrain",
    "health",
)


@dataclass(frozen=True)
class Config:
    """A whole experiment. `gan configs` lists the shipped ones."""

    name: str = "digits"
    data: Data = field(default_factory=Data)
    generator: GeneratorOptions = field(default_factory=CHOICES["generator"].make_default)
    discriminator: DiscriminatorOptions = field(default_factory=CHOICES["discriminator"].make_default)
    loss: LossOptions = field(default_factory=CHOICES["loss"].make_default)
    regularisers: Mapping[str, RegulariserOptions] = field(default_factory=dict)
    augmentation: AugmentationOptions = field(default_factory=CHOICES["augmentation"].make_default)
    optimizer: OptimizerOptions = field(default_factory=CHOICES["optimizer"].make_default)
    train: Train = field(default_factory=Train)
    reference: Reference = field(default_factory=Reference)
    evaluate: Evaluate = field(default_factory=Evaluate)
    gate: Gate = field(default_factory=Gate)
    retrain: Retrain = field(default_factory=Retrain)
    health: Health = field(default_factory=Health)

    def __post_init__(self) -> None:
        check_id(self.name, "name")

    def to_dict(self) -> Json:
        """Plain JSON types, every key present; of the regularisers only those that are on."""
        tree = dataclasses.asdict(self)
        return {name: _plain(each) for name, each in tree.items()}

    def to_record(self) -> Json:
        """`to_dict` as hashes and records have it; see `gan.config.migrate.recorded`."""
        return migrate.recorded(self.to_dict(), _defaults_of(self))

    def to_yaml(self) -> str:
        """YAML that `from_yaml` reads back to an equal config."""
        import yaml

        return yaml.safe_dump(self.to_dict(), sort_keys=False)

    def with_schedule_lengths(self) -> Config:
        """The config in which each schedule without a length has that of the run, `train.steps`."""
        groups = ("regularisers", "augmentation", "optimizer", "train")
        return dataclasses.replace(
            self, **{name: with_lengths(getattr(self, name), self.train.steps) for name in groups}
        )


def parse_group(name: str, tree: Any) -> Any:
    """The checked options of one group of a config.

    Raises:
        ConfigError: a key or a choice is unknown, or a value is not allowed.
    """
    if name in CHOICES:
        return parse_choice(CHOICES[name].registry, CHOICES[name].default, tree, name)
    if name == "regularisers":
        return _parse_regularisers(tree)
    return parse_options(GROUPS[name], tree, name)


def _parse_regularisers(tree: Any) -> dict[str, RegulariserOptions]:
    """A regulariser that is null is off."""
    if not isinstance(tree, Mapping):
        raise ConfigError(f"regularisers must map names to keys, such as {{r1: {{weight: 1.0}}}}; got {tree!r}")
    for name in tree:
        if name not in REGULARISERS:
            raise ConfigError(unknown_name("config key", f"regularisers.{name}", _paths(REGULARISERS)))
    return {
        name: parse_options(REGULARISERS[name].options, tree[name], f"regularisers.{name}")
        for name in sorted(tree)
        if tree[name] is not None
    }


def _paths(names: Mapping[str, Any]) -> list[str]:
    return [f"regularisers.{name}" for name in names]


def _defaults_of(config: Config) -> Json:
    """The default of every key that a config has, by group; see `gan.config.migrate.recorded`."""
    groups = {name: getattr(config, name) for name in ALL_GROUPS if name != "regularisers"}
    return {name: _plain(dataclasses.asdict(type(options)())) for name, options in groups.items()}


def _plain(value: Any) -> Any:
    """JSON types: lists for tuples."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value
