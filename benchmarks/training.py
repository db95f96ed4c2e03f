"""Images per second of `gan.train` compared with the loop of TensorFlow's DCGAN tutorial.

Both train the tutorial's networks on MNIST with batches of 64 in float32. The tutorial holds the images in memory,
shuffles them with tf.data, and neither logs, averages, checks for finiteness nor saves; `gan.train` does all of that.
They take turns, so that other load on the machine affects both.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from gan import config
from gan.data import spec
from gan.data.load import load_split
from gan.steps.preprocess import preprocess
from gan.steps.train import train
from gan.store import Store, open_store

BATCH = 64


def tutorial_networks() -> tuple[keras.Model, keras.Model]:
    """The networks of https://www.tensorflow.org/tutorials/generative/dcgan."""
    layers = keras.layers
    generator = keras.Sequential(
        [
            keras.Input((100,)),
            layers.Dense(7 * 7 * 256, use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Reshape((7, 7, 256)),
            layers.Conv2DTranspose(128, 5, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Conv2DTranspose(64, 5, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Conv2DTranspose(1, 5, strides=2, padding="same", use_bias=False, activation="tanh"),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(64, 5, strides=2, padding="same"),
            layers.LeakyReLU(),
            layers.Dropout(0.3),
            layers.Conv2D(128, 5, strides=2, padding="same"),
            layers.LeakyReLU(),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    return generator, discriminator


def baseline(images: np.ndarray) -> Callable[[int], float]:
    """The tutorial's loop, as a function from steps to images per second."""
    generator, discriminator = tutorial_networks()
    optimizers = keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4)
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    batches = iter(tf.data.Dataset.from_tensor_slices(images).shuffle(len(images)).repeat().batch(BATCH))

    @tf.function
    def step(real: tf.Tensor) -> None:
        noise = tf.random.stateless_normal([BATCH, 100], [1, 2])
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            fake = generator(noise, training=True)
            real_logits, fake_logits = discriminator(real, training=True), discriminator(fake, training=True)
            generator_loss = entropy(tf.ones_like(fake_logits), fake_logits)
            discriminator_loss = entropy(tf.ones_like(real_logits), real_logits)
            discriminator_loss += entropy(tf.zeros_like(fake_logits), fake_logits)
        updates = (
            (generator, generator_loss, generator_tape, optimizers[0]),
            (discriminator, discriminator_loss, discriminator_tape, optimizers[1]),
        )
        for network, loss, tape, optimizer in updates:
            variables = network.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    def run(steps: int) -> float:
        step(next(batches))
        began = time.perf_counter()
        for _ in range(steps):
            step(next(batches))
        generator.trainable_variables[0].numpy()
        return steps * BATCH / (time.perf_counter() - began)

    return run


def gan_train(store: Store, dataset_id: str) -> Callable[[int], float]:
    """The loop of `gan.train`, as a function from steps to images per second; each call is a new run."""
    seeds = iter(range(1000))

    def run(steps: int) -> float:
        settings = [f"train.steps={steps}", f"train.seed={next(seeds)}", "train.precision=float32"]
        settings += [f"train.batch_size={BATCH}", "train.generator_learning_rate=1e-4"]
        outcome = train(store, config.load("mnist", settings), dataset_id)
        return float(outcome.details["images_per_second"])

    return run


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", help="folder of the four IDX files")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(folder)
        dataset_id = preprocess(store, config.Data(dataset="mnist", source=arguments.mnist)).id
        pixels = load_split(store, spec.load(store, dataset_id), "train").pixels
        loops = {"gan": gan_train(store, dataset_id), "baseline": baseline(pixels.astype(np.float32) / 127.5 - 1.0)}
        rates: dict[str, list[float]] = {name: [] for name in loops}
        for _ in range(arguments.rounds):
            for name, loop in loops.items():
                rates[name].append(loop(arguments.steps))
                print(f"{name}: {rates[name][-1]:.0f} images/s", flush=True)
    ratio = statistics.median(rates["gan"]) / statistics.median(rates["baseline"])
    print(f"gan / baseline, medians of {arguments.rounds} rounds: {ratio:.2f}")


if __name__ == "__main__":
    main()
