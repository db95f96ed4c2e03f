from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan import config
from gan.config import Config, Data, Train, migrate
from gan.errors import ConfigError, NotFoundError
from gan.util.ids import content_hash


@pytest.mark.parametrize("name", config.names())
def test_shipped_configs_load_and_survive_yaml(name: str) -> None:
    loaded = config.load(name)
    assert loaded.name == name
    assert config.from_yaml(loaded.to_yaml()) == loaded
    assert config.summary(name)


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (["train.stps=4"], 'unknown config key "train.stps"; did you mean "train.steps"?'),
        (["trian.steps=4"], 'unknown group in --set: "trian"; did you mean "train"?'),
        (["train.steps"], 'takes group.key=value, for example train.steps=500; got "train.steps"'),
        (["steps=4"], 'got "steps=4"'),
        (["train.steps=many"], "train.steps must be a whole number; got 'many'"),
        (["train.steps=1.5"], "train.steps must be a whole number; got 1.5"),
        (["train.steps=true"], "train.steps must be a whole number; got True"),
        (["train.steps=0"], "train.steps must be at least 1; got 0"),
        (["train.steps=null"], "train.steps must be a whole number; got None"),
        (["train.steps=[1"], "train.steps must be a whole number; got '[1'"),
        (["data.flip=1"], "data.flip must be true or false; got 1"),
        (["data.crop=wide"], "data.crop must be a whole number or null; got 'wide'"),
        (["data.resizer=bicubik"], 'unknown data.resizer "bicubik"; did you mean "bicubic"?'),
        (["loss.label_smoothing=0.7"], "loss.label_smoothing must be at least 0 and at most 0.5; got 0.7"),
        (["train.generator_learning_rate=.nan"], "train.generator_learning_rate must be finite; got nan"),
        (["name=../up"], "name must be 1 to 100 letters"),
    ],
)
def test_bad_overrides_name_value_and_allowance(sets: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.override(Config(), sets)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: 5", "train must be a mapping of keys to values; got 5"),
        ("- a", "the config must be a mapping of groups to keys; got list"),
        ("a: [", "the config is not valid YAML"),
        ("trains: {}", 'unknown key in the config: "trains"; did you mean "train"?'),
        ("train: {step: 5}", 'unknown config key "train.step"; did you mean "train.steps"?'),
        ("x: !!python/object/apply:os.system ['true']", "not valid YAML"),
    ],
)
def test_bad_yaml_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.from_yaml(text)
    assert message in str(caught.value)


def test_numbers_as_people_write_them() -> None:
    made = config.override(Config(), ["train.generator_learning_rate=1e-4", "train.steps=3.0", "generator.width=1"])
    assert made.train.generator_learning_rate == 1e-4
    assert made.train.steps == 3
    assert isinstance(made.generator.width, float)


def test_override_keeps_the_rest_and_later_wins() -> None:
    made = config.override(Config(), ["train.steps=5", "name=mine", "train.steps=6"])
    assert made == dataclasses.replace(Config(), name="mine", train=Train(steps=6))


@pytest.mark.parametrize("text", ["", "# to be written\n"])
def test_an_empty_file_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"mine\.yaml is empty"):
        config.from_yaml(text, where="mine.yaml")


def test_no_key_is_the_defaults() -> None:
    assert config.from_yaml("{}") == Config()


def test_load_takes_a_file(tmp_path: Any) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\ntrain: {steps: 7}\n")
    assert config.load(str(file), ["train.seed=3"]).train == Train(steps=7, seed=3)


def test_load_names_the_nearest_config() -> None:
    with pytest.raises(NotFoundError, match='did you mean "mnist"'):
        config.load("minst")


def test_load_refuses_what_is_not_text(tmp_path: Any) -> None:
    file = tmp_path / "binary.yaml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="can't read the config"):
        config.load(str(file))


@given(
    st.builds(
        Train,
        steps=st.integers(1, 10**9),
        batch_size=st.integers(2, 65536),
        seed=st.integers(0, 2**31 - 1),
        generator_learning_rate=st.floats(0, 1),
        ema_decay=st.floats(0, 0.9999),
        precision=st.sampled_from(["auto", "float32"]),
    ),
    st.builds(Data, source=st.none() | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]))),
)
def test_any_config_survives_yaml(train: Train, data: Data) -> None:
    made = Config(name="any", train=train, data=data)
    assert config.from_yaml(made.to_yaml()) == made


def test_text_that_yaml_takes_for_something_else() -> None:
    made = config.override(config.Config(), ["evaluate.checkpoint=500"])
    assert made.evaluate.checkpoint == "500"
    assert config.from_yaml(made.to_yaml()) == made


@pytest.mark.parametrize(
    "text",
    ["/data/a #b", "2024", "on", "/data/x: y", "~", "[a", "'quoted'", " spaced ", "https://h/a?b=c"],
)
def test_text_is_taken_as_it_stands(text: str) -> None:
    made = config.override(Config(), [f"data.source={text}"])
    assert made.data.source == text
    assert config.from_yaml(made.to_yaml()) == made


@pytest.mark.parametrize("text", ["null", ""])
def test_null_or_nothing_is_none_where_it_may_be(text: str) -> None:
    given = dataclasses.replace(Config(), data=Data(source="/a"))
    assert config.override(given, [f"data.source={text}"]).data.source is None
    with pytest.raises(ConfigError, match=r"unknown data\.resizer"):
        config.override(Config(), [f"data.resizer={text}"])


