"""Checkpoints: their contents, writing them in the background, and which of them are kept."""
