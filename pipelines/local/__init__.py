"""Runs the pipelines on this machine, without Docker or a cluster."""
