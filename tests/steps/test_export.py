"""Export: which checkpoint, what is published, and that it draws and scores what the checkpoint does."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gan.build import build_generator
from gan.data import spec
from gan.errors import ConfigError, IntegrityError, NotFoundError, ParityError
from gan.export import facts, latents, saved_model
from gan.metrics import evaluations
from gan.steps import export as step
from gan.steps.export import export
from gan.store import sealed
from gan.train.checkpoint import Checkpoints, load_ema
from support import runs
from support.runs import World


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> World:
    """An unconditional run that was never evaluated."""
    return runs.make(tmp_path_factory.mktemp("plain"), conditional=False)


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A conditional run with both its checkpoints, 2 and 4, evaluated."""
    made = runs.make(tmp_path_factory.mktemp("scored"))
    runs.score(made, "best")
    return made


def test_without_an_evaluation_the_latest_checkpoint(plain: World) -> None:
    outcome = export(plain.store, plain.run_id)
    assert outcome.id.startswith("gen-")
    assert (outcome.details["step"], outcome.details["reference_id"]) == (4, None)
    assert outcome.details["parity"]["largest_pixel_difference"] < 1e-5
    assert "scores_equal" not in outcome.details["parity"]
    names = set(sealed.read_sums(plain.store, "generator", outcome.id))
    assert {"generator.json", "generator.keras", "card.md", "samples.png", "saved_model/saved_model.pb"} <= names
    assert "evaluation.json" not in names
    assert not list(sealed.damages(plain.store, "generator", outcome.id))
    json.dumps(outcome.to_dict())


def test_it_draws_what_the_moving_average_draws(plain: World, tmp_path: Path) -> None:
    outcome = export(plain.store, plain.run_id, checkpoint="2")
    sealed.fetch(plain.store, "generator", outcome.id, tmp_path)
    network = build_generator(runs.config(conditional=False), spec.load(plain.store, plain.dataset_id))
    sha256 = load_ema(plain.store, plain.run_id, 2, network)
    points = latents.draw(9, 6, 0)
    exported = saved_model.Exported(tmp_path / saved_model.FOLDER)
    np.testing.assert_allclose(exported.images(points), np.asarray(network(points, training=False)), atol=1e-6)
    described = facts.read(plain.store, outcome.id)
    assert described.checkpoint_sha256 == sha256
    assert (described.step, described.conditional, described.classes) == (2, False, ())
    assert described.config == runs.config(conditional=False).to_dict()
    assert Image.open(tmp_path / "samples.png").size == (8 * 66 - 2, 8 * 66 - 2)


def test_the_best_evaluated_checkpoint_with_equal_scores(scored: World) -> None:
    best = evaluations.best(evaluations.read_all(scored.store, scored.run_id))
    assert best is not None
    outcome = export(scored.store, scored.run_id)
    assert outcome.details["step"] == best["step"]
    assert outcome.details["reference_id"] == scored.reference_id
    parity = outcome.details["parity"]
    assert parity["scores_equal"] is True
    assert set(parity["score_differences"]) == set(best["scores"])
    published = sealed.read_json(scored.store, "generator", outcome.id, "evaluation.json")
    rescored = published.pop("exported_scores")
    assert published == best
    for name, score in best["scores"].items():
        assert rescored[name]["value"] == pytest.approx(score["value"], rel=1e-3, abs=1e-6)
    described = facts.read(scored.store, outcome.id)
    assert (described.conditional, described.classes) == (True, ("cats", "dogs"))
    card = sealed.read_file(scored.store, "generator", outcome.id, "card.md").decode()
    assert best["reference_id"] in card
    assert "cats, dogs" in card


def test_the_same_again_is_skipped(scored: World) -> None:
    first = export(scored.store, scored.run_id, checkpoint="best")
    again = export(scored.store, scored.run_id)
    assert again.skipped
    assert (again.id, again.uri, again.details) == (first.id, first.uri, first.details)


