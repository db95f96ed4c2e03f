from __future__ import annotations

import dataclasses
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import pytest
import tensorflow as tf

from gan import build
from gan.config import Config, Train, from_dict, load, override
from gan.config import names as config_names
from gan.data.spec import Dataset, Split
from gan.errors import ConfigError, DataError, NotFoundError
from gan.losses import LOSSES, wgan_gp
from gan.networks import DISCRIMINATORS
from gan.networks.dcgan_discriminator import Options as Discriminator
from gan.networks.dcgan_generator import Options as Generator
from gan.optimizers import adam, rmsprop

DIGITS = Dataset(
    id="digits-0123456789ab",
    source="digits",
    matches_published_checksums=None,
    image_size=8,
    channels=1,
    crop=None,
    resizer="bicubic",
    classes=("zero", "one", "two"),
    attributes=(),
    splits={"train": Split(100, ()), "test": Split(200, ())},
)
NARROW: dict[str, Any] = {
    "generator": Generator(width=0.05),
    "discriminator": Discriminator(width=0.05),
}


def unlabelled(**changes: Any) -> Dataset:
    return dataclasses.replace(DIGITS, classes=(), **changes)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_with_its_defaults_passes_the_check(loss: str) -> None:
    build.check(from_dict({"loss": {"name": loss}}), DIGITS)
    build.check(from_dict({"loss": {"name": loss}, "regularisers": {"kl": {"weight": 0.1}}}), unlabelled())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"data": {"dataset": "mnst"}}, r'unknown data.dataset "mnst"; did you mean "mnist"\?.*celeba, digits'),
        (
            {"data": {"dataset": "mnist", "options": {"seed": 1}}},
            r'unknown config key "data.options.seed". Known: none. These are the options of the source mnist',
        ),
        (
            {"data": {"dataset": "stacked-mnist", "options": {"sed": 1}}},
            r'unknown config key "data.options.sed"; did you mean "data.options.seed"\?.*data.options.train_images',
        ),
        ({"data": {"dataset": "stacked-mnist", "options": {"seed": -1}}}, "data.options.seed must be at least 0"),
        ({"generator": {"name": "dcgn"}}, r'unknown generator.name "dcgn"; did you mean "dcgan"\?'),
        ({"discriminator": {"name": "cnn"}}, r'unknown discriminator.name "cnn".*Known: dcgan'),
        ({"loss": {"name": "hing"}}, r'unknown loss.name "hing"; did you mean "hinge"\?.*wgan_gp'),
        (
            {"loss": {"name": "hinge", "label_smoothing": 0.1}},
            r"loss.label_smoothing has no effect with loss.name=hinge; got 0.1. Leave it out, .*: minimax, non_sat",
        ),
        ({"loss": {"name": "wgan_gp", "label_noise": 0.1}}, r"loss.label_noise has no effect with loss.name=wgan_gp"),
        (
            {"loss": {"clip_value": 0.1}},
            r"loss.clip_value has no effect with .*non_saturating.*one that.*: wasserstein$",
        ),
        (
            {"loss": {"name": "wasserstein", "gradient_penalty": 1.0}},
            r"loss.gradient_penalty has no effect.*: wgan_gp$",
        ),
        (
            {"loss": {"name": "hinge", "kl_weight": 0.1, "kl_estimator": "density_ratio"}},
            r"density_ratio needs.*got loss.name=hinge. Set regularisers.kl.estimator=gaussian, .*: minimax, non_sat",
        ),
        (
            {"loss": {"kl_weight": 0.1, "kl_estimator": "density_ratio", "label_smoothing": 0.1}},
            r"clean labels.*label_smoothing=0.1, loss.label_noise=0.0. Set both to 0",
        ),
        (
            {"loss": {"kl_weight": 0.1, "kl_estimator": "density_ratio", "label_noise": 0.2}},
            r"clean labels.*label_noise=0.2",
        ),
        (
            {"loss": {"name": "wgan_gp"}, "discriminator": {"minibatch_std": 4}},
            r"minibatch_std=4 can't be used with a gradient penalty.*choose another loss.name than wgan_gp",
        ),
        (
            {"discriminator": {"name": "r3gan", "minibatch_std": 8}, "train": {"batch_size": 20}},
            r"multiple of discriminator.minibatch_std=8; got 20",
        ),
        (
            {"discriminator": {"minibatch_std": 4, "packing": 2}, "train": {"batch_size": 20}},
            r"multiple of discriminator.minibatch_std=4 times discriminator.packing=2; got 20",
        ),
        ({"discriminator": {"minibatch_std": 3}}, r'unknown discriminator.minibatch_std "3"'),
        (
            {"train": {"rho": 0.99}},
            r"optimizer.rho has no effect with optimizer.name=adam; got 0.99. Leave it out, or set .*: rms",
        ),
        (
            {"train": {"optimizer": "rmsprop", "beta_2": 0.9}},
            r"optimizer.beta_2 has no effect with optimizer.name=rmsprop; got 0.9. Leave it out",
        ),
        (
            {"optimizer": {"name": "rmsprop", "beta_1": 0.0}},
            r"optimizer.beta_1 has no effect with .*=rmsprop",
        ),
    ],
)
def test_a_config_that_is_wrong_in_itself_is_refused_with_a_remedy(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build.check_config(from_dict(wrong))
    with pytest.raises(ConfigError, match=message):
        build.check(from_dict(wrong), DIGITS)


@pytest.mark.parametrize(
    ("config", "dataset", "message"),
    [
        (Config(train=Train(batch_size=101)), DIGITS, r"at most the 100 training images.*got 101. Lower"),
        (Config(), dataclasses.replace(DIGITS, splits={"test": Split(20, ())}), r"no train split \(it has: test\)"),
        (Config(), dataclasses.replace(DIGITS, image_size=15), r"got 15x15.*data.image_size.* 16"),
        (
            Config(generator=Generator(conditional=True)),
            unlabelled(),
            r"generator.conditional needs a dataset with labels.*generator.conditional=false",
        ),
    ],
)
def test_a_config_that_does_not_suit_the_dataset_is_refused_with_a_remedy(
    config: Config, dataset: Dataset, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        build.check(config, dataset)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"reference": {"split": "tset"}}, r'unknown reference.split "tset"; did you mean "test"'),
        ({"reference": {"split": "train"}}, r"reference.split must be held out from training.*others: test"),
        ({"evaluate": {"samples": 10_001}}, r"evaluate.samples must be at most 10000, .* the 100 held-out.*got 10001"),
        (
            {"evaluate": {"samples": 4000, "selection_samples": 4000}, "reference": {"max_images": 30}},
            r"evaluate.samples must be at most 3000, .* the 30 held-out images that it uses; got 4000",
        ),
        (
            {"evaluate": {"samples": 5001}, "reference": {"max_images": 50}},
            r"evaluate.samples must be at most 5000, .* the 50 held-out .*; got 5001.*--set evaluate.samples=5000",
        ),
        ({"evaluate": {"neighbours": 100}}, r"evaluate.neighbours must be below .*, 100; got 100"),
        ({"evaluate": {"selection_samples": 5}}, r"evaluate.neighbours must be below .*, 5; got 5"),
        ({"evaluate": {"samples": 5}}, r"evaluate.neighbours must be below .*, 5; got 5"),
    ],
)
def test_scores_that_could_never_be_measured_are_refused_before_training(wrong: dict[str, Any], message: str) -> None:
    build.check_config(from_dict(wrong))
    with pytest.raises(ConfigError, match=message):
        build.check(from_dict(wrong), DIGITS)


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({"train": 9, "test": 200}, r'at least 10 images; the split "train" of .* has 9.* lower data.holdout_percent'),
        ({"train": 100, "test": 9}, r'at least 10 images; the split "test" of .* has 9.* raise data.holdout_percent'),
    ],
)
def test_too_few_images_for_a_reference_are_refused_before_training(splits: dict[str, int], message: str) -> None:
    dataset = dataclasses.replace(DIGITS, splits={name: Split(count, ()) for name, count in splits.items()})
    with pytest.raises(DataError, match=message):
        build.check(from_dict({"train": {"batch_size": 4}, "evaluate": {"samples": 100}}), dataset)


