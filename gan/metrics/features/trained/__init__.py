"""Networks that are trained here, on the dataset itself: one file a task."""
