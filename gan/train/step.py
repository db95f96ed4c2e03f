"""One training step: the discriminator's updates, then one of the generator, as graphs that are traced once.

With n = `discriminator_steps`, each of the first n - 1 updates trains the discriminator on a new real and a new
generated batch. The last one trains both networks: the discriminator and then the generator use the same generated
images, as in the reference code of DCGAN. Conditional networks generate the classes of the real batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from gan.losses.gradient_penalty import gradient_penalty
from gan.losses.interface import DiscriminatorOutput, LabelFlips, Loss, Regulariser
from gan.losses.wasserstein import clip_weights
from gan.train import ema
from gan.train.distributed.replicas import Replicas
from gan.train.interface import Batch, Metrics
from gan.train.nan_guard import FLAG
from gan.train.rng import StatelessRng
from gan.train.state import TrainState
from gan.types import Images, Labels, Logits, Scalar, Tensor


class TrainingStep:
    """Takes steps: call it with the step's number and its batches.

    Args:
        state: the networks and optimisers, changed in place.
        loss: of both networks.
        regulariser: added to the generator's loss; None for none.
        latent_size: Z.
        conditional: whether the networks take labels.
        seed: of latents, label noise and interpolates.
        ema_decay: in [0, 1).
        ema_ramp_up: whether the decay ramps up; see `gan.train.ema.decay_at`.
        replicas: the devices that share each batch; by default a single one.
    """

    def __init__(
        self,
        state: TrainState,
        loss: Loss,
        regulariser: Regulariser | None,
        *,
        latent_size: int,
        conditional: bool,
        seed: int,
        ema_decay: float,
        ema_ramp_up: bool = True,
        replicas: Replicas | None = None,
    ) -> None:
        self._state = state
        self._loss = loss
        self._regulariser = regulariser
        self._latent_size = latent_size
        self._conditional = conditional
        self._seed = seed
        self._ema_decay = ema_decay
        self._ema_ramp_up = ema_ramp_up
        self._replicas = replicas or Replicas()
        # No Python control flow depends on a tensor, so AutoGraph would only rewrite code and slow down tracing.
        self._train_discriminator = tf.function(self._replicas.run_on_all(self._discriminator_only), autograph=False)
        self._train_both = tf.function(self._replicas.run_on_all(self._both), autograph=False)

    def __call__(self, step: int, batches: Sequence[Batch]) -> Metrics:
        """Take a step.

        Args:
            step: its number, from 1.
            batches: one for each update of the discriminator, all of the same size: `images` float32 [N, H, W, C] in
                [-1, 1] and `labels` int32 [N].

        Returns:
            float32 scalars, not yet waited for: `generator_loss` (without `kl`), `discriminator_loss` (without
            `gradient_penalty`), `kl` and `gradient_penalty` (without their weights) if there are such terms,
            `real_accuracy` and `fake_accuracy` if the loss has a decision boundary at 0, `generator_gradient_norm`,
            `discriminator_gradient_norm`; and a boolean under `gan.train.nan_guard.FLAG`: whether all are finite.
        """
        number = tf.constant(step, tf.int64)
        for update, batch in enumerate(batches[:-1]):
            self._train_discriminator(number, tf.constant(update, tf.int64), batch["images"], batch["labels"])
        last = batches[-1]
        metrics: Metrics = self._train_both(
            number, tf.constant(len(batches) - 1, tf.int64), last["images"], last["labels"]
        )
        return metrics

    def _discriminator_only(self, step: Tensor, update: Tensor, real: Images, labels: Labels) -> None:
        rng = StatelessRng(self._seed, step, update)
        self._update_discriminator(rng, real, self._generate(rng, labels), labels)

    def _both(self, step: Tensor, update: Tensor, real: Images, labels: Labels) -> Metrics:
        rng = StatelessRng(self._seed, step, update)
        with tf.GradientTape() as tape:
            fake = self._generate(rng, labels)
        metrics = self._update_discriminator(rng, real, fake, labels)
        metrics |= self._update_generator(tape, real, fake, labels)
        decay = ema.decay_at(step, self._ema_decay, ramp_up=self._ema_ramp_up)
        ema.update(self._state.ema.variables, self._state.generator.variables, decay)
        return {**metrics, FLAG: self._all_finite(metrics)}

    def _generate(self, rng: StatelessRng, labels: Labels) -> Images:
        latents = self._replicas.local_slice(rng.latents(self._global_batch_size(labels), self._latent_size))
        return self._state.generator([latents, labels] if self._conditional else latents, training=True)

    def _discriminate(self, images: Images, labels: Labels) -> DiscriminatorOutput:
        return DiscriminatorOutput(
            *self._state.discriminator([images, labels] if self._conditional else images, training=True)
        )

    def _global_logits(self, images: Images, labels: Labels) -> Logits:
        """The logits of the global batch, of which this replica has a slice."""
        return self._replicas.all_gather(self._discriminate(images, labels).logits)

    def _global_output(self, images: Images, labels: Labels) -> DiscriminatorOutput:
        """The output for the global batch; features are gathered only if the regulariser may use them."""
        local = self._discriminate(images, labels)
        features = self._replicas.all_gather(local.features) if self._regulariser is not None else local.features
        return DiscriminatorOutput(self._replicas.all_gather(local.logits), features)

    def _global_batch_size(self, local: Tensor) -> int:
        return int(local.shape[0]) * self._replicas.count

    def _update_discriminator(self, rng: StatelessRng, real: Images, fake: Images, labels: Labels) -> Metrics:
        optimizer = self._state.discriminator_optimizer
        variables = self._state.discriminator.trainable_variables
        with tf.GradientTape() as tape:
            real_logits = self._global_logits(real, labels)
            fake_logits = self._global_logits(fake, labels)
            loss = self._loss.discriminator(real_logits, fake_logits, self._label_flips(rng, real_logits.shape))
            metrics = {"discriminator_loss": loss}
            if self._loss.gradient_penalty > 0:
                alpha = self._replicas.local_slice(rng.uniform((self._global_batch_size(real), 1, 1, 1)))
                local = gradient_penalty(lambda images: self._discriminate(images, labels).logits, real, fake, alpha)
                penalty = self._replicas.all_reduce_mean(local)
                metrics["gradient_penalty"] = penalty
                loss += self._loss.gradient_penalty * penalty
            scaled = optimizer.scale_loss(loss)
        norm = self._apply(optimizer, _gradients(tape, scaled, variables), variables)
        if self._loss.clip_value is not None:
            clip_weights(variables, self._loss.clip_value)
        if self._loss.zero_is_boundary:
            metrics |= {"real_accuracy": _fraction(real_logits > 0), "fake_accuracy": _fraction(fake_logits < 0)}
        return {**metrics, "discriminator_gradient_norm": norm}

    def _update_generator(self, tape: tf.GradientTape, real: Images, fake: Images, labels: Labels) -> Metrics:
        """Chain rule: the gradient of the loss in the images here, that of the images in the weights on `tape`."""
        optimizer = self._state.generator_optimizer
        variables = self._state.generator.trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as image_tape:
            image_tape.watch(fake)
            fake_output = self._global_output(fake, labels)
            loss = self._loss.generator(fake_output.logits)
            metrics = {"generator_loss": loss}
            if self._regulariser is not None:
                real_output = self._global_output(real, labels) if self._regulariser.needs_real else None
                divergence = self._regulariser.divergence(real_output, fake_output)
                metrics["kl"] = divergence
                loss += self._regulariser.weight * divergence
            scaled = optimizer.scale_loss(loss)
        gradients = _gradients(tape, fake, variables, image_tape.gradient(scaled, fake))
        return {**metrics, "generator_gradient_norm": self._apply(optimizer, gradients, variables)}

    def _apply(self, optimizer: keras.optimizers.Optimizer, gradients: list[Tensor], variables: list[Any]) -> Scalar:
        """Sum the possibly loss-scaled gradients of all replicas and apply them; returns the unscaled norm."""
        gradients = self._replicas.all_reduce_sum(gradients)
        norm = tf.linalg.global_norm(gradients)
        if _scales_loss(optimizer):
            norm /= tf.convert_to_tensor(optimizer.dynamic_scale)
        optimizer.apply(self._replicas.for_optimizer(gradients), variables)
        return norm

    def _label_flips(self, rng: StatelessRng, shape: tuple[int, ...]) -> LabelFlips | None:
        if self._loss.label_noise <= 0:
            return None
        return LabelFlips(rng.mask(shape, self._loss.label_noise), rng.mask(shape, self._loss.label_noise))

    def _all_finite(self, metrics: Metrics) -> Tensor:
        """Whether losses and gradient norms, and therefore all gradients, are finite.

        A scaled loss may overflow now and then: its optimiser skips that update and halves the scale. A scale
        below 1 means that the gradient itself is not finite.
        """
        optimizers = (self._state.generator_optimizer, self._state.discriminator_optimizer)
        scales = [each.dynamic_scale for each in optimizers if _scales_loss(each)]
        watched = [value for name, value in metrics.items() if not (scales and name.endswith("gradient_norm"))]
        finite = tf.reduce_all(tf.math.is_finite(tf.stack(watched)))
        for scale in scales:
            finite = tf.logical_and(finite, tf.convert_to_tensor(scale) >= 1.0)
        return finite


def _gradients(tape: tf.GradientTape, target: Tensor, variables: list[Any], upstream: Tensor = None) -> list[Tensor]:
    gradients = tape.gradient(
        target, variables, output_gradients=upstream, unconnected_gradients=tf.UnconnectedGradients.ZERO
    )
    return [tf.convert_to_tensor(gradient) for gradient in gradients]  # an embedding's gradient is sparse


def _scales_loss(optimizer: keras.optimizers.Optimizer) -> bool:
    return isinstance(optimizer, keras.optimizers.LossScaleOptimizer)


def _fraction(correct: Tensor) -> Scalar:
    return tf.reduce_mean(tf.cast(correct, tf.float32))
