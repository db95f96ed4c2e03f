"""The names of a published generator's files, in generators/<id>/."""

from __future__ import annotations

METADATA = "generator.json"
EVALUATION = "evaluation.json"  # absent if the checkpoint was not evaluated
SAVED_MODEL = "saved_model"  # a folder
KERAS = "generator.keras"
SAMPLES = "samples.png"
CARD = "card.md"