def test_a_checkpoint_by_step_brings_its_own_evaluation(scored: World) -> None:
    outcome = export(scored.store, scored.run_id, checkpoint="2")
    assert sealed.read_json(scored.store, "generator", outcome.id, "evaluation.json")["step"] == 2
    assert export(scored.store, scored.run_id, checkpoint="latest").details["step"] == 4


def rewritten(made: World, changes: dict[int, dict[str, Any]]) -> None:
    """Rewrite evaluations of a run as if evaluated one after the other, in this order."""
    for second, (at, change) in enumerate(changes.items()):
        record = evaluations.read(made.store, made.run_id, at, made.reference_id)
        assert record is not None
        evaluations.write(made.store, {**record, **change})
        key = evaluations.key_of(made.run_id, at, made.reference_id)
        path = made.store.local_path(key)
        assert path is not None
        os.utime(path, (second, second))


def test_only_evaluations_like_the_newest_compete(scored: World, tmp_path: Path) -> None:
    made = runs.copy(scored, tmp_path)
    record = evaluations.read(made.store, made.run_id, 2, made.reference_id)
    assert record is not None
    wonder = {"scores": {**record["scores"], "fid": {"value": 0.0, "low": 0.0, "high": 0.0}}}
    other = {"identity": {**record["identity"], "samples": 7}, **wonder}
    rewritten(made, {2: other, 4: {}})
    assert [each["step"] for each in step.evaluations_newest_first(made.store, made.run_id)] == [4, 2]
    assert step._chosen(made.store, made.run_id, None)[0] == 4
    rewritten(made, {2: {**wonder, "identity": record["identity"]}, 4: {}})
    assert step._chosen(made.store, made.run_id, None)[0] == 2
    rewritten(made, {2: {"checkpoint_sha256": "of another training"}, 4: {}})
    assert [each["step"] for each in step.evaluations_newest_first(made.store, made.run_id)] == [4]


def test_wrong_checkpoints(plain: World) -> None:
    with pytest.raises(ConfigError, match='--checkpoint must be a step, latest or best; got "newest"'):
        export(plain.store, plain.run_id, checkpoint="newest")
    with pytest.raises(NotFoundError, match="it has: 2, 4"):
        export(plain.store, plain.run_id, checkpoint="3")
    with pytest.raises(NotFoundError, match="none is the best; evaluate it with: gan evaluate"):
        export(plain.store, plain.run_id, checkpoint="best")
    with pytest.raises(NotFoundError, match=plain.run_id):
        export(plain.store, "nothing")


def test_a_run_without_checkpoints(plain: World, tmp_path: Path) -> None:
    made = runs.copy(plain, tmp_path)
    for item in made.store.list(f"runs/{made.run_id}/checkpoints"):
        made.store.delete(item.key)
    with pytest.raises(NotFoundError, match="has no checkpoint yet"):
        export(made.store, made.run_id)


def test_another_picture_is_not_published(scored: World, monkeypatch: pytest.MonkeyPatch) -> None:
    before = list(sealed.ids(scored.store, "generator"))
    monkeypatch.setattr(step, "METHOD", 2)  # so that nothing is known yet
    images = saved_model.Exported.images
    monkeypatch.setattr(saved_model.Exported, "images", lambda self, *given: -images(self, *given))
    with pytest.raises(ParityError, match="saved_model draws other pictures than its checkpoint"):
        export(scored.store, scored.run_id)
    assert list(sealed.ids(scored.store, "generator")) == before


def test_a_damaged_checkpoint_is_not_exported(plain: World, tmp_path: Path) -> None:
    made = runs.copy(plain, tmp_path)
    before = list(sealed.ids(made.store, "generator"))
    for item in made.store.list("recipes/export"):
        made.store.delete(item.key)
    state = made.store.local_path(f"runs/{made.run_id}/checkpoints/00000004/state.safetensors")
    assert state is not None
    data = bytearray(state.read_bytes())
    data[-1] ^= 1
    state.write_bytes(data)
    assert Checkpoints(made.store, made.run_id).steps() == [2, 4]
    with pytest.raises(IntegrityError, match="is damaged"):
        export(made.store, made.run_id)
    assert list(sealed.ids(made.store, "generator")) == before
