"""The evaluate step on digits, with generators that were never trained: what is scored, kept, skipped and refused."""

from __future__ import annotations

import dataclasses
import shlex
from datetime import UTC, datetime
from pathlib import Path

import keras
import numpy as np
import pytest

from gan import config as configs
from gan.build import build_generator
from gan.cli.parser import make_parser
from gan.config import Config, Data, Reference, from_dict, override
from gan.data import spec
from gan.errors import ConfigError, IntegrityError, NotFoundError
from gan.metrics import evaluations, score
from gan.metrics import reference as references
from gan.metrics.identity import FINAL, SELECTION
from gan.metrics.samples import draw_inputs, draw_pixels
from gan.steps.evaluate import checkpoint_generator, evaluate, label_shares
from gan.steps.preprocess import preprocess
from gan.steps.reference import make_reference
from gan.store import Store, open_store
from gan.train.checkpoint.files import Checkpoints, named
from gan.train.run import Run, read_run, write_run
from gan.types import Json
from support import bad_inputs

PROTOCOL = {
    "samples": 40, "batch_size": 16, "kid_subsets": 4, "kid_subset_size": 10, "neighbours": 3,
}  # fmt: skip
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
SETS = ("evaluate.samples=30",)


def config(*, conditional: bool = False) -> Config:
    return from_dict(
        {
            "generator": {"width": 0.03, "latent_size": 4, "conditional": conditional},
            "discriminator": {"width": 0.03},
            "evaluate": PROTOCOL,
        }
    )


def put_run(store: Store, dataset_id: str, run_id: str, steps: list[int], *, conditional: bool = False) -> None:
    """A run whose checkpoint of step s is a generator with random weights of seed s."""
    write_run(store, Run(run_id, dataset_id, config(conditional=conditional)))
    for step in steps:
        keras.utils.set_random_seed(step)
        generator = build_generator(config(conditional=conditional), spec.load(store, dataset_id))
        tensors = {name: variable.numpy() for name, variable in named("ema", generator.variables).items()}
        Checkpoints(store, run_id).save(step, tensors, {"seed": 0})


def of_purpose(store: Store, run_id: str, purpose: str) -> list[Json]:
    """The records of a run that serve a purpose, by step and by when they were made."""
    found = [each for each in evaluations.read_all(store, run_id) if evaluations.purpose_of(each) == purpose]
    return sorted(found, key=lambda each: (each["step"], each["evaluated_at"]))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(str(tmp_path_factory.mktemp("store")))


@pytest.fixture(scope="module")
def dataset_id(store: Store) -> str:
    return preprocess(store, Data(dataset="digits"), workers=1).id


@pytest.fixture(scope="module")
def reference_id(store: Store, dataset_id: str) -> str:
    made = make_reference(store, dataset_id, Reference(epochs=1, max_images=60, training_images=200))
    put_run(store, dataset_id, "r1", [10, 20, 30])
    return made.id


def test_one_checkpoint(store: Store, reference_id: str) -> None:
    result = evaluate(store, "r1", reference_id, checkpoint="20")
    details = result.details
    assert (result.id, details["step"], details["reference_id"]) == ("r1", 20, reference_id)
    key = evaluations.key_of("r1", 20, reference_id, details["identity"])
    assert key.startswith(f"runs/r1/evaluations/00000020-{reference_id}-")
    assert result.uri == store.uri_of(key)
    assert details["label"].startswith("fid[digits-cnn:")
    assert details["identity"]["purpose"] == "final"
    assert details["identity"]["samples"] == 40
    assert details["identity"]["reference_images"] == 60
    assert details["real_identity"]["samples"] == 40
    assert set(details["real"]) == set(details["scores"])
    assert details["checkpoint_sha256"] == Checkpoints(store, "r1").read_meta(20)["sha256"]
    assert details["real"]["fid"]["value"] < details["scores"]["fid"]["value"]
    record = evaluations.read_key(store, key)
    (selected,) = (each for each in of_purpose(store, "r1", SELECTION) if each["step"] == 20)
    assert {**record, "fid_by_step": {"20": selected["scores"]["fid"]["value"]}} == details
    assert list(record["scores"])[:3] == ["fid", "kid", "precision"], "in the order of the registry"
    assert set(evaluations.read_contributions(store, record)) == {
        "fid", "precision", "recall", "density", "coverage", "high_confidence", "memorised", "near_copies",
    }  # fmt: skip


