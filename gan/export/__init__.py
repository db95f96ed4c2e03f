"""The published form of a generator: exported from a checkpoint, and used to generate images."""
