"""One training step: the discriminator's updates, then one of the generator, as graphs traced once.

With n = `discriminator_steps`, n - 1 updates of the discriminator each see a fresh real and a fresh generated batch.
The last part updates both: the images it generates serve the discriminator first and then, judged anew, the
generator, as in the reference code of DCGAN. Conditional networks draw the classes of the real batch they are compared
with.
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
from gan.train.nan_guard import FLAG
from gan.train.rng import StatelessRng
from gan.train.state import TrainState
from gan.types import Images, Labels, Scalar, Tensor

Metrics = dict[str, Scalar]


class TrainingStep:
    """Takes steps: call it with the step's number (from 1) and its batches.

    Args:
        players: what it changes.
        loss: the game.
        regulariser: added to the generator's loss; None for none.
        latent_size: Z.
        conditional: whether the networks take labels.
        seed: of latents, label noise and interpolates.
        ema_decay: in [0, 1).
        ema_ramp_up: whether the decay ramps up; see `gan.train.ema.decay_at`.
        replicas: who share each batch; by default one device has all of it.
    """

    def __init__(
        self,
        players: TrainState,
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
        self._players = players
        self._loss = loss
        self._regulariser = regulariser
        self._latent_size = latent_size
        self._conditional = conditional
        self._seed = seed
        self._ema_decay = ema_decay
        self._ema_ramp_up = ema_ramp_up
        self._replicas = replicas or Replicas()
        # No Python control flow hangs on a tensor here, so AutoGraph would only rewrite code and slow the tracing.
        self._train_discriminator = tf.function(self._replicas.spread(self._discriminator_part), autograph=False)
        self._train_both = tf.function(self._replicas.spread(self._last_part), autograph=False)

    def __call__(self, step: int, batches: Sequence[dict[str, Tensor]]) -> Metrics:
        """Take a step.

        Args:
            step: its number, from 1.
            batches: one for each update of the discriminator: `images` float32 [N, H, W, C] in [-1, 1] and `labels`
                int32 [N], of the same N always.

        Returns:
            float32 scalars, not yet waited for: `generator_loss` (without `kl`), `discriminator_loss` (without
            `gradient_penalty`), `kl` and `gradient_penalty` (without their weights) where there are such terms,
            `real_accuracy` and `fake_accuracy` where the loss has a border at 0, `generator_gradient_norm`,
            `discriminator_gradient_norm`; and whether all is finite, boolean, under `gan.train.nan_guard.FLAG`.
        """
        number = tf.constant(step, tf.int64)
        for part, batch in enumerate(batches[:-1]):
            self._train_discriminator(number, tf.constant(part, tf.int64), batch["images"], batch["labels"])
        last = batches[-1]
        metrics: Metrics = self._train_both(
            number, tf.constant(len(batches) - 1, tf.int64), last["images"], last["labels"]
        )
        return metrics

    def _discriminator_part(self, step: Tensor, part: Tensor, real: Images, labels: Labels) -> None:
        draws = StatelessRng(self._seed, step, part)
        self._update_discriminator(draws, real, self._generate(draws, labels), labels)

    def _last_part(self, step: Tensor, part: Tensor, real: Images, labels: Labels) -> Metrics:
        draws = StatelessRng(self._seed, step, part)
        with tf.GradientTape() as tape:
            fake = self._generate(draws, labels)
        metrics = self._update_discriminator(draws, real, fake, labels)
        metrics |= self._update_generator(tape, real, fake, labels)
        decay = ema.decay_at(step, self._ema_decay, ramp_up=self._ema_ramp_up)
        ema.update(self._players.ema.variables, self._players.generator.variables, decay)
        return {**metrics, FLAG: self._all_finite(metrics)}

    def _generate(self, draws: StatelessRng, labels: Labels) -> Images:
        latents = self._replicas.own(draws.latents(self._whole_size(labels), self._latent_size))
        return self._players.generator([latents, labels] if self._conditional else latents, training=True)

    def _judge(self, images: Images, labels: Labels) -> DiscriminatorOutput:
        return DiscriminatorOutput(
            *self._players.discriminator([images, labels] if self._conditional else images, training=True)
        )

    def _judge_whole(self, images: Images, labels: Labels) -> DiscriminatorOutput:
        """What it says of the whole batch, of which this replica has a part; features only where they are looked at."""
        own = self._judge(images, labels)
        features = self._replicas.whole(own.features) if self._regulariser is not None else own.features
        return DiscriminatorOutput(self._replicas.whole(own.logits), features)

    def _whole_size(self, own: Tensor) -> int:
        return int(own.shape[0]) * self._replicas.count

    def _update_discriminator(self, draws: StatelessRng, real: Images, fake: Images, labels: Labels) -> Metrics:
        optimizer = self._players.discriminator_optimizer
        variables = self._players.discriminator.trainable_variables
        with tf.GradientTape() as tape:
            real_logits = self._replicas.whole(self._judge(real, labels).logits)
            fake_logits = self._replicas.whole(self._judge(fake, labels).logits)
            loss = self._loss.discriminator(real_logits, fake_logits, self._flips(draws, real_logits.shape))
            metrics = {"discriminator_loss": loss}
            if self._loss.gradient_penalty > 0:
                alpha = self._replicas.own(draws.uniform((self._whole_size(real), 1, 1, 1)))
                own = gradient_penalty(lambda images: self._judge(images, labels).logits, real, fake, alpha)
                term = self._replicas.mean(own)
                metrics["gradient_penalty"] = term
                loss += self._loss.gradient_penalty * term
            scaled = optimizer.scale_loss(loss)
        norm = self._apply(optimizer, _gradients(tape, scaled, variables), variables)
        if self._loss.clip_value is not None:
            clip_weights(variables, self._loss.clip_value)
        if self._loss.zero_is_border:
            metrics |= {"real_accuracy": _share(real_logits > 0), "fake_accuracy": _share(fake_logits < 0)}
        return {**metrics, "discriminator_gradient_norm": norm}

    def _update_generator(self, tape: tf.GradientTape, real: Images, fake: Images, labels: Labels) -> Metrics:
        """By the chain rule: from the loss to the images here, from the images to the weights on `tape`."""
        optimizer = self._players.generator_optimizer
        variables = self._players.generator.trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as image_tape:
            image_tape.watch(fake)
            judged = self._judge_whole(fake, labels)
            loss = self._loss.generator(judged.logits)
            metrics = {"generator_loss": loss}
            if self._regulariser is not None:
                seen = self._judge_whole(real, labels) if self._regulariser.needs_real else None
                term = self._regulariser.divergence(seen, judged)
                metrics["kl"] = term
                loss += self._regulariser.weight * term
            scaled = optimizer.scale_loss(loss)
        gradients = _gradients(tape, fake, variables, image_tape.gradient(scaled, fake))
        return {**metrics, "generator_gradient_norm": self._apply(optimizer, gradients, variables)}

    def _apply(self, optimizer: keras.optimizers.Optimizer, gradients: list[Tensor], variables: list[Any]) -> Scalar:
        """Apply this replica's possibly scaled gradients with those of all others; returns the unscaled norm of all."""
        gradients = self._replicas.sum(gradients)
        norm = tf.linalg.global_norm(gradients)
        if _scales(optimizer):
            norm /= tf.convert_to_tensor(optimizer.dynamic_scale)
        optimizer.apply(self._replicas.for_optimizer(gradients), variables)
        return norm

    def _flips(self, draws: StatelessRng, shape: tuple[int, ...]) -> LabelFlips | None:
        if self._loss.label_noise <= 0:
            return None
        return LabelFlips(draws.mask(shape, self._loss.label_noise), draws.mask(shape, self._loss.label_noise))

    def _all_finite(self, metrics: Metrics) -> Tensor:
        """Losses and gradient norms, and so every gradient, are finite.

        A scaled loss may overflow now and then: its optimiser skips that update and halves the scale. A scale
        below 1 means that the gradient itself is not finite.
        """
        optimizers = (self._players.generator_optimizer, self._players.discriminator_optimizer)
        scales = [each.dynamic_scale for each in optimizers if _scales(each)]
        watched = [value for name, value in metrics.items() if not (scales and name.endswith("gradient_norm"))]
        finite = tf.reduce_all(tf.math.is_finite(tf.stack(watched)))
        for scale in scales:
            finite = tf.logical_and(finite, tf.convert_to_tensor(scale) >= 1.0)
        return finite


def _gradients(tape: tf.GradientTape, target: Tensor, variables: list[Any], upstream: Tensor = None) -> list[Tensor]:
    found = tape.gradient(
        target, variables, output_gradients=upstream, unconnected_gradients=tf.UnconnectedGradients.ZERO
    )
    return [tf.convert_to_tensor(gradient) for gradient in found]  # an embedding's gradient is sparse


def _scales(optimizer: keras.optimizers.Optimizer) -> bool:
    return isinstance(optimizer, keras.optimizers.LossScaleOptimizer)


def _share(correct: Tensor) -> Scalar:
    return tf.reduce_mean(tf.cast(correct, tf.float32))
