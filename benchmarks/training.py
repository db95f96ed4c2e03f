"""Training speed compared with the loop of TensorFlow's DCGAN tutorial, the bare step, and the machine's peak.

All train the same networks with the same loss, optimiser and batches of 64: those of the tutorial on MNIST, and those
of `gan`'s own 64 x 64 x 3 DCGAN. They take turns in one process, so that other load on the machine affects all of
them, and what is compared are the medians of the ratios within a turn. The tutorial holds the images in memory,
shuffles them with tf.data, and neither logs, averages, checks for finiteness nor saves; `gan.train` does all of that.

Besides wall time the CPU time of the process counts. It depends less on other load, but does not see how well the
cores are shared, so wall times need a quiet machine.

    comparison    `gan` in float32 and with train.precision=auto, and the tutorial's loop
    overhead      main-thread time of a step of the loop over that of calling the compiled step, for the config digits
    peak          FLOPs of a step, counted from the layers, as a share of a large matrix multiplication's rate
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gan import config
from gan.config import Config
from gan.data import spec
from gan.data.load import load_split
from gan.steps import train as train_step
from gan.steps.preprocess import preprocess
from gan.store import Store, open_store
from gan.train import loop as train_loop

BATCH = 64
WARM_UP = 5
MATRIX = 2048
PRODUCTS = 10
CORES = os.cpu_count() or 1
IN_MEMORY = 8000
COMMON = (
    "generator.width=1",
    "generator.conditional=false",
    "discriminator.width=1",
    "loss.name=non_saturating",
    "optimizer.beta_1=0.9",
    "train.generator_learning_rate=1e-4",
    "train.discriminator_learning_rate=1e-4",
    f"train.batch_size={BATCH}",
    "train.log_every_steps=50",
)


@dataclass
class Timing:
    """Seconds per step."""

    wall: float
    cpu: float
    main_thread: float


class Stopwatch:
    """The seconds per step between `start` and `read`."""

    def start(self) -> None:
        """Start counting."""
        self._began = time.perf_counter(), time.process_time(), time.thread_time()

    def read(self, steps: int) -> Timing:
        """What one of `steps` steps took since `start`."""
        now = time.perf_counter(), time.process_time(), time.thread_time()
        return Timing(*((after - before) / steps for before, after in zip(self._began, now, strict=True)))


def tutorial_networks(side: int) -> tuple[keras.Model, keras.Model]:
    """The networks of https://www.tensorflow.org/tutorials/generative/dcgan for 28; for 64 with three doublings.

    Both have the layers of `gan.networks.dcgan_generator` and `gan.networks.dcgan_discriminator`.
    """
    layers = keras.layers
    start, channels = (7, 1) if side == 28 else (side // 8, 3)
    generator = [keras.Input((100,)), layers.Dense(start * start * 256, use_bias=False)]
    generator += [layers.BatchNormalization(), layers.LeakyReLU(), layers.Reshape((start, start, 256))]
    for filters, stride in ((128, 1 if side == 28 else 2), (64, 2)):
        generator.append(layers.Conv2DTranspose(filters, 5, strides=stride, padding="same", use_bias=False))
        generator += [layers.BatchNormalization(), layers.LeakyReLU()]
    generator.append(layers.Conv2DTranspose(channels, 5, strides=2, padding="same", use_bias=False, activation="tanh"))
    discriminator = [keras.Input((side, side, channels))]
    for filters in (64, 128) if side == 28 else (64, 128, 256):
        discriminator.append(layers.Conv2D(filters, 5, strides=2, padding="same"))
        discriminator += [layers.LeakyReLU(), layers.Dropout(0.3)]
    discriminator += [layers.Flatten(), layers.Dense(1)]
    return keras.Sequential(generator), keras.Sequential(discriminator)


def tutorial(images: np.ndarray) -> Callable[[int], Timing]:
    """The tutorial's loop, as a function from steps to seconds per step."""
    generator, discriminator = tutorial_networks(images.shape[1])
    optimizers = keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4)
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    batches = iter(tf.data.Dataset.from_tensor_slices(images).shuffle(len(images)).repeat().batch(BATCH))

    @tf.function
    def step(real: tf.Tensor, number: tf.Tensor) -> None:
        noise = tf.random.stateless_normal([BATCH, 100], tf.stack([number, 0]))
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

    def run(steps: int) -> Timing:
        tf.config.optimizer.set_experimental_options({"remapping": True})  # the default, which `gan.train` turns off
        watch = Stopwatch()
        for number in range(WARM_UP + steps):
            if number == WARM_UP:
                watch.start()
            step(next(batches), tf.constant(number))
        generator.trainable_variables[0].numpy()
        return watch.read(steps)

    return run


