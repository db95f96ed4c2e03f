"""Sampling: from the published files only, reproducible by seed, with clear errors for wrong arguments."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gan.errors import ConfigError, IntegrityError, NotFoundError
from gan.export import latents
from gan.export import sample as step
from gan.export.sample import sample
from gan.store import Store, alias, open_store
from gan.util.images import to_pixels
from support import generators

SCALE = 12  # of images of 8 x 8 pixels
TILE = 8 * SCALE + 2


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(str(tmp_path_factory.mktemp("store")))


@pytest.fixture(scope="module")
def conditional(store: Store) -> str:
    return generators.publish(store, conditional=True, channels=3)


@pytest.fixture(scope="module")
def plain(store: Store) -> str:
    return generators.publish(store, conditional=False)


def tiles(path: Path, columns: int, count: int) -> np.ndarray:
    """The images of a drawn grid at their own size."""
    canvas = np.asarray(Image.open(path))
    return np.stack(
        [
            canvas[row * TILE : row * TILE + 96 : SCALE, column * TILE : column * TILE + 96 : SCALE]
            for row, column in (divmod(index, columns) for index in range(count))
        ]
    )


def test_it_draws_what_the_generator_draws(store: Store, plain: str, tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder" / "a.png"
    result = sample(store, out, generator_id=plain, count=7, seed=3)
    expected = generators.network(conditional=False)(latents.draw(7, 6, 3), training=False)
    drawn = tiles(out, 3, 7).astype(int)
    assert np.abs(drawn - to_pixels(np.asarray(expected))[..., 0]).max() <= 1  # a rounding may fall the other way
    assert (result.id, result.uri) == (plain, str(out))
    assert result.details["count"] == 7
    assert Image.open(out).size == (3 * TILE - 2, 3 * TILE - 2)
    json.dumps(result.to_dict())


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (5, 5, 1), (10, 5, 2), (13, 4, 4), (16, 4, 4)])
def test_rows_are_full_where_that_makes_no_ribbon(
    store: Store, plain: str, tmp_path: Path, count: int, columns: int, rows: int
) -> None:
    sample(store, tmp_path / "a.png", generator_id=plain, count=count)
    assert Image.open(tmp_path / "a.png").size == (columns * TILE - 2, rows * TILE - 2)


def test_the_same_seed_gives_the_same_bytes(store: Store, plain: str, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        sample(store, tmp_path / f"{name}.png", generator_id=plain, count=4, seed=seed)
    a, b, c = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_classes_are_drawn_in_turn_or_as_requested(store: Store, conditional: str, tmp_path: Path) -> None:
    network = generators.network(conditional=True, channels=3)
    points = latents.draw(4, 6, 0)
    for path, labels, wish, columns in (
        ("turn.png", [0, 1, 2, 0], None, 3),  # a column a class
        ("owls.png", [2, 2, 2, 2], "owls", 2),
        ("1.png", [1, 1, 1, 1], "1", 2),
    ):
        result = sample(store, tmp_path / path, generator_id=conditional, count=4, label=wish)
        expected = to_pixels(np.asarray(network([points, np.array(labels, np.int32)], training=False)))
        assert np.abs(tiles(tmp_path / path, columns, 4).astype(int) - expected).max() <= 1
        assert result.details["label"] == (None if wish is None else generators.CLASSES[labels[0]])


def test_rows_walk_within_one_class(store: Store, conditional: str, tmp_path: Path) -> None:
    sample(store, tmp_path / "row.png", generator_id=conditional, count=16, interpolate=True, seed=5)
    network = generators.network(conditional=True, channels=3)
    labels = np.repeat(np.array([0, 1], np.int32), 8)
    expected = to_pixels(np.asarray(network([latents.interpolations(2, 8, 6, 5), labels], training=False)))
    assert np.abs(tiles(tmp_path / "row.png", 8, 16).astype(int) - expected).max() <= 1


def test_one_short_row(store: Store, plain: str, tmp_path: Path) -> None:
    sample(store, tmp_path / "row.png", generator_id=plain, count=5, interpolate=True)
    assert Image.open(tmp_path / "row.png").size == (5 * TILE - 2, TILE - 2)


def test_truncation_changes_the_pictures(store: Store, plain: str, tmp_path: Path) -> None:
    sample(store, tmp_path / "free.png", generator_id=plain, count=4)
    result = sample(store, tmp_path / "calm.png", generator_id=plain, count=4, truncation=0.5)
    assert result.details["truncation"] == 0.5
    assert (tmp_path / "free.png").read_bytes() != (tmp_path / "calm.png").read_bytes()


def test_by_name_it_draws_the_live_one(store: Store, plain: str, conditional: str, tmp_path: Path) -> None:
    for index, generator_id in enumerate((plain, conditional)):
        move = alias.Promotion(generator_id, "promote", f"2026-01-0{index + 1}T00:00:00+00:00")
        alias.update(store, alias.read(store, "pets"), move)
        assert sample(store, tmp_path / "a.png", name="pets", count=1).id == generator_id


def test_many_small_pictures_stay_within_a_wide_screen(store: Store, plain: str, tmp_path: Path) -> None:
    sample(store, tmp_path / "a.png", generator_id=plain, count=2500)
    assert Image.open(tmp_path / "a.png").size[0] <= step.MAX_SHOWN_WIDTH + 2 * 50


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"count": 0}, r"--count must be between 1 and 10000 .*got 0"),
        ({"count": -3}, r"got -3"),
        ({"count": 10**9}, r"between 1 and 10000 for pictures of 8 x 8 pixels; got 1000000000"),
        ({"seed": -1}, r"--seed must be at least 0; got -1"),
        ({"truncation": 0.0}, r"--truncation must be a finite number of at least 0\.01; got 0\.0"),
        ({"truncation": -1.0}, r"--truncation"),
        ({"truncation": math.nan}, r"--truncation"),
        ({"truncation": math.inf}, r"--truncation"),
        ({"interpolate": True, "count": 1}, r"--interpolate, --count must be 2 to 8 .*got 1"),
        ({"interpolate": True, "count": 12}, r"a multiple of 8.*got 12"),
        ({"label": "cats"}, r"generator\.conditional=false"),
        ({"name": "pets"}, r"either --generator-id or --name"),
    ],
)
def test_a_wrong_wish_is_refused(store: Store, plain: str, tmp_path: Path, wish: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        sample(store, tmp_path / "a.png", **{"generator_id": plain, **wish})
    assert not list(tmp_path.iterdir())


def test_an_unknown_label_names_the_nearest(store: Store, conditional: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'unknown --label "owl"; did you mean "owls"\?'):
        sample(store, tmp_path / "a.png", generator_id=conditional, label="owl")


def test_neither_id_nor_name(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="either --generator-id or --name"):
        sample(store, tmp_path / "a.png")


def test_unknown_generators_and_names_list_the_known(store: Store, plain: str, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=plain):
        sample(store, tmp_path / "a.png", generator_id="gen-nothere")
    with pytest.raises(NotFoundError, match='nothing was ever promoted to "nobody"'):
        sample(store, tmp_path / "a.png", name="nobody")


def test_what_is_refused_leaves_no_folders(store: Store, plain: str, tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder" / "a.png"
    with pytest.raises(NotFoundError, match=plain):
        sample(store, out, generator_id="gen-nothere")
    with pytest.raises(ConfigError, match="--count"):
        sample(store, out, generator_id=plain, count=0)
    assert not list(tmp_path.iterdir())


def test_out_must_be_a_png_file_in_a_folder_that_can_be_written(store: Store, plain: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder.png").mkdir()
    for out, message in (
        ("a.jpg", "must end in .png"),
        ("a", "must end in .png"),
        ("folder.png", "is a folder"),
        ("file/a.png", "can't write --out"),
    ):
        with pytest.raises(ConfigError, match=message):
            sample(store, tmp_path / out, generator_id=plain)


def test_out_without_permission(store: Store, plain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere, so the system is asked
    with pytest.raises(ConfigError, match="no permission to write --out"):
        sample(store, tmp_path / "a.png", generator_id=plain)


def test_a_full_disk_leaves_nothing_behind(store: Store, plain: str, small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(b"x" * 2_097_152)
    with pytest.raises(ConfigError, match="can't write --out"):
        sample(store, small_disk / "a.png", generator_id=plain, count=400)
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]


def test_a_damaged_generator_is_not_used(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    generator_id = generators.publish(store, conditional=False)
    (weights,) = (tmp_path / "store" / "generators" / generator_id).rglob("variables.data*")
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)
    with pytest.raises(IntegrityError, match=r"variables\.data"):
        sample(store, tmp_path / "a.png", generator_id=generator_id)
    assert not (tmp_path / "a.png").exists()