def test_what_was_scored_is_not_scored_again(store: Store, reference_id: str) -> None:
    first = evaluate(store, "r1", reference_id, checkpoint="30")
    again = evaluate(store, "r1", reference_id, checkpoint="30")
    assert again.skipped
    assert again.details == first.details


def test_identical_inputs_give_identical_scores(store: Store, reference_id: str) -> None:
    first = evaluate(store, "r1", reference_id, checkpoint="10", now=lambda: NOON)
    store.delete(evaluations.key_of("r1", 10, reference_id, first.details["identity"]))
    again = evaluate(store, "r1", reference_id, checkpoint="10", now=lambda: NOON)
    assert not again.skipped
    assert {**again.details, "seconds": 0} == {**first.details, "seconds": 0}


def test_another_protocol_is_scored_anew(store: Store, dataset_id: str, reference_id: str) -> None:
    put_run(store, dataset_id, "r2", [5])
    before = evaluate(store, "r2", reference_id, checkpoint="latest")
    after = evaluate(store, "r2", reference_id, checkpoint="latest", sets=SETS)
    assert not after.skipped
    assert (before.details["identity"]["samples"], after.details["identity"]["samples"]) == (40, 30)


def test_protocols_in_turn_are_each_scored_once(store: Store, dataset_id: str, reference_id: str) -> None:
    put_run(store, dataset_id, "turns", [5])
    first = evaluate(store, "turns", reference_id, now=lambda: NOON)
    evaluate(store, "turns", reference_id, sets=SETS)
    again = evaluate(store, "turns", reference_id)
    assert again.skipped
    assert again.details == first.details
    assert again.details["evaluated_at"] == "2026-01-02T12:00:00.000001+00:00", "just after the record of selection"
    assert [each["identity"]["samples"] for each in of_purpose(store, "turns", FINAL)] == [40, 30]
    assert [each["identity"]["samples"] for each in of_purpose(store, "turns", SELECTION)] == [40, 30]


def test_another_state_of_the_checkpoint_is_scored_anew(store: Store, dataset_id: str, reference_id: str) -> None:
    put_run(store, dataset_id, "r3", [5])
    evaluate(store, "r3", reference_id, checkpoint="5")
    tensors, _ = Checkpoints(store, "r3").load(5)
    Checkpoints(store, "r3").save(5, {name: tensor * 0.5 for name, tensor in tensors.items()}, {"seed": 0})
    assert not evaluate(store, "r3", reference_id, checkpoint="5").skipped


def test_best_compares_all_and_scores_the_chosen_one_alone(store: Store, dataset_id: str, reference_id: str) -> None:
    put_run(store, dataset_id, "best", [10, 20, 30])
    result = evaluate(store, "best", reference_id)
    by_step = result.details["fid_by_step"]
    assert set(by_step) == {"10", "20", "30"}
    assert by_step[str(result.details["step"])] == min(by_step.values()) != result.details["scores"]["fid"]["value"]
    assert [each["step"] for each in of_purpose(store, "best", SELECTION)] == [10, 20, 30]
    assert [each["step"] for each in of_purpose(store, "best", FINAL)] == [result.details["step"]]


def test_selection_and_final_images_are_disjoint(store: Store, reference_id: str) -> None:
    """Neither real images nor latents; selection records have values only."""
    reference = references.load(store, reference_id)
    real, selection = ({each.tobytes() for each in batch.features} for batch in (reference.real, reference.selection))
    assert len(real) == len(selection) == 60
    assert not real & selection

    protocol = config().evaluate
    latents = [
        {row.tobytes() for drawn, _ in draw_inputs(protocol, 4, None, purpose) for row in drawn.numpy()}
        for purpose in (FINAL, SELECTION)
    ]
    assert [len(each) for each in latents] == [40, 40]
    assert not latents[0] & latents[1]

    evaluate(store, "r1", reference_id, checkpoint="20")
    (record,) = (each for each in of_purpose(store, "r1", SELECTION) if each["step"] == 20)
    assert all(set(score) == {"value"} for score in record["scores"].values())
    with pytest.raises(NotFoundError, match="can't be compared"):
        evaluations.read_contributions(store, record)