def test_a_name_is_text() -> None:
    assert config.override(Config(), ["name=007"]).name == "007"
    assert config.override(Config(), ["name=null"]).name == "null"
    with pytest.raises(ConfigError, match=r"name must be 1 to 100 letters.*got ''"):
        config.override(Config(), ["name="])
    with pytest.raises(ConfigError, match='unknown group in --set: "name"'):
        config.override(Config(), ["name.first=x"])


@pytest.mark.parametrize(
    ("sets", "limits", "margin"),
    [
        ([], {}, {"fid": "5%", "coverage": 0.05, "recall": 0.05}),
        (["gate.limits.fid=30", "gate.limits={recall: 0.2}"], {"recall": 0.2}, None),
        (["gate.limits={recall: 0.2}", "gate.limits.fid=30"], {"recall": 0.2, "fid": 30.0}, None),
        (["gate.limits.fid=30", "gate.limits.fid=null"], {}, None),
        (["gate.margin=0.5"], None, {"fid": 0.5, "coverage": 0.05, "recall": 0.05}),
        (["gate.margin.recall=0.2", "gate.margin=0.5"], None, {"fid": 0.5, "coverage": 0.05, "recall": 0.2}),
        (["gate.margin.fid=10%"], None, {"fid": "10%", "coverage": 0.05, "recall": 0.05}),
        (["gate.margin.recall=null"], None, {"fid": "5%", "coverage": 0.05, "recall": None}),
        (["gate.margin=null"], None, {"fid": None, "coverage": None, "recall": None}),
        (["gate.margin={kid: 0.01}"], None, {"fid": "5%", "coverage": 0.05, "recall": 0.05, "kid": 0.01}),
    ],
)
def test_a_key_of_many_scores_is_set_whole_or_score_by_score(
    sets: list, limits: dict | None, margin: dict | None
) -> None:
    made = config.override(Config(), sets)
    assert limits is None or made.gate.limits == limits
    assert margin is None or made.gate.margin == margin
    assert config.from_yaml(made.to_yaml()) == made


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("gate.margin=-1", r'gate.margin.fid must be at least 0, or a share such as "5%"; got -1'),
        ("gate.margin.fid=five", r'gate.margin.fid must be a finite number, or a share such as "5%"; got \'five\''),
        ("gate.margin.fid=.inf", r"gate.margin.fid must be a finite number"),
        ("data.options=3", r"data.options must map options to values, such as {seed: 1}; got 3"),
        ("gate.limits=3", r"gate.limits must map scores to limits, such as {coverage: 0.5}; got 3"),
        ("gate.limits.fid=low", r"gate.limits.fid must be a finite number, or null; got 'low'"),
        ("evaluate.metrics=", r"evaluate.metrics must be a list of names such as \[fid, kid\]; got None"),
        ("evaluate.metrics=fid,fid", r"evaluate.metrics must name each metric once; got fid, fid"),
        ("gate.confidence.fid=1", r'unknown config key "gate.confidence.fid"'),
    ],
)
def test_a_wrong_value_for_many_scores_names_the_score(item: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config.override(Config(), [item])


def test_options_of_a_source_are_set_one_by_one_and_null_is_the_default() -> None:
    made = config.override(Config(), ["data.options.seed=3", "data.options.draw=digits", "data.options.seed=null"])
    assert made.data.options == {"draw": "digits"}
    assert config.from_yaml(made.to_yaml()) == made
    assert made.to_record()["data"]["options"] == {"draw": "digits"}


@pytest.mark.parametrize("text", ["fid, kid", "[fid, kid]", "fid,kid"])
def test_metrics_are_a_list(text: str) -> None:
    assert config.override(Config(), [f"evaluate.metrics={text}"]).evaluate.metrics == ("fid", "kid")


def test_keys_of_the_release_before_are_read_as_what_they_are_now() -> None:
    old = {
        "evaluate": {"bootstrap": 50},
        "gate": {"most_fid": 30, "least_recall": 0.2, "most_kid": None, "against_live": "off"},
    }
    made = config.from_dict(old)
    assert made.gate.limits == {"fid": 30.0, "recall": 0.2}
    assert set(made.gate.margin.values()) == set(made.gate.anchor_margin.values()) == {None}
    better = config.override(Config(), ["gate.against_live=better", "gate.least_precision=0.5"])
    assert (better.gate.margin["fid"], better.gate.limits) == (0.0, {"precision": 0.5})


def test_a_user_hears_of_keys_with_another_name(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "old.yaml"
    file.write_text("gate: {least_recall: 0.2}\n")
    config.load(str(file), ["gate.against_live=off"])
    told = capfd.readouterr().err
    assert "gate.least_recall is now gate.limits.recall" in told
    assert "gate.against_live is now gate.margin" in told


@pytest.mark.parametrize(("group", "old"), migrate.RENAMED)
def test_an_old_name_of_a_key_is_read_with_a_warning(group: str, old: str, capsys: pytest.CaptureFixture[str]) -> None:
    new = migrate.RENAMED[group, old]
    value = {"confidence_threshold": 0.5, "max_pixel_difference": 3.0}.get(new, 7)
    assert getattr(getattr(config.override(Config(), [f"{group}.{old}={value}"]), group), new) == value
    assert f"{group}.{old} is now {group}.{new}" in capsys.readouterr().err
    assert getattr(getattr(config.from_dict({group: {old: value}}), group), new) == value
    with pytest.raises(ConfigError, match=rf"{group}\.{old} is now {group}\.{new}, and both are given"):
        config.from_dict({group: {old: value, new: value}})


def test_a_new_name_of_a_key_changes_no_hash() -> None:
    """The ids of sweeps and the recipes of references hash the whole config: these are of before keys were renamed."""
    assert content_hash(Config().to_record()) == "9e8118b5bf66"