class TimedLoop(train_loop.Loop):
    """Times the steps after the first WARM_UP, without the last, which draws samples and saves."""

    latest: TimedLoop

    def _train_step(self, step: int, advance: Any) -> None:
        TimedLoop.latest = self
        if step == WARM_UP + 1:
            self.watch = Stopwatch()
            self.watch.start()
        if step == self._settings.steps:
            self.timing = self.watch.read(step - WARM_UP - 1)
            self.batch = next(self._batches)
        super()._train_step(step, advance)


def gan_train(store: Store, dataset_id: str, settings: Config) -> Callable[[int], Timing]:
    """The loop of `gan.train`, as a function from steps to seconds per step; each call is a new run."""
    seeds: Iterator[int] = iter(range(10_000))

    def run(steps: int) -> Timing:
        total = WARM_UP + steps + 1
        changed = config.override(settings, [f"train.steps={total}", f"train.seed={next(seeds)}"])
        train_step.train(store, changed, dataset_id)
        return TimedLoop.latest.timing

    return run


def bare_step(steps: int) -> Timing:
    """Calling the compiled step of the latest run of `gan.train` with one batch, again and again."""
    loop = TimedLoop.latest
    arguments = (tf.constant(1, tf.int64), tf.constant(0, tf.int64), loop.batch["images"], loop.batch["labels"])
    compiled = loop._take_step._function(True, loop._take_step._due(0), arguments)
    watch = Stopwatch()
    compiled(*arguments)
    watch.start()
    for _ in range(steps):
        compiled(*arguments)
    return watch.read(steps)


def flops_per_step(networks: tuple[keras.Model, keras.Model], discriminator_passes: int) -> float:
    """The FLOPs of the matrix multiplications and convolutions of a training step, by the layers' shapes.

    A multiplication with an addition is 2. A layer's gradients in its inputs and in its weights each cost what the
    layer does. The generator runs forward and back: 3 times its layers, less the gradient in the latents. The
    discriminator has gradients in its weights for real and for generated images, in its activations for both but for
    the first layer, and in the image and the activations for the generator: 5 times, less twice the first layer.

    Args:
        networks: the generator and the discriminator.
        discriminator_passes: how often the discriminator runs forward: 2 in the tutorial, whose networks learn from
            the same pass; 3 in `gan.train`, whose generator learns from the discriminator after its update.
    """
    generator, discriminator = ([_flops(layer) for layer in network.layers] for network in networks)
    generator_flops = 3 * sum(generator) - next(filter(None, generator))
    discriminator_flops = (5 + discriminator_passes) * sum(discriminator) - 2 * next(filter(None, discriminator))
    return BATCH * float(generator_flops + discriminator_flops)


def _flops(layer: keras.layers.Layer) -> int:
    """Of one image through a layer."""
    if isinstance(layer, keras.layers.Dense):
        return 2 * int(np.prod(layer.kernel.shape))
    if isinstance(layer, keras.layers.Conv2DTranspose):
        return 2 * int(np.prod(layer.kernel.shape)) * int(np.prod(layer.input.shape[1:3]))
    if isinstance(layer, keras.layers.Conv2D):
        return 2 * int(np.prod(layer.kernel.shape)) * int(np.prod(layer.output.shape[1:3]))
    return 0


def matrix_multiplication() -> Callable[[int], Timing]:
    """Multiplying float32 matrices of side MATRIX on all cores: a function that gives the seconds of one product."""
    matrix = tf.random.stateless_normal([MATRIX, MATRIX], [1, 2])
    multiply = tf.function(lambda: tf.matmul(matrix, matrix)[0, 0], autograph=False)

    def run(_: int) -> Timing:
        multiply().numpy()
        watch = Stopwatch()
        watch.start()
        for _ in range(PRODUCTS):
            multiply().numpy()
        return watch.read(PRODUCTS)

    return run


def in_turns(loops: dict[str, Callable[[int], Timing]], steps: int, rounds: int) -> dict[str, list[Timing]]:
    """The timings of each loop; the order is reversed in every second round."""
    timings: dict[str, list[Timing]] = {name: [] for name in loops}
    for number in range(rounds):
        for name in list(loops)[:: 1 if number % 2 == 0 else -1]:
            timings[name].append(loops[name](steps))
    return timings


