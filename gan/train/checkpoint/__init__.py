"""Checkpoints: what one holds, how they are written in the background, and which of them stay."""
