"""Configs of earlier releases: read with a warning, and with the ids and hashes that they had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gan import config
from gan.config import Config, from_dict, from_record, override
from gan.errors import ConfigError
from gan.losses import non_saturating
from gan.options import keys
from gan.regularisers import REGULARISERS, kl
from gan.train.run import default_run_id, differences, training_config
from gan.util.ids import content_hash

OLD_KEYS: dict[str, tuple[list[str], str, str]] = {
    "defaults": ([], "digits-1e6141393bdc", "9e8118b5bf66"),
    "KL": (["loss.kl_weight=0.1"], "digits-cd8195c21254", "157b6ac4318b"),
    "density ratio": (
        ["loss.kl_weight=0.1", "loss.kl_estimator=density_ratio"],
        "digits-ed3624d756d6",
        "95f72b10dc2f",
    ),
    "an estimator that is off": (["loss.kl_estimator=density_ratio"], "digits-1efbd78c22d4", "c2cf745dc1d7"),
    "RMSprop": (["train.optimizer=rmsprop", "train.rho=0.99"], "digits-3f768b3ba13b", "d6ce5a769417"),
    "RMSprop with its default": (["train.optimizer=rmsprop"], "digits-7eaead3d0922", "cba444e98b67"),
    "Adam": (["train.beta_1=0.0", "train.beta_2=0.9"], "digits-46bed4a830d4", "0417c6d4c57f"),
    "hinge": (["loss.name=hinge", "train.start_from=other@9"], "digits-8d734c402078", "a69460547645"),
    "clipped": (["loss.name=wasserstein", "loss.clip_value=0.02"], "digits-f64514d4aa1b", "55c5b417d965"),
    "penalty": (["loss.name=wgan_gp", "loss.gradient_penalty=3.0"], "digits-b159472728dc", "105bbba8da78"),
    "labels": (
        ["loss.label_smoothing=0.1", "loss.label_noise=0.2", "loss.name=minimax"],
        "digits-a16ca55df46d",
        "ddb6b080ce65",
    ),
    "warm start": (
        ["train.start_from=other@9", "train.ema_decay=0.5", "generator.conditional=true"],
        "digits-df83e916dd9e",
        "190a554ad2a9",
    ),
}
"""Keys of that release, with the run id and the hash that it gave them."""


def hashes(made: Config) -> tuple[str, str]:
    return default_run_id(made, "d1"), content_hash(made.to_record())


def as_tree(sets: list[str]) -> dict[str, Any]:
    """What a YAML file with these keys holds."""
    tree: dict[str, Any] = {}
    for item in sets:
        path, _, text = item.partition("=")
        group, _, name = path.partition(".")
        tree.setdefault(group, {})[name] = yaml.safe_load(text)
    return tree


@pytest.mark.parametrize("name", OLD_KEYS)
def test_earlier_keys_give_the_ids_and_hashes_that_they_gave(name: str) -> None:
    sets, run_id, record = OLD_KEYS[name]
    assert hashes(override(Config(), sets)) == (run_id, record)
    assert hashes(from_dict(as_tree(sets))) == (run_id, record)


@pytest.mark.parametrize("name", OLD_KEYS)
def test_a_record_is_read_back_as_the_config_that_made_it(name: str) -> None:
    made = override(Config(), OLD_KEYS[name][0])
    again = from_record(made.to_record(), where="the record")
    assert hashes(again) == hashes(made)
    assert differences(training_config(made), again) == []


@pytest.mark.parametrize(
    ("sets", "now"),
    [
        (["loss.kl_weight=0.5"], ["regularisers.kl.weight=0.5"]),
        (["train.optimizer=rmsprop"], ["optimizer.name=rmsprop"]),
        (["train.beta_1=0.1"], ["optimizer.beta_1=0.1"]),
        (["train.beta_2=0.8"], ["optimizer.beta_2=0.8"]),
        (["train.optimizer=rmsprop", "train.rho=0.7"], ["optimizer.name=rmsprop", "optimizer.rho=0.7"]),
    ],
)
def test_an_earlier_key_is_read_with_a_warning(
    sets: list[str], now: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = override(Config(), now)
    assert capsys.readouterr().err == ""
    assert override(Config(), sets) == expected
    file = tmp_path / "old.yaml"
    file.write_text(yaml.safe_dump({"name": "digits", **as_tree(sets)}))
    told = [capsys.readouterr().err]
    assert config.load(str(file)) == expected
    told.append(capsys.readouterr().err)
    for item, new in zip(sets, now, strict=True):
        old, path = item.partition("=")[0], new.partition("=")[0]
        assert all(f"the config key {old} is now {path}; the old name will be refused" in each for each in told)


@pytest.mark.parametrize(
    ("tree", "path"),
    [
        ({"loss": {"kl_weight": 0.1}, "regularisers": {"kl": {"weight": 0.2}}}, "regularisers.kl.weight"),
        ({"loss": {"kl_weight": 0.0}, "regularisers": {"kl": {"weight": 0.2}}}, "regularisers.kl.weight"),
        ({"train": {"beta_1": 0.1}, "optimizer": {"beta_1": 0.2}}, "optimizer.beta_1"),
        ({"train": {"optimizer": "adam"}, "optimizer": {"name": "rmsprop"}}, "optimizer.name"),
    ],
)
def test_a_key_by_its_old_and_by_its_new_name_is_refused(tree: dict[str, Any], path: str) -> None:
    with pytest.raises(ConfigError, match=rf"{path} is given twice, by its old and by its new name"):
        from_dict(tree)


def test_an_earlier_key_joins_present_ones_of_its_group() -> None:
    made = from_dict({"loss": {"kl_estimator": "density_ratio"}, "regularisers": {"kl": {"weight": 0.2}}})
    assert made.regularisers == {"kl": kl.Options(weight=0.2, estimator="density_ratio")}


def test_an_earlier_key_of_the_regulariser_alone_does_not_turn_it_on() -> None:
    for made in (
        override(Config(), ["loss.kl_estimator=density_ratio"]),
        from_dict({"loss": {"kl_estimator": "density_ratio"}}),
    ):
        assert made.regularisers["kl"].weight == 0
    assert from_dict({"loss": {"kl_weight": 0, "kl_estimator": "gaussian"}}) == Config()


def test_defaults_of_keys_that_another_choice_has_are_left_out() -> None:
    """Once every config in full had all keys of all losses, and both optimisers' keys."""
    full = {"label_smoothing": 0.0, "label_noise": 0.0, "clip_value": 0.01, "gradient_penalty": 10.0}
    made = from_dict({"loss": {"name": "hinge", **full}, "train": {"optimizer": "adam", "beta_1": 0.5, "rho": 0.9}})
    assert made == override(Config(), ["loss.name=hinge"])
    with pytest.raises(ConfigError, match=r"loss.clip_value has no effect with loss.name=hinge; got 0.02"):
        from_dict({"loss": {"name": "hinge", **full, "clip_value": 0.02}})


