"""The files of a published generator: generators/<id>/..."""

from __future__ import annotations

FACTS = "generator.json"
EVALUATION = "evaluation.json"  # absent where the checkpoint was not evaluated
SAVED_MODEL = "saved_model"  # a folder
KERAS = "generator.keras"
SAMPLES = "samples.png"
CARD = "card.md"
