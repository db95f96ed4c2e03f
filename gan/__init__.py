"""Train GAN generators, score them, and hand out only those proven better than the last."""

__version__ = "0.1.0"
