"""The model card: its snippet runs in plain TensorFlow, its names are harmless, its scores carry their identity."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from PIL import Image

from gan.config import Config, from_dict
from gan.export import saved_model
from gan.export.card import DatasetSummary, card, escaped
from support import generators

from .conftest import RunAlone

DATA = DatasetSummary("folder-123", "folder", None, None, None, "bicubic", {"train": 40, "test": 10})
EVALUATION = {
    "label": "fid[rotation-cnn:1a2b3c]",
    "reference_id": "ref-1",
    "scores": {
        "fid": {"value": 12.3456, "low": 10.0, "high": 14.5},
        "mode_kl": {"value": 0.01, "low": 0.0, "high": 0.02},
    },
    "real": {"fid": {"value": 1.5, "low": 1.0, "high": 2.0}},
    "identity": {"samples": 2000, "crop": None, "split": "test"},
}


@pytest.mark.parametrize("conditional", [True, False])
def test_its_snippet_runs_in_plain_tensorflow(tmp_path: Path, run_alone: RunAlone, conditional: bool) -> None:
    saved_model.write(generators.network(conditional=conditional), tmp_path)
    text = card(generators.generator_metadata(conditional=conditional), DATA, None)
    (snippet,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len([line for line in snippet.splitlines() if line.strip()]) <= 5
    run_alone(snippet, tmp_path)
    assert Image.open(tmp_path / "sample.png").size == (8, 8)


def test_scores_stand_with_interval_real_data_and_identity() -> None:
    text = card(generators.generator_metadata(conditional=True), DATA, EVALUATION)
    assert r"| fid\[rotation-cnn:1a2b3c\] | 12.35 | 10 to 14.5 | 1.5 |" in text
    assert "| mode kl | 0.01 | 0 to 0.02 | - |" in text
    assert "| samples | 2000 |\n| crop | none |\n| split | test |" in text
    assert "ref-1" in text


def test_without_an_evaluation_it_says_so() -> None:
    text = card(generators.generator_metadata(conditional=True), DATA, None)
    assert "was not evaluated" in text
    assert "| score |" not in text


def test_what_it_was_made_from() -> None:
    text = card(generators.generator_metadata(conditional=True), DATA, None)
    for part in ("tiny-1", "folder-123", "40 images (train)", "ab" * 32, "cats, dogs, owls", "1e-07", "non_saturating"):
        assert part in text
    assert "8 x 8 grey images" in text
    assert "The largest centred square of each image" in text
    assert "KL regulariser" not in text
    assert "moving averages" in text


def test_other_configs_other_words() -> None:
    config = from_dict({**Config().to_dict(), "regularisers": {"kl": {"weight": 0.5}}, "train": {"ema_decay": 0}})
    metadata = dataclasses.replace(
        generators.generator_metadata(conditional=False, channels=3), config=config.to_dict(), classes=()
    )
    data = DatasetSummary("celeba-1", "celeba", True, 148, None, "lanczos", {"train": 40})
    text = card(metadata, data, None)
    for part in (
        "colour images",
        "a KL regulariser of weight 0.5",
        "the weights of that step",
        "The centred square of 148 pixels",
        "non-commercial research",
        "checksums match the published files",
    ):
        assert part in text
    assert "label" not in text.split("## Load it")[0]


def test_the_position_of_a_crop_is_given() -> None:
    data = DatasetSummary("celeba-1", "celeba", True, 128, (25, 57), "lanczos", {"train": 40})
    text = card(generators.generator_metadata(conditional=False, channels=3), data, None)
    assert "The square of 128 pixels from row 57 and column 25 of each image" in text


def test_names_cannot_break_the_page() -> None:
    hostile = ("a|b", "<script>", "```\n# Head", "[x](http://y)")
    text = card(dataclasses.replace(generators.generator_metadata(conditional=True), classes=hostile), DATA, None)
    assert r"a\|b, \<script\>, \`\`\` \# Head, \[x\](http://y)" in text
    assert "<script>" not in text


def test_escaped() -> None:
    assert escaped("two\nlines *bold*") == r"two lines \*bold\*"
