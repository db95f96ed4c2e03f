"""Feature networks that are trained on the dataset itself, one file per task."""