def test_the_split_valid_chooses_where_there_is_one(store: Store, tmp_path: Path) -> None:
    folder = bad_inputs.celeba(tmp_path / "faces", 60)
    data = Data(dataset="celeba", source=str(folder), image_size=8, crop=108)
    dataset = spec.load(store, preprocess(store, data, workers=1).id)
    reference = references.load(store, make_reference(store, dataset.id, Reference(epochs=1)).id)
    identities = {each: reference.identity(config().evaluate, purpose=each) for each in (SELECTION, FINAL)}
    assert (identities[SELECTION].split, identities[FINAL].split) == ("valid", "test")
    assert len(reference.selection) == dataset.splits["valid"].examples
    assert len(reference.real) == dataset.splits["test"].examples


def test_the_choice_is_by_the_selection_though_the_final_scores_would_choose_another(
    store: Store, dataset_id: str, reference_id: str
) -> None:
    """The final scores are not those that selected the checkpoint."""
    put_run(store, dataset_id, "apart", [10, 20])
    finals = {
        step: evaluate(store, "apart", reference_id, checkpoint=str(step)).details["scores"]["fid"]["value"]
        for step in (10, 20)
    }
    best, other = sorted(finals, key=lambda step: finals[step])
    for record in of_purpose(store, "apart", SELECTION):
        value = 1.0 if record["step"] == other else 2.0
        evaluations.write(store, {**record, "scores": {**record["scores"], "fid": {"value": value}}})
    result = evaluate(store, "apart", reference_id)
    assert result.details["step"] == other
    assert result.details["fid_by_step"] == {str(other): 1.0, str(best): 2.0}
    assert result.details["scores"]["fid"]["value"] == finals[other] > finals[best]


def test_selection_uses_fewer_samples_than_the_final_scores(store: Store, dataset_id: str, reference_id: str) -> None:
    """evaluate.selection_samples leaves the identity of the final scores alone."""
    put_run(store, dataset_id, "few", [5])
    before = evaluate(store, "few", reference_id).details["identity"]
    result = evaluate(store, "few", reference_id, sets=["evaluate.selection_samples=20"])
    assert result.details["identity"] == before
    assert {each["identity"]["samples"] for each in of_purpose(store, "few", SELECTION)} == {40, 20}


def test_metrics_that_are_asked_for_later_join_those_that_are_known(
    store: Store, dataset_id: str, reference_id: str
) -> None:
    put_run(store, dataset_id, "metrics", [5])
    first = evaluate(store, "metrics", reference_id, sets=["evaluate.metrics=fid,kid"])
    assert list(first.details["scores"]) == ["fid", "kid"]
    second = evaluate(store, "metrics", reference_id, sets=["evaluate.metrics=fid,prdc"])
    assert not second.skipped
    assert list(second.details["scores"]) == ["fid", "kid", "precision", "recall", "density", "coverage"]
    assert second.details["scores"]["fid"] == first.details["scores"]["fid"]
    assert evaluate(store, "metrics", reference_id, sets=["evaluate.metrics=fid,kid"]).skipped


def test_latest_is_the_last_step(store: Store, reference_id: str) -> None:
    assert evaluate(store, "r1", reference_id, checkpoint="latest").details["step"] == 30


def test_the_config_names_the_checkpoint_where_the_call_does_not(store: Store, reference_id: str) -> None:
    assert evaluate(store, "r1", reference_id, sets=["evaluate.checkpoint=20"]).details["step"] == 20


