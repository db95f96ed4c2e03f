from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gan.errors import ConfigError, NotFoundError
from pipelines.schedule.file import load_schedules

GOOD = {
    "name": "nightly",
    "config": "digits",
    "profile": "local",
    "image": "gan:1",
    "store": "s3://bucket",
    "cron": "0 2 * * *",
    "time_zone": "UTC",
}


def written(folder: Path, tree: Any) -> Path:
    path = folder / "schedules.yaml"
    path.write_text(tree if isinstance(tree, str) else yaml.safe_dump(tree), encoding="utf-8")
    return path


def test_a_file_and_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").touch()
    (schedule,) = load_schedules(written(tmp_path, {"schedules": [{**GOOD, "config": "mine.yaml", "set": ["seed=1"]}]}))
    assert schedule.config == str(tmp_path / "mine.yaml")
    assert schedule.profile == "local"
    assert schedule.set == ("seed=1",)
    assert (schedule.pipeline, schedule.promote_as, schedule.allow_tag) == ("retraining", None, False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"time_zone": None}, "time_zone"),
        ({"time_zone": ""}, "schedule nightly: time_zone is required. The zone of `cron`"),
        ({"time_zone": "Mars"}, "IANA"),
        ({"cron": "0 2 * *"}, "five fields"),
        ({"cron": "0 3 31 2 *"}, "never due"),
        ({"image": ""}, "image is required"),
        ({"name": "a/b"}, "the name of a schedule"),
        ({"name": "n" * 51}, "50 letters"),
        ({"set": "train.steps=1"}, "list of KEY=VALUE"),
        ({"crom": "x"}, 'unknown key of a schedule in .*"crom"; did you mean "cron"'),
        ({"pipeline": "sweep"}, 'unknown pipeline in schedule nightly: "sweep"'),
        ({"pipeline": "trainin"}, 'did you mean "training"'),
        ({"allow_tag": "yes please"}, "true or false"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_schedules(written(tmp_path, {"schedules": [{**GOOD, **change}]}))


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ("", "must hold one key, schedules, with a list of them; got nothing"),
        ("[]", "must hold one key, schedules, with a list of them; got a list"),
        ("schedules: {}", "must hold one key, schedules, with a list of them; got the keys schedules"),
        ("schedules: [1]", "each schedule must be a mapping of keys to values; got 1"),
        ("a: [", "is not valid YAML"),
        ({"schedules": [], "more": 1}, "got the keys more, schedules"),
        ({"schedules": [GOOD, GOOD]}, f"has 2 schedules named {GOOD['name']}; give each a name of its own"),
    ],
)
def test_what_is_no_file_of_schedules(tmp_path: Path, tree: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_schedules(written(tmp_path, tree))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="give the path"):
        load_schedules(tmp_path / "none.yaml")
