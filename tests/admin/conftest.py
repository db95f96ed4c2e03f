from steps.conftest import make_generator, store

__all__ = ["make_generator", "store"]
