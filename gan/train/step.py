"""One training step: the discriminator's updates, then one of the generator, as graphs that are traced once.

With n = `discriminator_steps`, each of the first n - 1 updates trains the discriminator on a new real and a new
generated batch. The last one trains both networks: the discriminator and then the generator use the same generated
images, as in the reference code of DCGAN. Conditional networks generate the classes of the real batch.

    discriminator update   loss.discriminator(real logits, fake logits) + the discriminator's weighted regularisers
    generator update       loss.generator(fake logits, real logits) + the generator's weighted regularisers

The discriminator sees augmented images, in packs if it judges several together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import tensorflow as tf

from gan.losses.gradient_penalty import gradient_penalty
from gan.losses.interface import DiscriminatorOutput, LabelFlips, Loss
from gan.losses.wasserstein import clip_weights
from gan.networks.packing import packed
from gan.schedules import is_constant, value_at
from gan.schedules.interface import Scheduled, ScheduleOptions
from gan.train import ema
from gan.train.distributed.replicas import Replicas
from gan.train.interface import Batch, Metrics
from gan.train.nan_guard import FLAG
from gan.train.rng import BatchDraws, StatelessRng
from gan.train.state import TrainState
from gan.types import Images, Labels, Logits, Scalar, Tensor

if TYPE_CHECKING:
    from gan.regularisers.interface import Regulariser

DecayAt = Callable[[Tensor], Scalar]
"""From a step's number to the decay of the moving average at that step."""

AUGMENTATION_STREAM = 1
"""The first stream of random draws for augmentation: one each for the real and the generated batch of an update of the
discriminator, then for those of the generator's.
"""


class JudgedBatch(NamedTuple):
    """What the discriminator was given, and what it made of it.

    Attributes:
        seen: this replica's augmented images, in packs: float32 [n, H, W, C], with the C of all images of a pack.
        logits: of the global batch, float32 [N, 1].
        gradients: if they are needed, those of this replica's logits in the images before augmentation, in packs:
            float32 [n, H, W, C].
    """

    seen: Images
    logits: Logits
    gradients: Tensor | None = None


