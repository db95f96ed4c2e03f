from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from gan.networks.conditioning import join_latents, label_input, project


def test_a_latent_is_multiplied_with_the_embedding_of_its_label() -> None:
    latents, labels = keras.Input((3,)), label_input()
    network = keras.Model([latents, labels], join_latents(latents, labels, 4))
    table = np.arange(12, dtype=np.float32).reshape(4, 3)
    network.get_layer("embed_label").set_weights([table])
    given = tf.random.stateless_normal([2, 3], [1, 2])
    np.testing.assert_array_equal(network([given, tf.constant([3, 1])]), given * table[[3, 1]])


def test_projection_adds_the_inner_product_with_the_summed_features() -> None:
    """Miyato and Koyama (2018), equation 3, computed a second time in numpy."""
    logits, features, labels = keras.Input((1,)), keras.Input((5,)), label_input()
    network = keras.Model([logits, features, labels], project(logits, features, labels, classes=4, positions=9))
    rng = np.random.default_rng(0)
    table, averages, psi = rng.normal(size=(4, 5)), rng.normal(size=(3, 5)), rng.normal(size=(3, 1))
    network.get_layer("embed_label").set_weights([table])
    of_label = np.array([2, 0, 3])
    expected = psi[:, 0] + np.einsum("nf,nf->n", table[of_label], 9 * averages)
    found = network([tf.constant(value, tf.float32) for value in (psi, averages)] + [tf.constant(of_label)])
    assert found.shape == (3, 1)
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-5)
