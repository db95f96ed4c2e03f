"""Train GAN generators, and hand out only those proven no worse than the best that ever was live."""

__version__ = "0.1.0"