class TrainingStep:
    """Takes steps: call it with the step's number and its batches.

    Args:
        state: the networks, optimisers, regularisers and augmentation, changed in place.
        loss: of both networks.
        latent_size: Z.
        conditional: whether the networks take labels.
        seed: of latents, label noise, interpolates and augmentation.
        ema_decay: the decay of the moving average at a step, in [0, 1).
        learning_rates: of the generator and of the discriminator: numbers, which the optimisers have, or schedules.
        beta_2: of the optimisers, if it follows a schedule; else None.
        packing: how many images the discriminator judges together.
        replicas: the devices that share each batch; by default a single one.
        jit_compile: whether XLA compiles the updates; on a single device only.
    """

    def __init__(
        self,
        state: TrainState,
        loss: Loss,
        *,
        latent_size: int,
        conditional: bool,
        seed: int,
        ema_decay: DecayAt,
        learning_rates: tuple[Scheduled, Scheduled],
        beta_2: ScheduleOptions | None = None,
        packing: int = 1,
        replicas: Replicas | None = None,
        jit_compile: bool = False,
    ) -> None:
        self._state = state
        self._loss = loss
        self._latent_size = latent_size
        self._conditional = conditional
        self._seed = seed
        self._ema_decay = ema_decay
        self._generator_rate, self._discriminator_rate = learning_rates
        self._beta_2 = beta_2
        self._packing = packing
        self._replicas = replicas or Replicas()
        self._jit_compile = jit_compile
        self._lazy = [each.name for each in state.regularisers if each.every > 1]
        self._last_lazy: Metrics = {}
        self._compiled: dict[tuple[bool, tuple[str, ...]], Callable[..., Any]] = {}

    def __call__(self, step: int, batches: Sequence[Batch]) -> Metrics:
        """Take a step.

        Args:
            step: its number, from 1.
            batches: one for each update of the discriminator, all of the same size: `images` float32 [N, H, W, C] in
                [-1, 1] and `labels` int32 [N].

        Returns:
            float32 scalars, not yet waited for: `generator_loss` and `discriminator_loss` (without regularisers),
            `gradient_penalty` and each regulariser by its name (without their weights) if there are such terms,
            `augmentation_strength` if it changes, `real_accuracy` and `fake_accuracy` if the loss has a decision
            boundary at 0, `generator_gradient_norm`, `discriminator_gradient_norm`; and a boolean under
            `gan.train.nan_guard.FLAG`: whether all are finite. A regulariser that is not computed at each update has
            its last value, and none before its first computation in this process.
        """
        number = tf.constant(step, tf.int64)
        metrics: Metrics = dict(self._last_lazy)
        for update, batch in enumerate(batches):
            last = update == len(batches) - 1
            arguments = (number, tf.constant(update, tf.int64), batch["images"], batch["labels"])
            train = self._function(last, self._due((step - 1) * len(batches) + update), arguments)
            metrics |= train(*arguments)
        self._last_lazy = {name: metrics[name] for name in self._lazy if name in metrics}
        return metrics

    def _due(self, update: int) -> tuple[str, ...]:
        """The names of the regularisers that are computed at an update of the discriminator, counted from 0."""
        return tuple(each.name for each in self._state.regularisers if update % each.every == 0)

    def _function(self, last: bool, due: tuple[str, ...], arguments: tuple[Tensor, ...]) -> Callable[..., Any]:
        """The compiled update of both networks (`last`) or of the discriminator alone, with these regularisers.

        It is a concrete function, for the shapes of `arguments`: a `tf.function` would compare their types with its
        signatures at each step, which takes a third of the time of a call.
        """
        if (last, due) not in self._compiled:
            body = partial(self._both if last else self._discriminator_only, due)
            # No Python control flow depends on a tensor, so AutoGraph would only rewrite code and slow down tracing.
            # Without XLA the value is None, not False, which would forbid it where the environment asks for it.
            function = tf.function(
                self._replicas.run_on_all(body), autograph=False, jit_compile=True if self._jit_compile else None
            )
            self._compiled[last, due] = function.get_concrete_function(*arguments)
        return self._compiled[last, due]

    def _discriminator_only(
        self, due: tuple[str, ...], step: Tensor, update: Tensor, real: Images, labels: Labels
    ) -> Metrics:
        rng = StatelessRng(self._seed, step, update)
        metrics = self._update_discriminator(due, rng, step, update, real, self._generate(rng, labels), labels)
        return {name: metrics[name] for name in self._lazy if name in metrics}

    def _both(self, due: tuple[str, ...], step: Tensor, update: Tensor, real: Images, labels: Labels) -> Metrics:
        rng = StatelessRng(self._seed, step, update)
        with tf.GradientTape() as tape:
            fake = self._generate(rng, labels)
        metrics = self._update_discriminator(due, rng, step, update, real, fake, labels)
        metrics |= self._update_generator(tape, step, real, fake, labels)
        ema.update(self._state.ema.variables, self._state.generator.variables, self._ema_decay(step))
        return {**metrics, FLAG: self._all_finite(metrics)}

    def _generate(self, rng: StatelessRng, labels: Labels) -> Images:
        latents = self._replicas.local_slice(rng.latents(self._global_batch_size(labels), self._latent_size))
        return self._state.generator([latents, labels] if self._conditional else latents, training=True)

    def _discriminate(self, images: Images, labels: Labels) -> DiscriminatorOutput:
        """The output for packs of images; labels are [N], one for each image, so there are none for larger packs."""
        return DiscriminatorOutput(
            *self._state.discriminator([images, labels] if self._conditional else images, training=True)
        )

    def _augmented(self, images: Images, step: Tensor, update: Tensor, batch: int) -> Images:
        """What the discriminator sees of a batch; `batch` is the number of the batch in the update."""
        if self._state.augmentation is None:
            return images
        rng = StatelessRng(self._seed, step, update, stream=AUGMENTATION_STREAM + batch)
        draws = BatchDraws(rng, self._global_batch_size(images), self._replicas)
        return self._state.augmentation.apply(images, draws, step)

    def _packed(self, images: Tensor) -> Tensor:
        return packed(images, self._packing)

    def _gathered(self, local: DiscriminatorOutput, *, features: bool) -> DiscriminatorOutput:
        """The output for the global batch, of which this replica has a slice; features only if they are needed."""
        gathered = self._replicas.all_gather(local.features) if features else local.features
        return DiscriminatorOutput(self._replicas.all_gather(local.logits), gathered)

    def _global_batch_size(self, local: Tensor) -> int:
        return int(local.shape[0]) * self._replicas.count

    def _update_discriminator(
        self,
        due: tuple[str, ...],
        rng: StatelessRng,
        step: Tensor,
        update: Tensor,
        real: Images,
        fake: Images,
        labels: Labels,
    ) -> Metrics:
        optimizer = self._state.discriminator_optimizer
        variables = self._state.discriminator.trainable_variables
        terms = [each for each in self._state.regularisers if each.name in due]
        with tf.GradientTape() as tape:
            augment = partial(self._augmented, step=step, update=update)
            real_side, fake_side = (
                self._judge(real, labels, partial(augment, batch=0), any(each.of_real_gradients for each in terms)),
                self._judge(fake, labels, partial(augment, batch=1), any(each.of_fake_gradients for each in terms)),
            )
            flips = self._label_flips(rng, real_side.logits.shape)
            loss = self._loss.discriminator(real_side.logits, fake_side.logits, flips)
            metrics = {"discriminator_loss": loss}
            if self._loss.gradient_penalty > 0:
                metrics["gradient_penalty"] = self._gradient_penalty(rng, real_side.seen, fake_side.seen, labels)
                loss += self._loss.gradient_penalty * metrics["gradient_penalty"]
            for each in self._state.regularisers:
                if each.observe is not None:
                    each.observe(real_side.logits, fake_side.logits)
            for each in terms:
                if (term := self._discriminator_term(each, real_side, fake_side)) is not None:
                    metrics[each.name] = term
                    loss += _factor(each.weight, step) * each.every * term
            scaled = optimizer.scale_loss(loss)
        norm = self._apply(optimizer, _gradients(tape, scaled, variables), variables, self._discriminator_rate, step)
        if self._loss.clip_value is not None:
            clip_weights(variables, self._loss.clip_value)
        if self._state.augmentation is not None and self._state.augmentation.observe is not None:
            self._state.augmentation.observe(real_side.logits)
        if self._state.augmentation is not None and self._state.augmentation.strength is not None:
            metrics["augmentation_strength"] = self._state.augmentation.strength(step)
        metrics |= self._accuracies(real_side.logits, fake_side.logits)
        return {**metrics, "discriminator_gradient_norm": norm}

    def _judge(
        self, images: Images, labels: Labels, augment: Callable[[Images], Images], gradients: bool
    ) -> JudgedBatch:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            if gradients:
                tape.watch(images)
            seen = self._packed(augment(images))
            logits = self._discriminate(seen, labels).logits
        made = JudgedBatch(seen, self._replicas.all_gather(logits))
        return made._replace(gradients=self._packed(tape.gradient(logits, images))) if gradients else made

    def _gradient_penalty(self, rng: StatelessRng, real: Images, fake: Images, labels: Labels) -> Scalar:
        """That of `gan.losses.gradient_penalty` between what the discriminator sees of both batches."""
        alpha = self._replicas.local_slice(rng.uniform((self._global_batch_size(real), 1, 1, 1)))
        local = gradient_penalty(lambda images: self._discriminate(images, labels).logits, real, fake, alpha)
        return self._replicas.all_reduce_mean(local)

    def _discriminator_term(self, regulariser: Regulariser, real: JudgedBatch, fake: JudgedBatch) -> Scalar | None:
        """The regulariser's term of the discriminator's loss, if it has one."""
        if regulariser.of_real_gradients is not None:
            return self._replicas.all_reduce_mean(regulariser.of_real_gradients(real.gradients))
        if regulariser.of_fake_gradients is not None:
            return self._replicas.all_reduce_mean(regulariser.of_fake_gradients(fake.gradients))
        return regulariser.of_logits(real.logits, fake.logits) if regulariser.of_logits is not None else None

    def _accuracies(self, real_logits: Logits, fake_logits: Logits) -> Metrics:
        if not self._loss.zero_is_boundary:
            return {}
        return {"real_accuracy": _fraction(real_logits > 0), "fake_accuracy": _fraction(fake_logits < 0)}

    def _update_generator(
        self, tape: tf.GradientTape, step: Tensor, real: Images, fake: Images, labels: Labels
    ) -> Metrics:
        """Chain rule: the gradient of the loss in the images here, that of the images in the weights on `tape`."""
        optimizer = self._state.generator_optimizer
        variables = self._state.generator.trainable_variables
        terms = [(each, each.of_outputs) for each in self._state.regularisers if each.of_outputs]
        zero = tf.constant(0, tf.int64)
        with tf.GradientTape(watch_accessed_variables=False) as image_tape:
            image_tape.watch(fake)
            seen = self._packed(self._augmented(fake, step, zero, batch=3))
            fake_output = self._gathered(self._discriminate(seen, labels), features=bool(terms))
            real_output = None
            if self._loss.needs_real_logits or any(each.needs_real for each, _ in terms):
                seen = self._packed(self._augmented(real, step, zero, batch=2))
                real_output = self._gathered(self._discriminate(seen, labels), features=bool(terms))
            loss = self._loss.generator(fake_output.logits, real_output.logits if real_output else None)
            metrics = {"generator_loss": loss}
            for each, of_outputs in terms:
                metrics[each.name] = of_outputs(real_output, fake_output)
                loss += _factor(each.weight, step) * metrics[each.name]
            scaled = optimizer.scale_loss(loss)
        gradients = _gradients(tape, fake, variables, image_tape.gradient(scaled, fake))
        norm = self._apply(optimizer, gradients, variables, self._generator_rate, step)
        return {**metrics, "generator_gradient_norm": norm}

    def _apply(
        self,
        optimizer: keras.optimizers.Optimizer,
        gradients: list[Tensor],
        variables: list[Any],
        learning_rate: Scheduled,
        step: Tensor,
    ) -> Scalar:
        """Sum the possibly loss-scaled gradients of all replicas and apply them; returns the unscaled norm."""
        gradients = self._replicas.all_reduce_sum(gradients)
        norm = tf.linalg.global_norm(gradients)
        if _scales_loss(optimizer):
            norm /= tf.convert_to_tensor(optimizer.dynamic_scale)
        if not is_constant(learning_rate):
            optimizer.learning_rate.assign(value_at(learning_rate)(step))
        if self._beta_2 is not None:
            getattr(optimizer, "inner_optimizer", optimizer).beta_2.assign(value_at(self._beta_2)(step))
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


def _factor(weight: Scheduled, step: Tensor) -> Scalar | float:
    return weight if is_constant(weight) else value_at(weight)(step)


def _scales_loss(optimizer: keras.optimizers.Optimizer) -> bool:
    return isinstance(optimizer, keras.optimizers.LossScaleOptimizer)


def _fraction(correct: Tensor) -> Scalar:
    return tf.reduce_mean(tf.cast(correct, tf.float32))
