"""The published form of a generator: written from a checkpoint, and read by whoever draws with it."""
