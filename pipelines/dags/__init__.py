"""The pipelines, one file each, and how their steps become tasks."""