def test_scores_can_be_had_from_the_same_draws_elsewhere(store: Store, dataset_id: str, reference_id: str) -> None:
    """What the export does to compare: same draws, same reference, same numbers."""
    run, reference, dataset = read_run(store, "r1"), references.load(store, reference_id), spec.load(store, dataset_id)
    drawn = draw_pixels(
        checkpoint_generator(store, run, dataset, 20),
        run.config.evaluate,
        run.config.generator.latent_size,
        label_shares(run, reference),
    )
    again, contributions = score.score(reference, drawn, run.config.evaluate)
    record = evaluate(store, "r1", reference_id, checkpoint="20").details
    assert again["scores"] == record["scores"]
    stored = evaluations.read_contributions(store, record)
    assert set(stored) == set(contributions)
    for name, each in contributions.items():
        np.testing.assert_allclose(stored[name].generated, each.generated, rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(stored[name].real, each.real, rtol=1e-6, atol=1e-12)


def test_a_conditional_generator_draws_classes_as_often_as_they_occur(
    store: Store, dataset_id: str, reference_id: str
) -> None:
    put_run(store, dataset_id, "conditional", [5], conditional=True)
    result = evaluate(store, "conditional", reference_id)
    assert result.details["step"] == 5
    shares = label_shares(read_run(store, "conditional"), references.load(store, reference_id))
    assert shares is not None
    assert len(shares) == 10
    assert label_shares(read_run(store, "r1"), references.load(store, reference_id)) is None


@pytest.mark.parametrize(
    ("run_id", "checkpoint", "sets", "error", "message"),
    [
        ("r9", None, (), NotFoundError, r'unknown run "r9".*r1'),
        ("r1", "25", (), NotFoundError, r"no checkpoint of step 25; it has: 10, 20, 30"),
        ("r1", "newest", (), ConfigError, r'--checkpoint must be a step, latest or best; got "newest"'),
        ("r1", None, ("evaluate.sample=3",), ConfigError, r'unknown config key "evaluate.sample"; did you mean'),
        ("r1", None, ("evaluate.samples=7000",), ConfigError, r"at most 6000, 100 for each of the 60 held-out"),
        ("r1", None, ("evaluate.neighbours=45",), ConfigError, r"below the number of images compared, 40; got 45"),
    ],
)
def test_wrong_requests_are_refused(
    store: Store, reference_id: str, run_id: str, checkpoint: str | None, sets: tuple, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        evaluate(store, run_id, reference_id, checkpoint=checkpoint, sets=sets)


def test_an_unknown_reference_is_refused(store: Store, reference_id: str) -> None:
    with pytest.raises(NotFoundError, match=rf'no reference "ref-absent" .*{reference_id}'):
        evaluate(store, "r1", "ref-absent")


def test_a_run_without_checkpoints_is_refused(store: Store, dataset_id: str, reference_id: str) -> None:
    put_run(store, dataset_id, "begun", [])
    for wanted in ("best", "latest"):
        with pytest.raises(NotFoundError, match=r"run begun has no checkpoint yet; train it with: gan train") as caught:
            evaluate(store, "begun", reference_id, checkpoint=wanted)
    command = shlex.split(str(caught.value).partition("train it with: gan ")[2])
    arguments = make_parser().parse_args(command)
    assert (arguments.run_id, arguments.dataset_id, arguments.store) == ("begun", dataset_id, store.uri)
    assert configs.load(arguments.config) == config()


def test_a_damaged_checkpoint_is_refused(store: Store, dataset_id: str, reference_id: str) -> None:
    put_run(store, dataset_id, "hurt", [5])
    store.write("runs/hurt/checkpoints/00000005-1/state.safetensors", b"damaged")
    with pytest.raises(IntegrityError, match=r"state.safetensors is damaged"):
        evaluate(store, "hurt", reference_id)


@pytest.fixture(scope="module")
def larger(store: Store) -> str:
    return preprocess(store, Data(dataset="digits", image_size=16), workers=1).id


def test_a_reference_of_other_images_is_refused(store: Store, reference_id: str, larger: str) -> None:
    put_run(store, larger, "larger", [5])
    with pytest.raises(ConfigError, match=r"shape \[16, 16, 1\], the reference has \[8, 8, 1\].*gan reference"):
        evaluate(store, "larger", reference_id)


def test_a_reference_of_other_classes_is_refused(
    store: Store, reference_id: str, dataset_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_run(store, dataset_id, "classes", [5], conditional=True)
    loaded = references.load(store, reference_id)
    bare = dataclasses.replace(loaded, record={**loaded.record, "label_shares": []})
    monkeypatch.setattr(references, "load", lambda *_: bare)
    with pytest.raises(ConfigError, match=r"run classes draws 10 classes, the reference has 0"):
        evaluate(store, "classes", reference_id)


def test_few_samples_are_warned_of(
    store: Store, dataset_id: str, reference_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put_run(store, dataset_id, "warned", [5])
    evaluate(store, "warned", reference_id, sets=["evaluate.samples=70"])
    errors = capsys.readouterr().err
    assert "scores of 70 samples against 60 real images are coarse" in errors
    assert "the row of real data is scored with 60 training images" in errors
    assert "was trained on" not in errors


def test_another_dataset_of_the_same_shape_is_warned_of(
    store: Store, reference_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = preprocess(store, Data(dataset="digits", holdout_percent=30), workers=1).id
    put_run(store, other, "elsewhere", [5])
    evaluate(store, "elsewhere", reference_id)
    assert f"was trained on {other}" in capsys.readouterr().err


def test_overrides_do_not_touch_the_run(store: Store, reference_id: str) -> None:
    evaluate(store, "r1", reference_id, checkpoint="10", sets=SETS)
    assert read_run(store, "r1").config == override(config(), [])
