"""Export: which checkpoint, what is published, and that it draws and scores what the checkpoint does."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gan.build import build_generator
from gan.data import spec
from gan.errors import ConfigError, IdentityError, IntegrityError, NotFoundError, ParityError
from gan.export import latents, metadata, saved_model
from gan.metrics import evaluations, identity
from gan.steps import export as step
from gan.steps.export import export
from gan.store import immutable
from gan.train.checkpoint.files import Checkpoints, load_ema
from gan.train.run import read_run
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
    for at in ("2", "4"):
        runs.score(made, at)
    return made


def test_without_an_evaluation_the_latest_checkpoint(plain: World) -> None:
    result = export(plain.store, plain.run_id)
    assert result.id.startswith("gen-")
    assert (result.details["step"], result.details["reference_id"]) == (4, None)
    assert result.details["parity"]["largest_pixel_difference"] < 1e-5
    assert "scores_equal" not in result.details["parity"]
    names = set(immutable.read_sums(plain.store, "generator", result.id))
    assert {"generator.json", "generator.keras", "card.md", "samples.png", "saved_model/saved_model.pb"} <= names
    assert "evaluation.json" not in names
    assert not list(immutable.find_damage(plain.store, "generator", result.id))
    json.dumps(result.to_dict())


def test_it_draws_what_the_moving_average_draws(plain: World, tmp_path: Path) -> None:
    result = export(plain.store, plain.run_id, checkpoint="2")
    immutable.fetch(plain.store, "generator", result.id, tmp_path)
    network = build_generator(runs.config(conditional=False), spec.load(plain.store, plain.dataset_id))
    sha256 = load_ema(plain.store, plain.run_id, 2, network)
    points = latents.draw(9, 6, 0)
    exported = saved_model.Exported(tmp_path / metadata.SAVED_MODEL)
    np.testing.assert_allclose(exported.images(points), np.asarray(network(points, training=False)), atol=1e-6)
    described = metadata.read(plain.store, result.id)
    assert described.checkpoint_sha256 == sha256
    assert (described.step, described.conditional, described.classes) == (2, False, ())
    assert described.config == runs.config(conditional=False).to_dict()
    assert Image.open(tmp_path / "samples.png").size == (8 * 66 - 2, 8 * 66 - 2)


def test_the_best_evaluated_checkpoint_with_equal_scores(scored: World) -> None:
    selected = evaluations.best(records_of(scored, identity.SELECTION))
    assert selected is not None
    best = record_of(scored, selected["step"])
    result = export(scored.store, scored.run_id)
    assert result.details["step"] == best["step"]
    assert result.details["reference_id"] == scored.reference_id
    parity = result.details["parity"]
    assert parity["scores_equal"] is True
    assert set(parity["score_differences"]) == set(best["scores"])
    published = immutable.read_json(scored.store, "generator", result.id, "evaluation.json")
    rescored = published.pop("exported_scores")
    assert published == best
    for name, score in best["scores"].items():
        assert rescored[name]["value"] == pytest.approx(score["value"], rel=1e-3, abs=1e-6)
    described = metadata.read(scored.store, result.id)
    assert (described.conditional, described.classes) == (True, ("cats", "dogs"))
    card = immutable.read_file(scored.store, "generator", result.id, "card.md").decode()
    assert best["reference_id"] in card
    assert "cats, dogs" in card


def test_the_same_again_is_skipped(scored: World) -> None:
    first = export(scored.store, scored.run_id, checkpoint="best")
    again = export(scored.store, scored.run_id)
    assert again.skipped
    assert (again.id, again.uri, again.details) == (first.id, first.uri, first.details)


def test_a_checkpoint_by_step_brings_its_own_evaluation(scored: World) -> None:
    result = export(scored.store, scored.run_id, checkpoint="2")
    assert immutable.read_json(scored.store, "generator", result.id, "evaluation.json")["step"] == 2
    assert export(scored.store, scored.run_id, checkpoint="latest").details["step"] == 4


def records_of(made: World, purpose: str) -> list[dict[str, Any]]:
    """The evaluations of a run that serve a purpose, by step."""
    known = evaluations.read_all(made.store, made.run_id)
    return [each for each in known if evaluations.purpose_of(each) == purpose]


def record_of(made: World, at: int, purpose: str = identity.FINAL) -> dict[str, Any]:
    """The only evaluation of a step for a purpose."""
    (record,) = (each for each in records_of(made, purpose) if each["step"] == at)
    return record


def rewritten(made: World, changes: dict[int, dict[str, Any]], purpose: str = identity.FINAL) -> None:
    """Rewrite evaluations of a run as if evaluated one after the other, in this order."""
    records = {at: record_of(made, at, purpose) for at in changes}
    for second, (at, change) in enumerate(changes.items()):
        old = records[at]
        made.store.delete(evaluations.key_of(made.run_id, at, made.reference_id, old["identity"]))
        evaluations.write(made.store, {**old, "evaluated_at": f"2026-01-02T12:00:0{second}.000000+00:00", **change})


def chosen(made: World, **wanted: Any) -> dict[str, Any]:
    """The evaluation that an export would carry."""
    _, evaluation = step._chosen(
        made.store, read_run(made.store, made.run_id), *(wanted.get(each) for each in ("at", "reference", "protocol"))
    )
    assert evaluation is not None
    return evaluation


def test_only_evaluations_like_the_newest_compete(scored: World, tmp_path: Path) -> None:
    made = runs.copy(scored, tmp_path)
    record = record_of(made, 2)
    rewritten(made, {2: {"scores": {"fid": {"value": 0.0}}}, 4: {}}, identity.SELECTION)
    rewritten(made, {2: {"identity": {**record["identity"], "samples": 7}}, 4: {}})
    assert [each["step"] for each in newest_first(made) if evaluations.purpose_of(each) == "final"] == [4, 2]
    assert chosen(made)["step"] == 4
    rewritten(made, {2: {"identity": record["identity"]}, 4: {}})
    assert chosen(made)["step"] == 2
    rewritten(made, {2: {"checkpoint_sha256": "of another training"}, 4: {}})
    assert {each["step"] for each in newest_first(made) if evaluations.purpose_of(each) == "final"} == {4}
    assert chosen(made)["step"] == 4


def test_final_scores_do_not_select(scored: World, tmp_path: Path) -> None:
    """The best is by FID of the selection; among final scores the luck of one would count as quality."""
    made = runs.copy(scored, tmp_path)
    for best in (2, 4):
        worse = 6 - best
        for purpose, lower in ((identity.SELECTION, best), (identity.FINAL, worse)):
            fids = {at: {"value": 1.0 if at == lower else 2.0} for at in (2, 4)}
            changes = {at: {"scores": {**record_of(made, at, purpose)["scores"], "fid": fids[at]}} for at in (2, 4)}
            rewritten(made, changes, purpose)
        assert chosen(made)["step"] == best


def newest_first(made: World) -> list[dict[str, Any]]:
    return step.evaluations_newest_first(made.store, made.run_id)


def test_the_scores_of_the_reference_and_protocol_asked_for(scored: World, tmp_path: Path) -> None:
    """Evaluated against one reference, then against another: a third evaluation, of the first, is skipped."""
    made = runs.copy(scored, tmp_path)
    first = record_of(made, 4)
    later = {"evaluated_at": "2999-01-01T00:00:00.000000+00:00"}
    evaluations.write(made.store, {**first, **later, "reference_id": "ref-other"})
    assert chosen(made, at="4")["reference_id"] == "ref-other"
    assert chosen(made, at="4", reference=made.reference_id)["reference_id"] == made.reference_id

    protocol = runs.config().evaluate
    fewer = dataclasses.replace(protocol, samples=30)
    evaluations.write(made.store, {**first, **later, "identity": {**first["identity"], "samples": 30}})
    asked = {"at": "4", "reference": made.reference_id}
    assert chosen(made, **asked)["identity"]["samples"] == 30
    assert chosen(made, **asked, protocol=protocol)["identity"]["samples"] == 40
    assert chosen(made, **asked, protocol=fewer)["identity"]["samples"] == 30
    result = export(made.store, made.run_id, checkpoint="4", reference_id=made.reference_id, protocol=protocol)
    assert result.details["reference_id"] == made.reference_id
    published = metadata.read_evaluation(made.store, result.id)
    assert published is not None
    assert published["identity"] == first["identity"]


def test_a_reference_without_scores_is_refused(scored: World) -> None:
    with pytest.raises(NotFoundError, match=r"no kept checkpoint .* against ref-none, .*--reference-id ref-none$"):
        export(scored.store, scored.run_id, reference_id="ref-none")
    with pytest.raises(
        NotFoundError, match=r"step 2 .* not evaluated against ref-none; .* --reference-id ref-none --checkpoint 2$"
    ):
        export(scored.store, scored.run_id, checkpoint="2", reference_id="ref-none")


def test_scores_of_another_method_are_not_compared(scored: World, tmp_path: Path) -> None:
    made = runs.copy(scored, tmp_path)
    record = record_of(made, 4)
    rewritten(made, {4: {"identity": {**record["identity"], "method": 0}}})
    with pytest.raises(IdentityError, match=r"different method \(0 and 2\); evaluate .*gan evaluate --run-id .* 4$"):
        export(made.store, made.run_id, checkpoint="4")


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


def test_an_export_that_draws_another_picture_is_not_published(scored: World, monkeypatch: pytest.MonkeyPatch) -> None:
    before = list(immutable.ids(scored.store, "generator"))
    monkeypatch.setattr(step, "METHOD", step.METHOD + 1)  # so that nothing is known yet
    images = saved_model.Exported.images
    monkeypatch.setattr(saved_model.Exported, "images", lambda self, *given: -images(self, *given))
    with pytest.raises(ParityError, match="saved_model draws other pictures than its checkpoint"):
        export(scored.store, scored.run_id)
    assert list(immutable.ids(scored.store, "generator")) == before


def test_a_damaged_checkpoint_is_not_exported(plain: World, tmp_path: Path) -> None:
    made = runs.copy(plain, tmp_path)
    before = list(immutable.ids(made.store, "generator"))
    for item in made.store.list("recipes/export"):
        made.store.delete(item.key)
    state = made.store.local_path(f"runs/{made.run_id}/checkpoints/00000004-1/state.safetensors")
    assert state is not None
    data = bytearray(state.read_bytes())
    data[-1] ^= 1
    state.write_bytes(data)
    assert Checkpoints(made.store, made.run_id).steps() == [2, 4]
    with pytest.raises(IntegrityError, match="is damaged"):
        export(made.store, made.run_id)
    assert list(immutable.ids(made.store, "generator")) == before