@pytest.mark.parametrize("name", sorted(set(REGULARISERS) - {"kl"}))
def test_a_regulariser_is_on_record_unless_its_weight_is_0(name: str) -> None:
    on, off = (override(Config(), [f"regularisers.{name}.weight={weight}"]) for weight in (0.5, 0))
    assert hashes(off) == hashes(Config())
    assert on.to_record()["regularisers"] == {name: on.to_dict()["regularisers"][name]}
    assert hashes(on) != hashes(Config())
    assert hashes(from_record(on.to_record(), where="the record")) == hashes(on)


NEW_KEYS = [
    "discriminator.packing=2",
    "train.ema_half_life_images=500",
    "train.ema_ramp_up=0.1",
    "train.generator_learning_rate={start: 1.0e-3, end: 1.0e-4}",
    "optimizer.beta_2={name: linear, start: 0.9, end: 0.99, steps: 10}",
    "loss.name=relativistic",
    "loss.name=least_squares",
]


@pytest.mark.parametrize("item", NEW_KEYS)
def test_a_new_key_makes_another_run_and_its_default_does_not(item: str) -> None:
    made = override(Config(), [item])
    assert hashes(made)[0] != hashes(Config())[0]
    assert config.from_yaml(made.to_yaml()) == made
    assert hashes(from_record(made.to_record(), where="the record")) == hashes(made)
    assert differences(training_config(made), made) == []
    assert differences(training_config(Config()), made)


def test_a_schedule_without_a_length_makes_the_steps_decide() -> None:
    """A run can't go on with more steps where that would change its learning rates; with a length of its own it can."""
    fixed, free = ({"start": 1e-3, "end": 1e-4, **length} for length in ({"steps": 50}, {}))
    for rate, changed in ((fixed, False), (free, True)):
        short, longer = (from_dict({"train": {"generator_learning_rate": rate, "steps": n}}) for n in (100, 200))
        found = differences(training_config(short), longer)
        assert found == ["train.generator_learning_rate.steps (was 100, now 200)"] * changed


def test_a_loss_takes_only_what_it_has() -> None:
    assert from_dict({"loss": {"name": "relativistic"}}).to_dict()["loss"] == {"name": "relativistic"}
    with pytest.raises(ConfigError, match=r"loss.label_smoothing has no effect with loss.name=relativistic; got 0.1"):
        from_dict({"loss": {"name": "relativistic", "label_smoothing": 0.1}})
    with pytest.raises(ConfigError, match=r'unknown config key "loss.label_smothing"; did you mean'):
        from_dict({"loss": {"label_smothing": 0.1}})


def test_another_loss_drops_keys_with_a_note(capsys: pytest.CaptureFixture[str]) -> None:
    smooth = from_dict({"loss": {"label_smoothing": 0.1, "label_noise": 0.2}})
    kept = override(smooth, ["loss.name=minimax"])
    assert capsys.readouterr().err == ""
    assert (kept.loss.label_smoothing, kept.loss.label_noise) == (0.1, 0.2)
    assert override(smooth, ["loss.name=hinge"]).to_dict()["loss"] == {"name": "hinge"}
    told = capsys.readouterr().err
    assert "loss.name=hinge has no loss.label_smoothing (was 0.1), loss.label_noise (was 0.2): dropped" in told
    override(Config(), ["loss.name=hinge"])
    assert "dropped" not in capsys.readouterr().err, "nobody set a default"
    set_after = override(smooth, ["loss.clip_value=0.5", "loss.name=wasserstein"])
    assert set_after.to_dict()["loss"] == {"name": "wasserstein", "clip_value": 0.5}


def test_the_default_loss_has_the_keys_of_non_saturating() -> None:
    assert Config().loss == non_saturating.Options()
    assert {item.name for item in keys(non_saturating.Options)} == {"label_smoothing", "label_noise"}
