"""When the retraining pipeline trains, with which seed, and when it says that there is nothing new."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from gan.config import Config, Data, override
from gan.errors import NotFoundError
from gan.metrics.reference import load as load_reference
from gan.result import StepResult
from gan.steps.decide import decide
from gan.steps.preprocess import preprocess
from gan.store import Store
from gan.store.records import verdicts
from gan.train.run import default_run_id
from support import bad_inputs, live, runs

CONFIG = override(runs.config(), ["train.seed=5"])
NOW = datetime(2026, 3, 11, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> runs.World:
    return runs.make(tmp_path_factory.mktemp("decide"))


@pytest.fixture
def made(template: runs.World, tmp_path: Path) -> runs.World:
    return runs.copy(template, tmp_path)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """The pictures that the world's dataset was made of, to be added to."""
    return bad_inputs.folder(tmp_path / "pictures", 80)


def prepared(store: Store, pictures: Path) -> str:
    return preprocess(store, Data(dataset="folder", source=str(pictures), image_size=8, channels=1), workers=1).id


def go_live(made: runs.World, config: Config = CONFIG) -> str:
    """A generator of the default run of a config, live under "pets" since 1 March."""
    return live.go_live(made.store, config, made.dataset_id, made.reference_id)


def judge(made: runs.World, result: StepResult, *, passed: bool, sets: tuple[str, ...] = ()) -> None:
    """What the gate writes of the run that was decided upon."""
    tree = {
        "generator_id": f"gen-{result.id}", "name": "pets", "live_generator_id": result.details["live_generator_id"],
        "passed": passed, "reasons": [] if passed else ["fid is 9, allowed is 5"],
        "options": override(CONFIG, sets).to_record()["gate"],
    }  # fmt: skip
    verdicts.write(made.store, result.id, tree)


def ask(made: runs.World, *sets: str, dataset_id: str | None = None) -> StepResult:
    return decide(made.store, override(CONFIG, sets), dataset_id or made.dataset_id, "pets", now=lambda: NOW)


def test_the_first_one_is_trained_as_the_config_says(made: runs.World) -> None:
    found = ask(made)
    assert found.id == found.details["run_id"] == default_run_id(CONFIG, made.dataset_id)
    assert found.details["train"] is True
    assert found.details["reasons"] == ["nothing is live under pets"]
    assert found.details["sets"] == ["train.seed=5", "train.start_from=null"]
    assert override(CONFIG, found.details["sets"]) == CONFIG
    assert ask(made).details == found.details, "a retry decides the same"


def test_nothing_new_says_what_was_evaluated(made: runs.World) -> None:
    generator_id = go_live(made)
    found = ask(made, "retrain.max_age_days=30", "gate.limits.fid=1", "evaluate.samples=50", "train.seed=6")
    assert found.details["train"] is False
    assert found.id == made.dataset_id
    assert found.details["live_generator_id"] == generator_id
    assert found.details["reasons"] == [
        f"the data are those of the live generator, {made.dataset_id}",
        "the live generator went live 10.0 days ago; retrain.max_age_days is 30",
    ]


@pytest.mark.parametrize(
    ("change", "least", "train", "reason"),
    [
        ("add", 3, True, "3 images came and 0 went since the data of the live generator"),
        ("add", 4, False, "3 images came and 0 went since the data of the live generator; retrain.min_changed_im"),
        ("remove", 1, True, "0 images came and 1 went"),
        ("relabel", 1, True, "1 images came and 1 went"),
        ("rename", 1, False, "the data are those of the live generator"),
    ],
)
def test_changed_images(made: runs.World, pictures: Path, change: str, least: int, train: bool, reason: str) -> None:
    assert prepared(made.store, pictures) == made.dataset_id
    go_live(made)
    one = pictures / "cats" / "010.png"
    if change == "add":
        for seed in range(900, 903):
            (pictures / "dogs" / f"{seed}.png").write_bytes(bad_inputs.picture(seed, (16, 16), kind="PNG"))
    elif change == "remove":
        one.unlink()
    elif change == "relabel":
        one.rename(pictures / "dogs" / "010.png")
    else:
        one.rename(pictures / "cats" / "renamed.png")
    dataset_id = prepared(made.store, pictures)
    assert dataset_id != made.dataset_id
    found = ask(made, f"retrain.min_changed_images={least}", dataset_id=dataset_id)
    assert found.details["train"] is train
    assert reason in found.details["reasons"][0]


def add(pictures: Path, count: int, size: tuple[int, int]) -> None:
    """New pictures: at 16 x 16 of the kind that is there, at 4 x 4 of a coarser one."""
    for seed in range(1000, 1000 + count):
        (pictures / "dogs" / f"{seed}.png").write_bytes(bad_inputs.picture(seed, size, kind="PNG"))


def test_images_of_another_kind_are_a_drift(made: runs.World, pictures: Path) -> None:
    go_live(made)
    add(pictures, 40, (4, 4))
    dataset_id = prepared(made.store, pictures)
    found = ask(made, "retrain.max_drift=0", "retrain.min_changed_images=1000", dataset_id=dataset_id)
    assert found.details["train"] is True
    assert 0 < found.details["drift_low"] < found.details["drift"] < found.details["drift_high"]
    reference = load_reference(made.store, made.reference_id)
    held_out = len(reference.real) + len(reference.selection)
    assert found.details["drift_images"] == min(40, held_out), "as many on one side as on the other"
    assert "new images and as many held-out ones of the live generator is" in found.details["reasons"][0]
    calm = ask(made, "retrain.max_drift=1e9", "retrain.min_changed_images=1000", dataset_id=dataset_id)
    assert calm.details["train"] is False
    assert calm.details["drift"] == found.details["drift"]


