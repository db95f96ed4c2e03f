"""Layers of discriminators that Keras does not have. They import Keras: import them inside functions.

A generator has only Keras's own layers, so that an exported one loads without this package.
"""
