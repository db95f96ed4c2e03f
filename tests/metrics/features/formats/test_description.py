"""Descriptions: parsing, and the message for each wrong value."""

from __future__ import annotations

import json

import pytest
import yaml

from gan.errors import ConfigError
from gan.metrics.features.formats import description
from gan.metrics.features.formats.description import Description
from support.networks import DESCRIPTION


def parsed(**changes: object) -> Description:
    tree = {key: value for key, value in {**DESCRIPTION, **changes}.items() if value != ""}
    return description.parse(yaml.safe_dump(tree).encode(), "net.yaml")


def test_what_is_left_out_has_a_meaning() -> None:
    found = parsed(probabilities="")
    assert (found.layout, found.resizer, found.pool, found.input) == ("NHWC", "bicubic", None, None)
    assert found.probabilities is None
    assert (found.offset, found.divisor) == ((127.5,), (127.5,))
    assert found == parsed(probabilities=None, layout="NHWC", resizer="bicubic", pool=None, input=None)


def test_json_and_yaml_mean_the_same() -> None:
    assert description.parse(json.dumps(DESCRIPTION).encode(), "net.json") == parsed()


def test_its_meaning_is_all_but_the_name() -> None:
    assert parsed(name="other").hashed_fields() == parsed().hashed_fields()
    changes = (
        *({"input_size": [9, 8]}, {"input_size": None}, {"channels": 1}, {"features": "x"}, {"probabilities": "x"}),
        *({"input": "x"}, {"layout": "NCHW"}, {"resizer": "bilinear"}, {"pool": "mean"}),
        *({"scale": {"offset": 0, "divisor": 127.5}}, {"scale": {"offset": 127.5, "divisor": [1, 2, 3]}}),
    )
    meanings = {json.dumps(parsed(**each).hashed_fields()) for each in ({}, *changes)}
    assert len(meanings) == len(changes) + 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, r"net\.yaml lacks name; see docs/judges\.md"),
        ({"featurs": "x"}, r'net\.yaml: unknown key "featurs"; did you mean "features"\? Known: channels, features'),
        ({"name": "a b"}, r"name must be 1 to 40 letters.*; got 'a b'"),
        ({"name": "a" * 41}, r"name must be 1 to 40 letters"),
        ({"input_size": 8}, r"input_size must be \[height, width\] or null; got 8"),
        ({"input_size": [8, 8.5]}, r"input_size must be \[height, width\] or null"),
        ({"input_size": [0, 8]}, r"input_size must be two whole numbers from 1 to 2048; got \[0, 8\]"),
        ({"channels": 2}, r"channels must be 1 or 3; got 2"),
        ({"channels": True}, r"channels must be 1 or 3; got True"),
        ({"scale": 255}, r"scale must be \{offset: \.\.\., divisor: \.\.\.\}; got 255"),
        ({"scale": {"offset": 1}}, r"net\.yaml lacks divisor"),
        ({"scale": {"offset": 1, "divisor": 1, "mean": 0}}, r'unknown key of scale "mean"\. Known: divisor, offset'),
        ({"scale": {"offset": 1, "divisor": 0}}, r"scale\.divisor must be other than 0; got 0"),
        ({"scale": {"offset": [1, 2], "divisor": 1}}, r"scale\.offset must be a number, or a list of 3, one a channel"),
        ({"scale": {"offset": float("nan"), "divisor": 1}}, r"scale\.offset must be a number"),
        ({"features": 3}, r"features must be the name of a layer or tensor; got 3"),
        ({"probabilities": 3}, r"probabilities must be the name of a layer or tensor; got 3"),
        ({"layout": "CHW"}, r"layout must be NHWC or NCHW; got 'CHW'"),
        ({"resizer": "area"}, r"resizer must be bicubic or bilinear or lanczos3; got 'area'"),
        ({"pool": "max"}, r"pool must be mean or null; got 'max'"),
    ],
)
def test_what_is_wrong_is_reported(changes: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parsed(**changes)


@pytest.mark.parametrize(
    ("data", "where", "message"),
    [
        (b"- a\n- b", "net.yaml", r"net\.yaml must hold keys and values .*; got \['a', 'b'\]"),
        (b"a: [", "net.yaml", r"net\.yaml can't be read: "),
        (b"name: x", "net.json", r"net\.json can't be read: "),
        (b"\xff", "net.json", r"net\.json can't be read: "),
        (b"!!python/object/apply:os.getcwd []", "net.yaml", r"net\.yaml can't be read: could not determine a constr"),
    ],
)
def test_what_is_no_description_is_told(data: bytes, where: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        description.parse(data, where)
