"""Every key of an experiment with its default and range: frozen dataclasses that check themselves when made.

`gan.build` checks the names of data sets, losses and networks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from gan.config import migrate, parse
from gan.config.check import Group, key
from gan.config.retrain import Retrain, checkpoint_of
from gan.errors import ConfigError
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
class Generator(Group):
    """The network that makes images from latents."""

    name: str = key("dcgan", "The network, a name in gan.networks.GENERATORS.")
    latent_size: int = key(100, "Length Z of a latent.", min_value=1, max_value=4096)
    width: float = key(1.0, "Scales every layer's channels.", min_value=0.01, max_value=16)
    conditional: bool = key(False, "Generate the class given by a label; needs labelled data.")


@dataclass(frozen=True)
class Discriminator(Group):
    """The network that tells real images from generated ones (the critic, for Wasserstein losses)."""

    name: str = key("dcgan", "The network, a name in gan.networks.DISCRIMINATORS.")
    width: float = key(1.0, "Scales every layer's channels.", min_value=0.01, max_value=16)
    dropout: float = key(0.3, "Share of activations dropped while training.", min_value=0, max_value=0.95)


@dataclass(frozen=True)
class Loss(Group):
    """The objective of both networks."""

    name: str = key("non_saturating", "The loss, a name in gan.losses.LOSSES.")
    label_smoothing: float = key(
        0.0,
        "One-sided label smoothing: the target for real images is 1 minus this (BCE losses).",
        min_value=0,
        max_value=0.5,
    )
    label_noise: float = key(
        0.0, "Share of the discriminator's labels flipped at random (BCE losses).", min_value=0, max_value=0.5
    )
    clip_value: float = key(0.01, "Clip the critic's weights to +- this (wasserstein).", min_value=1e-6, max_value=10)
    gradient_penalty: float = key(10.0, "Weight of the gradient penalty (wgan_gp).", min_value=0, max_value=1e4)
    kl_weight: float = key(0.0, "Weight of the KL regulariser against mode collapse; 0 turns it off.", min_value=0)
    kl_estimator: str = key(
        "gaussian",
        "How the KL divergence is estimated: between Gaussians fitted to the discriminator's features, or from "
        "the density ratio in its logit.",
        choices=("gaussian", "density_ratio"),
    )


@dataclass(frozen=True)
class Train(Group):
    """Length and speed of training, and what is saved on the way."""

    steps: int = key(2000, "Generator steps.", min_value=1)
    batch_size: int = key(64, "Images per step.", min_value=2, max_value=65536)
    seed: int = key(0, "Seed of the weights, latents, dropout and data order.", min_value=0, max_value=2**31 - 1)
    discriminator_steps: int = key(1, "Discriminator steps for each generator step.", min_value=1, max_value=100)
    optimizer: str = key("adam", "The optimiser of both networks.", choices=("adam", "rmsprop"))
    generator_learning_rate: float = key(2e-4, "Learning rate of the generator.", min_value=0, max_value=1)
    discriminator_learning_rate: float = key(2e-4, "Learning rate of the discriminator.", min_value=0, max_value=1)
    beta_1: float = key(0.5, "Adam's decay of the first moment.", min_value=0, max_value=0.9999)
    beta_2: float = key(0.999, "Adam's decay of the second moment.", min_value=0, max_value=0.99999)
    rho: float = key(0.9, "RMSprop's decay of the mean square.", min_value=0, max_value=0.99999)
    ema_decay: float = key(
        0.999,
        "Decay per step of the moving average of the generator, which is exported; 0 turns it off.",
        min_value=0,
        max_value=0.99999,
    )
    precision: str = key(
        "float32",
        "Number format of the networks; auto: mixed precision if the device is fast at it.",
        choices=("auto", "float32", "mixed_bfloat16", "mixed_float16"),
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

    def __post_init__(self) -> None:
        super().__post_init__()
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

    def __post_init__(self) -> None:
        super().__post_init__()
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
class Config:
    """A whole experiment. `gan configs` lists the shipped ones."""

    name: str = "digits"
    data: Data = field(default_factory=Data)
    generator: Generator = field(default_factory=Generator)
    discriminator: Discriminator = field(default_factory=Discriminator)
    loss: Loss = field(default_factory=Loss)
    train: Train = field(default_factory=Train)
    reference: Reference = field(default_factory=Reference)
    evaluate: Evaluate = field(default_factory=Evaluate)
    gate: Gate = field(default_factory=Gate)
    retrain: Retrain = field(default_factory=Retrain)

    def __post_init__(self) -> None:
        check_id(self.name, "name")

    def to_dict(self) -> Json:
        """Plain JSON types, every key present."""
        tree = dataclasses.asdict(self)
        tree["evaluate"]["metrics"] = list(self.evaluate.metrics)
        return tree

    def to_record(self) -> Json:
        """`to_dict` by the names that hashes and records have; see `gan.config.migrate.recorded_names`."""
        return {
            name: migrate.recorded_names(name, group) if name in GROUPS else group
            for name, group in self.to_dict().items()
        }

    def to_yaml(self) -> str:
        """YAML that `from_yaml` reads back to an equal config."""
        import yaml

        return yaml.safe_dump(self.to_dict(), sort_keys=False)


GROUPS: dict[str, type[Group]] = {
    "data": Data,
    "generator": Generator,
    "discriminator": Discriminator,
    "loss": Loss,
    "train": Train,
    "reference": Reference,
    "evaluate": Evaluate,
    "gate": Gate,
    "retrain": Retrain,
}
