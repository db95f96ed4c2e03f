"""The triggers of a retraining: what is new since the live generator was trained."""