def ratio(timings: dict[str, list[Timing]], one: str, other: str, clock: str) -> float:
    """The speed of `one` over that of `other`: the median over the rounds."""
    pairs = zip(timings[one], timings[other], strict=True)
    return statistics.median(getattr(slow, clock) / getattr(fast, clock) for fast, slow in pairs)


def compare(name: str, store: Store, dataset_id: str, pixels: np.ndarray, steps: int, rounds: int) -> None:
    """Print images per second, ratios and the share of the peak for one image size."""
    shipped = config.load(name, [*COMMON, "reference.feature_network=null"])
    loops = {"product": matrix_multiplication(), "tutorial": tutorial(pixels.astype(np.float32) / 127.5 - 1.0)}
    for precision in ("float32", "auto"):
        settings = config.override(shipped, [f"train.precision={precision}"])
        loops[f"gan {precision}"] = gan_train(store, dataset_id, settings)
    timings = in_turns(loops, steps, rounds)
    networks = tutorial_networks(pixels.shape[1])
    rate = 2 * MATRIX**3 / min(each.wall for each in timings["product"])
    print(f"\n{name}, {pixels.shape[1:]}; a product of {MATRIX} x {MATRIX} matrices: {rate / 1e9:.0f} GFLOP/s")
    print(f"{'':14}{'':>10}{'':>10}{'':>10}{'speed / tutorial':>20}{'share of peak':>20}")
    print(f"{'':14}{'images/s':>10}{'ms/step':>10}{'CPU ms':>10}" + 2 * f"{'by wall':>10}{'by CPU':>10}")
    for each in list(loops)[1:]:
        flops = flops_per_step(networks, 2 if each == "tutorial" else 3)
        wall, cpu = (statistics.median(getattr(one, clock) for one in timings[each]) for clock in ("wall", "cpu"))
        print(f"{each:14}{BATCH / wall:10.0f}{1e3 * wall:10.1f}{1e3 * cpu:10.1f}", end="")
        for clock in ("wall", "cpu"):
            print(f"{ratio(timings, each, 'tutorial', clock):10.2f}", end="")
        for clock in ("wall", "cpu"):
            print(f"{flops / (2 * MATRIX**3) * ratio(timings, each, 'product', clock):10.0%}", end="")
        print(flush=True)


def overhead(store: Store, steps: int, rounds: int) -> None:
    """Print what the loop adds to the compiled step, for networks so small that it counts."""
    settings = config.load("digits", [])
    dataset_id = preprocess(store, settings.data).id
    timings = in_turns({"loop": gan_train(store, dataset_id, settings), "bare": bare_step}, steps, rounds)
    print(f"\ndigits, milliseconds a step\n{'':10}{'wall':>8}{'CPU':>8}{'main thread':>13}")
    for each, found in timings.items():
        medians = [statistics.median(getattr(one, clock) for one in found) for clock in ("wall", "cpu", "main_thread")]
        print(f"{each:10}{1e3 * medians[0]:8.2f}{1e3 * medians[1]:8.2f}{1e3 * medians[2]:13.3f}")
    for what, seconds in (("wall time", lambda bare: bare.wall), ("CPU time / cores", lambda bare: bare.cpu / CORES)):
        added = statistics.median(
            (loop.main_thread - bare.main_thread) / seconds(bare)
            for loop, bare in zip(timings["loop"], timings["bare"], strict=True)
        )
        print(f"the loop's own time on the main thread, as a share of the bare step's {what}: {added:.1%}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", help="folder of the four IDX files; left out: no comparison on MNIST")
    parser.add_argument("--celeba", help="folder of CelebA's files; left out: no comparison at 64 x 64 x 3")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    train_loop.Loop = TimedLoop
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(folder)
        overhead(store, 2 * options.steps, options.rounds)
        for dataset, source in (("mnist", options.mnist), ("celeba", options.celeba)):
            if source:
                data = config.load(dataset, [f"data.source={source}"]).data
                dataset_id = preprocess(store, data).id
                pixels = load_split(store, spec.load(store, dataset_id), "train").pixels[:IN_MEMORY]
                compare(dataset, store, dataset_id, pixels, options.steps, options.rounds)


if __name__ == "__main__":
    main()
