"""Directions of a linear generator, as a network with known outputs names them: found, kept, chosen and refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gan.cli.main import main
from gan.errors import ConfigError, NotFoundError, StoreError
from gan.export import directions as records
from gan.export import find_directions, latents
from gan.export.find_directions import directions
from gan.export.sample import sample
from gan.store import Store, open_store
from gan.util.images import to_pixels
from support import generators, linear, objects

SAMPLES = 2000


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


@pytest.fixture
def fewer_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find_directions, "SAMPLES", SAMPLES)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, str, str]:
    """A store, and a generator in it whose directions were found by the attributes of a reference."""
    store = open_store(str(tmp_path_factory.mktemp("faces")))
    reference_id = linear.publish_reference(store)
    generator_id = linear.publish_generator(store, reference_id=reference_id)
    directions(store, generator_id=generator_id, samples=SAMPLES)
    return store, generator_id, reference_id


def test_linear_attributes_have_their_known_directions(faces: tuple[Store, str, str]) -> None:
    store, generator_id, reference_id = faces
    found = records.read(store, generator_id)
    assert found is not None
    assert (found.reference_id, found.samples, list(found.by_name)) == (reference_id, SAMPLES, list(linear.ATTRIBUTES))
    for name in ("Smiling", "Male"):
        assert found.by_name[name].vector @ linear.DIRECTIONS[name] > 0.995
        assert found.by_name[name].auc > 0.99
        assert found.by_name[name].share == pytest.approx(0.5, abs=0.05)


def test_what_no_direction_leads_to_is_not_usable(faces: tuple[Store, str, str]) -> None:
    store, generator_id, _ = faces
    found = directions(store, generator_id=generator_id).details["directions"]
    assert found["Extreme"]["auc"] < records.MIN_AUC
    assert found["Bald"]["auc"] is None
    assert {name: each["usable"] for name, each in found.items()} == {
        "Smiling": True,
        "Male": True,
        "Extreme": False,
        "Bald": False,
    }


def test_they_are_kept_until_others_are_asked_for(faces: tuple[Store, str, str], tmp_path: Path) -> None:
    store, generator_id, reference_id = faces
    again = directions(store, generator_id=generator_id, reference_id=reference_id)
    assert again.skipped
    assert again.uri == store.uri_of(f"directions/{generator_id}.json")
    shutil.copytree(store.uri, tmp_path / "copy")
    own = open_store(str(tmp_path / "copy"))
    more = directions(own, generator_id=generator_id, samples=200)
    assert (more.skipped, more.details["samples"], more.details["reference_id"]) == (False, 200, reference_id)
    other = linear.publish_reference(own, "classes")
    replaced = directions(own, generator_id=generator_id, reference_id=other, samples=100)
    assert list(replaced.details["directions"]) == list(linear.CLASSES)
    assert directions(own, generator_id=generator_id).details["reference_id"] == other


def test_the_same_inputs_find_the_same_bytes(faces: tuple[Store, str, str], tmp_path: Path) -> None:
    store, generator_id, _ = faces
    shutil.copytree(store.uri, tmp_path / "copy")
    own = open_store(str(tmp_path / "copy"))
    own.delete(records.key_of(generator_id))
    directions(own, generator_id=generator_id, samples=SAMPLES)
    assert own.read(records.key_of(generator_id)) == store.read(records.key_of(generator_id))


def test_classes_of_an_unconditional_generator(store: Store) -> None:
    generator_id = linear.publish_generator(store, reference_id=linear.publish_reference(store, "classes"))
    found = directions(store, generator_id=generator_id, samples=5000)
    assert list(found.details["directions"]) == list(linear.CLASSES)
    known = records.read(store, generator_id)
    assert known is not None
    cats = known.by_name["cats"].vector
    # towards its own latent value, and by symmetry equally away from the others
    np.testing.assert_allclose(cats[:3] / cats[0], [1, -0.5, -0.5], atol=0.1)
    np.testing.assert_allclose(cats[3:], 0, atol=0.05)


def tiles(path: Path, columns: int, rows: int) -> np.ndarray:
    canvas = np.asarray(Image.open(path)).astype(int)
    return np.stack(
        [[canvas[r * 98 : r * 98 + 96 : 12, c * 98 : c * 98 + 96 : 12] for c in range(columns)] for r in range(rows)]
    )


def drawn(points: np.ndarray) -> np.ndarray:
    """The pixels of latents [..., Z], by the linear generator."""
    return to_pixels((points @ linear.basis()).reshape(*points.shape[:-1], linear.SIDE, linear.SIDE)).astype(int)


def vector(faces: tuple[Store, str, str], name: str) -> np.ndarray:
    found = records.read(*faces[:2])
    assert found is not None
    return found.by_name[name].vector


def test_sample_moves_every_latent(faces: tuple[Store, str, str], tmp_path: Path) -> None:
    store, generator_id, _ = faces
    wanted = ["Smiling=+2", "Male=-1"]
    outcome = sample(store, tmp_path / "a.png", generator_id=generator_id, count=4, seed=5, directions=wanted)
    points = latents.draw(4, linear.Z, 5) + 2 * vector(faces, "Smiling") - vector(faces, "Male")
    assert np.abs(tiles(tmp_path / "a.png", 2, 2).reshape(4, 8, 8) - drawn(points)).max() <= 1
    assert [(each["name"], each["start"], each["end"]) for each in outcome.details["directions"]] == [
        ("Smiling", 2, 2),
        ("Male", -1, -1),
    ]
    assert outcome.details["directions"][0]["auc"] > 0.99
    json.dumps(outcome.to_dict())


def test_a_sweep_is_one_latent_in_each_row(faces: tuple[Store, str, str], tmp_path: Path) -> None:
    store, generator_id, _ = faces
    options: dict[str, Any] = {"generator_id": generator_id, "count": 16, "directions": ["Smiling=-3..3", "Male=1"]}
    sample(store, tmp_path / "a.png", truncation=1.0, **options)
    rows = latents.draw(2, linear.Z, 0, truncation=1.0)[:, None]
    moved = rows + np.linspace(-3, 3, 8)[:, None] * vector(faces, "Smiling") + vector(faces, "Male")
    assert np.abs(tiles(tmp_path / "a.png", 8, 2) - drawn(moved)).max() <= 1
    sample(store, tmp_path / "b.png", truncation=1.0, **options)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_doubtful_direction_is_used_with_a_warning(
    faces: tuple[Store, str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, generator_id, _ = faces
    for name, warned in (("Smiling", False), ("Male", True)):
        sample(store, tmp_path / "a.png", generator_id=generator_id, count=1, directions=[f"{name}=1"])
        assert (f"hardly recognises {name} in real images" in capsys.readouterr().err) is warned


def test_a_kept_direction_stays_where_it_was(faces: tuple[Store, str, str], tmp_path: Path) -> None:
    store, generator_id, _ = faces
    options: dict[str, Any] = {"generator_id": generator_id, "count": 1, "directions": ["Smiling=+2"]}
    sample(store, tmp_path / "a.png", keep=["Male"], **options)
    smiling, male = vector(faces, "Smiling"), vector(faces, "Male")
    rest = smiling - (smiling @ male) * male
    points = latents.draw(1, linear.Z, 0) + 2 * rest / np.linalg.norm(rest)
    assert np.abs(tiles(tmp_path / "a.png", 1, 1)[0] - drawn(points)).max() <= 1


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"directions": ["Smilling=2"]}, r'unknown --direction "Smilling"; did you mean "Smiling"\? Known: Bald, Ext'),
        ({"directions": ["Smiling=2"], "keep": ["male"]}, r'unknown --keep "male"; did you mean "Male"'),
        ({"directions": ["Bald=2"]}, r"--direction Bald: 0\.00% of the generated images show it, too few"),
        ({"directions": ["Extreme=2"]}, r"--direction Extreme: .*AUC of 0\.[456]\d.*Usable: Smiling, Male"),
        ({"directions": ["Smiling=1..2"], "count": 12}, r"with START..END, --count must be 2 to 8 .*got 12"),
        ({"directions": ["Smiling=1..2"], "interpolate": True}, r"--interpolate and a --direction from START..END"),
        ({"directions": ["Smiling"]}, r"NAME=AMOUNT"),
    ],
)
def test_a_wrong_wish_is_refused(
    faces: tuple[Store, str, str], tmp_path: Path, wish: dict[str, Any], message: str
) -> None:
    store, generator_id, _ = faces
    with pytest.raises(ConfigError, match=message):
        sample(store, tmp_path / "a.png", **{"generator_id": generator_id, "count": 8, **wish})
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("fewer_samples")
def test_sample_finds_what_it_needs_and_keeps_it(store: Store, tmp_path: Path) -> None:
    generator_id = linear.publish_generator(store, reference_id=linear.publish_reference(store))
    with pytest.raises(ConfigError, match="unknown --direction"):
        sample(store, tmp_path / "a.png", generator_id=generator_id, directions=["Smilling=1"])
    assert records.read(store, generator_id) is None  # the name was checked before anything was drawn
    sample(store, tmp_path / "a.png", generator_id=generator_id, directions=["Smiling=1"])
    kept = records.read(store, generator_id)
    assert kept is not None
    assert kept.samples == SAMPLES
    sample(store, tmp_path / "b.png", generator_id=generator_id, directions=["Smiling=1"])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.usefixtures("fewer_samples")
def test_sample_needs_no_right_to_write(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator_id = linear.publish_generator(store, reference_id=linear.publish_reference(store))

    def refuse(*_: object) -> None:
        raise StoreError("no permission")

    monkeypatch.setattr(records, "write", refuse)
    sample(store, tmp_path / "a.png", generator_id=generator_id, count=1, directions=["Smiling=1"])
    assert (tmp_path / "a.png").exists()
    with pytest.raises(StoreError, match="no permission"):
        directions(store, generator_id=generator_id)


def test_too_few_samples(faces: tuple[Store, str, str]) -> None:
    with pytest.raises(ConfigError, match=r"--samples must be at least 60, 10 for each of the 6 values.*got 59"):
        directions(faces[0], generator_id=faces[1], samples=59)


# which reference


def test_without_one_of_its_own_the_only_other_one_of_the_dataset(store: Store) -> None:
    linear.publish_reference(store, "classes", dataset_id="folder-456")
    own = linear.publish_reference(store, "clusters")
    generator_id = linear.publish_generator(store, reference_id=own)
    other = linear.publish_reference(store)
    assert directions(store, generator_id=generator_id, samples=100).details["reference_id"] == other


def test_of_two_others_one_must_be_chosen(store: Store) -> None:
    generator_id = linear.publish_generator(store)
    others = {linear.publish_reference(store), linear.publish_reference(store, "classes")}
    with pytest.raises(ConfigError, match=r"was exported without scores.*2 others.*--reference-id ID") as raised:
        directions(store, generator_id=generator_id)
    assert all(each in str(raised.value) for each in others)
    assert directions(store, generator_id=generator_id, reference_id=min(others), samples=100).details["directions"]


def test_where_the_store_has_no_reference_the_message_says_what_to_make(store: Store) -> None:
    generator_id = linear.publish_generator(store, reference_id="ref-gone")
    with pytest.raises(NotFoundError, match=r"ref-gone of gen-.* is not in the store.*gan store copy SRC .*folder-123"):
        directions(store, generator_id=generator_id)


def test_with_the_dataset_a_reference_can_be_made(store: Store) -> None:
    plain, named = (objects.dataset(store, classes=each) for each in ((), ("cats", "dogs")))
    clusters = linear.publish_reference(store, "clusters", dataset_id=named)
    generator_id = linear.publish_generator(store, reference_id=clusters, dataset_id=named)
    with pytest.raises(NotFoundError, match=rf"predicts no classes.*gan reference --dataset-id {named}, then run this"):
        directions(store, generator_id=generator_id)
    generator_id = linear.publish_generator(store, dataset_id=plain)
    with pytest.raises(NotFoundError, match=r"neither attributes nor two classes.*a sub-folder for each class"):
        directions(store, generator_id=generator_id)


def test_a_given_reference_must_fit(store: Store) -> None:
    generator_id = linear.publish_generator(store)
    with pytest.raises(NotFoundError, match="ref-gone"):
        directions(store, generator_id=generator_id, reference_id="ref-gone")
    with pytest.raises(
        ConfigError, match=r"linear-clusters of --reference-id ref-.* predicts no classes or attributes"
    ):
        directions(store, generator_id=generator_id, reference_id=linear.publish_reference(store, "clusters"))
    with pytest.raises(ConfigError, match=r"of images of shape \[16, 16, 1\], and the generator draws \[8, 8, 1\]"):
        directions(store, generator_id=generator_id, reference_id=linear.publish_reference(store, size=16))


def test_a_conditional_generator_takes_classes_as_labels(store: Store) -> None:
    generator_id = generators.publish(store, conditional=True)
    with pytest.raises(ConfigError, match="gan sample --label, one of: cats, dogs, owls"):
        directions(store, generator_id=generator_id, reference_id=linear.publish_reference(store, "classes"))
    attributes = linear.publish_reference(store)
    found = directions(store, generator_id=generator_id, reference_id=attributes, samples=100)
    assert list(found.details["directions"]) == list(linear.ATTRIBUTES)


def test_a_weak_network_is_reported(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    generator_id = linear.publish_generator(store, reference_id=linear.publish_reference(store, accuracy=0.6))
    directions(store, generator_id=generator_id, samples=100)
    assert "linear-attributes is weak" in capsys.readouterr().err


# the command


def test_the_command_prints_a_table(faces: tuple[Store, str, str], capsys: pytest.CaptureFixture[str]) -> None:
    store, generator_id, reference_id = faces
    assert main(["directions", "--generator-id", generator_id, "--store", store.uri]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert reference_id in lines[0]
    assert lines[1].split() == ["name", "images", "network", "AUC"]
    assert [line.split()[0] for line in lines[2:]] == list(linear.ATTRIBUTES)
    assert lines[2].endswith("%     0.90   1.00")
    assert lines[3].endswith("0.60   1.00  doubtful: the network hardly recognises it")
    assert "not usable: AUC below 0.70" in lines[4]
    assert "not usable: too few images" in lines[5]


@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        (["sample", "--direction", "Smilling=2"], 2, "Known: Bald"),
        (["sample", "--direction", "Extreme=2"], 2, "AUC"),
        (["sample", "--direction", "Smiling=20"], 2, "between -10 and 10"),
        (["directions", "--samples", "1"], 2, "at least 60"),
        (["directions", "--reference-id", "ref-0"], 4, "ref-0"),
    ],
)
def test_exit_codes(
    faces: tuple[Store, str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    argv: list[str],
    code: int,
    says: str,
) -> None:
    store, generator_id, _ = faces
    out = ["--out", str(tmp_path / "a.png")] if argv[0] == "sample" else []
    assert main([*argv, *out, "--generator-id", generator_id, "--store", store.uri]) == code
    shown = capsys.readouterr()
    assert (shown.out, says in shown.err, shown.err.count("\n")) == ("", True, 1)
