"""Class conditioning: how a label enters a network."""

from __future__ import annotations

from typing import Any

from gan.networks.normalise import normalised
from gan.util.lazy import keras


def label_input() -> Any:
    """The input of class labels: int32 [N] in [0, classes)."""
    return keras.Input(shape=(), dtype="int32", name="labels")


def join_latents(latents: Any, labels: Any, classes: int) -> Any:
    """Multiply each latent, element by element, with a learned embedding of its label.

    Concatenating them instead (Mirza and Osindero, 2014, "Conditional Generative Adversarial Nets", arXiv:1411.1784,
    section 3.2) lets the label dominate the latent: on the 8x8 digits the variance within a class was 2 % of the real
    one with an embedding initialised as standard normal, and 62 % with a tenth of that standard deviation.
    Multiplication gave 88 %, and a Frechet distance between the pixels of generated and real digits of 0.11 instead of
    0.29.

    Args:
        latents: float32 [N, Z].
        labels: int32 [N] in [0, classes).
        classes: the number of classes.

    Returns:
        float [N, Z], in the compute dtype of the dtype policy.
    """
    normal = keras.initializers.RandomNormal(stddev=1.0)
    embedding = keras.layers.Embedding(classes, latents.shape[-1], embeddings_initializer=normal, name="embed_label")
    return keras.layers.Multiply(name="join_label")([latents, embedding(labels)])


def project(
    logits: Any, features: Any, labels: Any, classes: int, *, positions: int, spectral_norm: bool = False
) -> Any:
    """Add the inner product of the features with an embedding of the label: logits + <embed(label), sum of phi>.

    Miyato and Koyama (2018), "cGANs with Projection Discriminator", arXiv:1802.05637, equation 3. The features are
    summed over the positions of the feature map, as in the paper's networks.

    Args:
        logits: float32 [N, 1] of the unconditional part.
        features: float32 [N, F], averages over the positions of the last feature map.
        labels: int32 [N] in [0, classes).
        classes: the number of classes.
        positions: the number of positions of the last feature map: an average times this is a sum.
        spectral_norm: whether the embedding's weights have spectral normalisation, as in the paper's code.

    Returns:
        float32 [N, 1].
    """
    embedding = keras.layers.Embedding(classes, features.shape[-1], dtype="float32", name="embed_label")
    embedding = normalised(embedding, spectral_norm)
    summed = keras.layers.Rescaling(positions, dtype="float32", name="sum_positions")(features)
    agreement = keras.layers.Dot(axes=1, dtype="float32", name="agree_with_label")([embedding(labels), summed])
    return keras.layers.Add(dtype="float32", name="conditional_logits")([logits, agreement])


def conditional_norm(hidden: Any, labels: Any, classes: int | None, name: str) -> Any:
    """BatchNorm; with classes, each class has a scale and an offset of its own for each channel.

    Conditional BatchNorm (Dumoulin, Shlens and Kudlur, 2017, "A Learned Representation For Artistic Style",
    arXiv:1610.07629, equation 5) as in the generator of Miyato and Koyama (2018), arXiv:1802.05637, section 4. At the
    start all classes have scale 1 and offset 0. It is made of Keras's own layers.

    Args:
        hidden: feature maps float [N, H, W, C].
        labels: int32 [N] in [0, classes); without meaning if `classes` is None.
        classes: the number of classes; None for plain BatchNorm.
        name: of the layer.

    Returns:
        float [N, H, W, C].
    """
    if classes is None:
        return keras.layers.BatchNormalization(name=name)(hidden)
    depth = hidden.shape[-1]
    hidden = keras.layers.BatchNormalization(center=False, scale=False, name=name)(hidden)
    for kind, start, join in (("scale", "ones", keras.layers.Multiply), ("offset", "zeros", keras.layers.Add)):
        embedding = keras.layers.Embedding(classes, depth, embeddings_initializer=start, name=f"{name}_{kind}")
        of_label = keras.layers.Reshape((1, 1, depth), name=f"{name}_{kind}_map")(embedding(labels))
        hidden = join(name=f"{name}_with_{kind}")([hidden, of_label])
    return hidden
