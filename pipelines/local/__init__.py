"""Runs the pipelines on this machine, without Docker and without a cluster."""
