"""The metrics, one file each: features in, scores out."""