def test_an_absent_feature_network_is_found_before_training(tmp_path: Path) -> None:
    file = tmp_path / "classify_image_graph_def.pb"
    store = f"file://{tmp_path}"
    for uri in (str(file), f"{store}/classify_image_graph_def.pb"):
        with pytest.raises(NotFoundError, match=r"no feature network at .*classify_image_graph_def.pb; give the"):
            build.check(from_dict({"reference": {"feature_network": uri}}), DIGITS)
    file.write_bytes(b"graph")
    build.check(from_dict({"reference": {"feature_network": str(file)}}), DIGITS)


def test_a_dataset_of_another_size_or_colour_is_refused_with_both_and_the_remedy() -> None:
    for key, flag, wanted, found in (("image_size", "image-size", 16, 8), ("channels", "channels", 3, 1)):
        config = from_dict({"data": {key: wanted}})
        message = (
            rf"data.{key} is {wanted} in the config, and dataset digits-0123456789ab was prepared with {found}. "
            rf"Prepare it again \(gan preprocess --{flag} {wanted}\), or train on it as it is "
            rf"\(--set data.{key}={found}\)"
        )
        for refuse in (build.check, build.check_data, build.as_prepared):
            with pytest.raises(ConfigError, match=message):
                refuse(config, DIGITS)
        build.check_data(override(config, [f"data.{key}={found}"]), DIGITS)


