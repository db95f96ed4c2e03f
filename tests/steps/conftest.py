from support.published import make_generator, store

__all__ = ["make_generator", "store"]
