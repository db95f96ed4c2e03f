"""generator.json: read back as written, refused if it is invalid; labels by name and number."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from gan.errors import ConfigError, IntegrityError, NotFoundError
from gan.export import metadata
from gan.store import open_store
from support import generators


def test_it_reads_back_as_written() -> None:
    made = generators.generator_metadata(conditional=True)
    assert metadata.from_dict(json.loads(json.dumps(made.to_dict())), "here") == made


@pytest.mark.parametrize(
    "name", [each.name for each in dataclasses.fields(metadata.GeneratorMetadata) if each.name != "exported_at"]
)
def test_a_missing_key_is_named(name: str) -> None:
    tree = generators.generator_metadata(conditional=True).to_dict()
    del tree[name]
    with pytest.raises(IntegrityError, match=f"here is not what.*{name}"):
        metadata.from_dict(tree, "here")


def test_when_it_was_exported_may_be_unknown() -> None:
    tree = generators.generator_metadata(conditional=True).to_dict()
    assert metadata.from_dict({**tree, "exported_at": "2026-01-02"}, "here").exported_at == "2026-01-02"
    del tree["exported_at"]
    assert metadata.from_dict(tree, "here").exported_at == ""


@pytest.mark.parametrize("tree", [[], "text", None, {"image_shape": 3}])
def test_another_thing_altogether_is_refused(tree: Any) -> None:
    with pytest.raises(IntegrityError, match="export the run again"):
        metadata.from_dict(tree, "here")


def test_it_is_read_from_the_store(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    generator_id = generators.publish(store, conditional=False)
    assert metadata.read(store, generator_id) == generators.generator_metadata(conditional=False)
    with pytest.raises(NotFoundError, match=generator_id):
        metadata.read(store, "gen-000000000000")


@pytest.mark.parametrize(("wanted", "label"), [("cats", 0), ("owls", 2), ("0", 0), ("2", 2)])
def test_a_label_by_name_or_number(wanted: str, label: int) -> None:
    assert generators.generator_metadata(conditional=True).label_of(wanted) == label


def test_a_name_that_looks_like_a_number_is_a_name() -> None:
    made = dataclasses.replace(generators.generator_metadata(conditional=True), classes=("1", "0"))
    assert made.label_of("1") == 0


@pytest.mark.parametrize("wanted", ["owl", "3", "-1", "1.0", "", "²"])
def test_an_unknown_label_lists_the_known(wanted: str) -> None:
    with pytest.raises(ConfigError, match=r"cats, dogs, owls\. Or give a number from 0 to 2"):
        generators.generator_metadata(conditional=True).label_of(wanted)


def test_no_labels_without_conditions() -> None:
    with pytest.raises(ConfigError, match=r"generator\.conditional=false"):
        generators.generator_metadata(conditional=False).label_of("cats")