@pytest.mark.parametrize(
    ("data", "dataset", "expected"),
    [
        ({}, {}, {}),
        ({"image_size": 8, "channels": 1}, {}, {}),
        ({}, {"image_size": 16}, {"image_size": 16}),
        ({"resizer": "box"}, {}, {"resizer": "bicubic"}),
        (
            {"dataset": "celeba", "image_size": 64, "crop": 148, "flip": True},
            {"source": "folder", "image_size": 64, "channels": 3},
            {"dataset": "folder", "channels": 3, "crop": None},
        ),
        (
            {"dataset": "celeba", "image_size": 64, "crop": 148},
            {"source": "celeba", "image_size": 64, "channels": 3, "crop": 178},
            {"crop": 178},
        ),
        ({"dataset": "mnist"}, {"image_size": 16}, {"dataset": "digits", "image_size": 16, "channels": 1}),
    ],
)
def test_the_record_of_a_run_says_how_its_images_were_prepared(
    data: dict[str, Any], dataset: dict[str, Any], expected: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    config = from_dict({"data": data})
    made = build.as_prepared(config, dataclasses.replace(DIGITS, **dataset))
    assert made == dataclasses.replace(config, data=dataclasses.replace(config.data, **expected))
    told = capsys.readouterr().err
    assert told.count("the run records how dataset") == bool(expected)
    assert all(f"data.{key}={value}" in told for key, value in expected.items())
    assert build.as_prepared(made, dataclasses.replace(DIGITS, **dataset)) == made


def test_the_record_of_a_run_has_no_options_of_a_source_that_its_images_are_not_of() -> None:
    config = from_dict({"data": {"dataset": "stacked-mnist", "options": {"seed": 1}}})
    assert build.as_prepared(config, DIGITS).data.options == {}
    stacked = dataclasses.replace(DIGITS, source="stacked-mnist", image_size=28, channels=3)
    assert build.as_prepared(config, stacked).data.options == {"seed": 1}


def test_scores_that_just_can_be_measured_are_not() -> None:
    build.check(from_dict({"evaluate": {"samples": 10_000, "neighbours": 99}}), DIGITS)


def test_the_images_that_choose_the_checkpoint_must_be_enough_too() -> None:
    """The split "valid" serves the choice where there is one; half of the held-out images do where there is none."""
    splits = {"train": Split(100, ()), "valid": Split(15, ()), "test": Split(200, ())}
    dataset = dataclasses.replace(DIGITS, splits=splits)
    with pytest.raises(ConfigError, match=r"evaluate.selection_samples must be at most 1500, .* the 15 held-out.*2000"):
        build.check(Config(), dataset)
    build.check(from_dict({"evaluate": {"samples": 20_000, "selection_samples": 1500}}), dataset)
    few = dataclasses.replace(DIGITS, splits={"train": Split(100, ()), "test": Split(10, ())})
    with pytest.raises(ConfigError, match=r"evaluate.neighbours must be below the number of images compared, 5; got 5"):
        build.check(from_dict({"evaluate": {"samples": 500, "selection_samples": 500}}), few)


@pytest.mark.parametrize("uri", ["gs://b", "ftp://host/x.pb", "file://elsewhere/x.pb"])
def test_a_feature_network_that_can_be_nowhere_is_refused_before_any_work(uri: str) -> None:
    with pytest.raises(ConfigError, match=r"reference.feature_network \(--feature-network\) must be"):
        build.check_config(from_dict({"reference": {"feature_network": uri}}))


def test_keys_of_a_regulariser_that_is_off_are_not_held_against_the_loss() -> None:
    build.check_config(from_dict({"loss": {"name": "hinge", "kl_weight": 0.0, "kl_estimator": "density_ratio"}}))


@pytest.mark.parametrize("name", ["dcgan", "r3gan", "resnet"])
def test_networks_go_together_whatever_their_names(name: str) -> None:
    discriminator = {"name": name, "spectral_norm": True, "minibatch_std": 4}
    build.check(from_dict({"generator": {"name": name, "conditional": True}, "discriminator": discriminator}), DIGITS)
    unweighted = {"name": "wgan_gp", "gradient_penalty": 0}
    build.check(from_dict({"loss": unweighted, "discriminator": discriminator}), DIGITS)


PAPER = ["train.discriminator_steps=5", "discriminator.dropout=0"]
WGAN_GP = ["loss.name=wgan_gp", *PAPER, "optimizer.beta_1=0", "optimizer.beta_2=0.9"] + [
    f"train.{player}_learning_rate=1e-4" for player in ("generator", "discriminator")
]


@pytest.mark.parametrize(
    ("sets", "named"),
    [
        (WGAN_GP, []),
        ([*WGAN_GP, "optimizer.beta_1=0.5"], ["optimizer.beta_1=0.5 (paper: 0.0)"]),
        ([*WGAN_GP, "loss.gradient_penalty=1"], ["loss.gradient_penalty=1.0 (paper: 10.0)"]),
        (
            ["loss.name=wgan_gp"],
            [
                "train.discriminator_steps=1 (paper: 5), train.generator_learning_rate=0.0002 (paper: 0.0001)",
                "optimizer.beta_1=0.5 (paper: 0.0), optimizer.beta_2=0.999 (paper: 0.9), discriminator.dropout=0.3",
            ],
        ),
        (["loss.name=wasserstein", *PAPER], ["optimizer.name=adam (paper: rmsprop), train.generator_learning_rate"]),
        (["loss.name=hinge"], []),
        (["loss.name=relativistic"], ["regularisers.r1 is off (paper: on), regularisers.r2 is off (paper: on)"]),
        (["loss.name=relativistic", "regularisers.r1.weight=1", "regularisers.r2.weight=0"], ["r2 is off (paper: on)"]),
        (["loss.name=relativistic", "regularisers.r1.weight=1", "regularisers.r2={weight: {start: 1, end: 0}}"], []),
    ],
)
def test_what_differs_from_the_paper_of_a_loss_is_named_once(
    sets: list[str], named: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    build.check(override(Config(), sets), DIGITS)
    told = [line for line in capsys.readouterr().err.splitlines() if "than those of its paper" in line]
    assert len(told) == bool(named)
    assert all(each in told[0] for each in named)
    build.check_config(override(Config(), sets))
    assert "than those of its paper" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("sets", "warned"),
    [
        ([*WGAN_GP, "regularisers.r1.weight=1"], True),
        ([*WGAN_GP, "regularisers.lecam.weight=1"], False),
        (["loss.name=hinge", "regularisers.r1.weight=1"], False),
    ],
)
def test_penalties_that_pull_the_gradient_to_different_norms_are_named(
    sets: list[str], warned: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    build.warn_if_unusual(override(Config(), sets))
    told = "loss.gradient_penalty=10.0 pulls the norm of the gradient to 1, and regularisers.r1 to 0"
    assert (told in capsys.readouterr().err) == warned


def with_batch_norm(options: Any, image_shape: tuple[int, int, int], classes: int | None = None) -> keras.Model:
    images = keras.Input(image_shape)
    body = keras.Sequential([keras.layers.Flatten(), keras.layers.BatchNormalization()])
    features = body(images)
    return keras.Model(images, (keras.layers.Dense(1)(features), features))


@pytest.mark.parametrize(
    ("sets", "named"),
    [
        (["regularisers.r1.weight=1", "regularisers.r2.weight=1"], "regularisers.r1 and regularisers.r2 need"),
        (["loss.name=wgan_gp"], "loss.gradient_penalty need"),
        (["regularisers.r1.weight=0", "regularisers.lecam.weight=1", "regularisers.kl.weight=1"], None),
    ],
)
def test_a_gradient_of_each_logit_in_its_own_image_needs_a_discriminator_without_batchnorm(
    sets: list[str], named: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = dataclasses.replace(DISCRIMINATORS["dcgan"], make=with_batch_norm)
    monkeypatch.setitem(DISCRIMINATORS, "dcgan", entry)
    config = override(Config(), sets)
    if named is None:
        build.build_discriminator(config, DIGITS)
    else:
        with pytest.raises(
            ConfigError, match=rf"{named} .*depends on its own image only; got .*=dcgan, which has Batch"
        ):
            build.build_discriminator(config, DIGITS)
    monkeypatch.undo()
    build.build_discriminator(override(config, ["discriminator.width=0.05"]), DIGITS)


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (["discriminator.packing=2", "generator.conditional=true"], r"packing=2 needs an unconditional generator"),
        (["discriminator.packing=3"], r"train.batch_size must be a multiple of discriminator.packing=3; got 64"),
        (
            ["loss.name=relativistic", "regularisers.kl={estimator: density_ratio}"],
            r"density_ratio needs a loss whose logit is a log density ratio; got loss.name=relativistic",
        ),
    ],
)
def test_new_terms_that_contradict_others_are_refused(sets: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build.check_config(override(Config(), sets))


@pytest.mark.parametrize("name", config_names())
def test_shipped_experiments_train_as_the_paper_of_their_loss(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    build.warn_if_unusual(load(name))
    assert "than those of its paper" not in capsys.readouterr().err


def test_a_source_is_found_by_its_name() -> None:
    from gan.data.sources import SOURCES

    assert build.source("digits") is SOURCES["digits"]
    with pytest.raises(ConfigError, match='did you mean "folder"'):
        build.source("foldr")


@pytest.mark.parametrize("conditional", [False, True])
def test_the_networks_fit_the_dataset_and_each_other(conditional: bool) -> None:
    config = Config(
        generator=Generator(width=0.05, latent_size=6, conditional=conditional),
        discriminator=Discriminator(width=0.05),
    )
    generator, discriminator = build.build_generator(config, DIGITS), build.build_discriminator(config, DIGITS)
    latents, labels = tf.zeros([2, 6]), tf.constant([0, 2])
    images = generator([latents, labels] if conditional else latents, training=False)
    logits, features = discriminator([images, labels] if conditional else images, training=False)
    assert images.shape == (2, *DIGITS.image_shape)
    assert logits.shape == (2, 1)
    assert features.shape[0] == 2
    assert len(generator.inputs) == len(discriminator.inputs) == 1 + conditional


def test_a_conditional_network_has_a_row_for_each_class() -> None:
    config = Config(**NARROW | {"generator": Generator(width=0.05, conditional=True)})
    for network in (build.build_generator(config, DIGITS), build.build_discriminator(config, DIGITS)):
        assert network.get_layer("embed_label").input_dim == len(DIGITS.classes)


@pytest.mark.parametrize("make", [build.build_generator, build.build_discriminator])
def test_building_checks_what_it_needs(make: Any) -> None:
    with pytest.raises(ConfigError, match="needs a dataset with labels"):
        make(Config(generator=Generator(conditional=True)), unlabelled())


def test_the_loss_takes_its_settings_from_the_config() -> None:
    assert build.build_loss(Config(loss=wgan_gp.Options(gradient_penalty=3.0))).gradient_penalty == 3.0


def test_there_is_no_regulariser_of_weight_zero() -> None:
    assert build.build_regularisers(Config()) == ()
    assert build.build_regularisers(override(Config(), ["regularisers.kl.weight=0"])) == ()
    (made,) = build.build_regularisers(override(Config(), ["regularisers.kl.weight=0.5"]))
    assert (made.name, made.weight) == ("kl", 0.5)


def test_adam_takes_both_betas() -> None:
    made = build.build_optimizer(Config(optimizer=adam.Options(beta_1=0.0, beta_2=0.9)), 3e-4)
    assert isinstance(made, keras.optimizers.Adam)
    assert (made.beta_1, made.beta_2) == (0.0, 0.9)
    assert float(made.learning_rate) == pytest.approx(3e-4)


def test_rmsprop_has_a_rho_of_its_own() -> None:
    made = build.build_optimizer(Config(optimizer=rmsprop.Options(rho=0.95)), 5e-5)
    assert isinstance(made, keras.optimizers.RMSprop)
    assert made.rho == 0.95
    assert rmsprop.Options().rho == keras.optimizers.RMSprop().rho


def test_the_first_update_of_rmsprop_is_the_learning_rate_over_the_root_of_one_minus_rho() -> None:
    """The mean square begins at 0, so after one gradient g it is (1 - rho) g^2."""
    for rho, times in ((0.9, 1 / math.sqrt(0.1)), (0.999, 31.6228)):
        variable = keras.Variable([1.0])
        made = build.build_optimizer(Config(optimizer=rmsprop.Options(rho=rho)), 0.01)
        made.apply([tf.constant([5.0])], [variable])
        assert 1.0 - float(variable[0]) == pytest.approx(0.01 * times, rel=1e-4)


def test_importing_it_does_not_import_tensorflow() -> None:
    code = "import sys, gan.build; sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_template_that_can_not_be_filled_in_is_found_before_any_work() -> None:
    build.check_config(override(Config(), ["retrain.message={{ name }}: {{ event }}"]))
    with pytest.raises(ConfigError, match=r"retrain\.message is not a valid template: .*'nme' is undefined"):
        build.check_config(override(Config(), ["retrain.message={{ nme }}"]))