def test_images_of_the_same_kind_are_none(made: runs.World, pictures: Path) -> None:
    go_live(made)
    add(pictures, 40, (16, 16))
    dataset_id = prepared(made.store, pictures)
    found = ask(made, "retrain.max_drift=0", "retrain.min_changed_images=1000", dataset_id=dataset_id)
    assert found.details["train"] is False
    assert found.details["drift_low"] <= 0 < found.details["drift_high"]


@pytest.mark.parametrize("how", ["few", "re-encoded", "removed"])
def test_only_what_came_is_compared(made: runs.World, pictures: Path, how: str) -> None:
    """Old pictures that were stored anew or moved to another class did not come."""
    go_live(made)
    if how == "few":
        add(pictures, 9, (4, 4))
    elif how == "removed":
        (pictures / "cats" / "010.png").unlink()
    else:
        for path in list(pictures.rglob("*.png")):
            Image.open(path).save(path.with_suffix(".bmp"))
            path.unlink()
    dataset_id = prepared(made.store, pictures)
    found = ask(made, "retrain.max_drift=0", "retrain.min_changed_images=1000", dataset_id=dataset_id)
    assert found.details["train"] is False
    assert "drift" not in found.details
    came = 9 if how == "few" else 0
    assert f"drift is not known: {came} new images may be compared; 10 are needed" in found.details["reasons"]


def test_the_same_data_do_not_drift(made: runs.World) -> None:
    go_live(made)
    assert ask(made, "retrain.max_drift=0").details["train"] is False


def test_another_config_and_old_age_are_reasons(made: runs.World) -> None:
    go_live(made)
    found = ask(made, "train.steps=8", "loss.name=hinge")
    assert found.details["reasons"] == [
        "the config differs from the live generator's: loss.name (was 'non_saturating', now 'hinge'), "
        "train.steps (was 4, now 8)"
    ]
    assert found.details["sets"][0] == "train.seed=5"
    old = ask(made, "retrain.max_age_days=9")
    assert old.details["reasons"] == ["the live generator went live 10.0 days ago; retrain.max_age_days is 9"]
    assert old.details["sets"][0] == "train.seed=6", "seed 5 is that of the live one: it would be found finished"


def test_what_is_forced_takes_a_seed_that_was_not_used(made: runs.World) -> None:
    go_live(made)
    first = ask(made, "retrain.force=true")
    assert (first.details["reasons"], first.details["sets"][0]) == (["retrain.force is set"], "train.seed=6")
    judge(made, first, passed=False)
    assert ask(made, "retrain.force=true").details["sets"][0] == "train.seed=7"


def test_a_refused_training_is_retried_a_limited_number_of_times(made: runs.World) -> None:
    go_live(made, override(CONFIG, ["loss.name=hinge"]))
    first = ask(made)
    assert first.details["train"] is True
    judge(made, first, passed=False)
    waits = ask(made)
    assert waits.details["train"] is False
    assert waits.details["reasons"][0] == (
        "that was tried once with these data and this config, and refused: fid is 9, allowed is 5 "
        "(retrain.max_attempts is 1)"
    )
    second = ask(made, "retrain.max_attempts=2")
    assert (second.details["train"], second.details["sets"][0]) == (True, "train.seed=6")
    judge(made, second, passed=False)
    assert ask(made, "retrain.max_attempts=2").details["train"] is False
    loosened = ask(made, "gate.limits.fid=10")
    assert (loosened.details["train"], loosened.id) == (True, first.id), "judged again, not trained again"


def test_a_run_that_passed_and_did_not_go_live_is_taken_up_again(made: runs.World) -> None:
    go_live(made, override(CONFIG, ["loss.name=hinge"]))
    first = ask(made)
    judge(made, first, passed=True)
    assert ask(made).id == first.id


def test_a_refusal_against_another_live_generator_does_not_count(made: runs.World) -> None:
    go_live(made, override(CONFIG, ["loss.name=hinge"]))
    first = ask(made)
    judge(made, first, passed=False)
    go_live(made, override(CONFIG, ["loss.name=minimax"]))
    assert ask(made).id == first.id


def test_a_warm_start_names_the_live_checkpoint(made: runs.World) -> None:
    sets = ("retrain.start_from=live", "retrain.force=true")
    assert ask(made, *sets).details["reasons"][-1] == "it starts from scratch: nothing is live yet"
    go_live(made)
    run_id = default_run_id(CONFIG, made.dataset_id)
    found = ask(made, *sets)
    assert found.details["sets"] == ["train.seed=5", f"train.start_from={run_id}@4"]
    assert found.id != run_id
    wider = ask(made, *sets, "generator.width=0.03")
    assert wider.details["sets"][1] == "train.start_from=null"
    assert "has other networks, image shape or classes" in wider.details["reasons"][-1]


def test_an_unknown_dataset_is_reported(made: runs.World) -> None:
    with pytest.raises(NotFoundError, match="folder-absent"):
        ask(made, dataset_id="folder-absent")
