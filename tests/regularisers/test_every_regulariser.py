"""What every regulariser must do, whatever its formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from gan import config
from gan.errors import ConfigError
from gan.losses.interface import DiscriminatorOutput
from gan.regularisers import REGULARISERS
from gan.regularisers.interface import LazyOptions, Regulariser
from gan.schedules import linear

FUNCTIONS = ("of_real_gradients", "of_fake_gradients", "of_logits", "of_outputs")


@pytest.fixture(params=REGULARISERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def made(name: str) -> Regulariser:
    entry = REGULARISERS[name]
    return entry.make(entry.options())


def output(random: np.random.Generator) -> DiscriminatorOutput:
    return DiscriminatorOutput(*(tf.constant(random.normal(size=(8, size)), tf.float32) for size in (1, 3)))


def term(made: Regulariser, seed: int = 0) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Its value and what it is computed from."""
    random = np.random.default_rng(seed)
    gradients = tf.constant(random.normal(size=(8, 4, 4, 2)), tf.float32)
    real, fake = output(random), output(random)
    with tf.GradientTape() as tape:
        tape.watch([gradients, *real, *fake])
        for function in (made.of_real_gradients, made.of_fake_gradients):
            if function is not None:
                value, inputs = function(gradients), [gradients]
        if made.of_logits is not None:
            value, inputs = made.of_logits(real.logits, fake.logits), [real.logits, fake.logits]
        if made.of_outputs is not None:
            value, inputs = made.of_outputs(real if made.needs_real else None, fake), [*fake]
    return value, [each for each in tape.gradient(value, inputs) if each is not None]


def test_its_name_is_that_of_the_registry(name: str, made: Regulariser) -> None:
    assert made.name == name


def test_it_looks_at_one_thing(made: Regulariser) -> None:
    assert sum(getattr(made, each) is not None for each in FUNCTIONS) == 1
    assert made.of_outputs is not None or not made.needs_real


def test_its_options_say_what_its_metric_is_and_whether_it_looks_at_gradients(name: str, made: Regulariser) -> None:
    options = REGULARISERS[name].options
    assert options.TITLE
    assert options.METRIC
    assert (made.of_real_gradients is not None or made.of_fake_gradients is not None) == options.OF_GRADIENTS


def test_it_is_a_finite_float32_scalar_with_a_gradient(made: Regulariser) -> None:
    value, gradients = term(made)
    assert value.shape == ()
    assert value.dtype == tf.float32
    assert np.isfinite(value)
    assert gradients
    assert all(np.isfinite(each).all() for each in gradients)


def test_weight_and_interval_are_those_of_its_options(name: str) -> None:
    entry = REGULARISERS[name]
    schedule = linear.Options(start=1.0, end=0.0)
    for weight in (0.25, schedule):
        assert entry.make(entry.options(weight=weight)).weight == weight
    if issubclass(entry.options, LazyOptions):
        assert entry.make(entry.options(every=7)).every == 7
    else:
        assert entry.make(entry.options()).every == 1


def test_its_variables_are_keras_variables_that_a_checkpoint_can_hold(made: Regulariser) -> None:
    """See gan.train.checkpoint.files.assign: the dtype must be a word."""
    assert bool(made.variables) == (made.observe is not None)
    for variable in made.variables.values():
        assert variable.dtype in ("float32", "int64")
        assert not variable.trainable


def test_a_config_takes_it_and_gives_it_back(name: str) -> None:
    path = f"regularisers.{name}"
    made = config.override(config.Config(), [f"{path}.weight=0.5"])
    assert made.regularisers == {name: REGULARISERS[name].options(weight=0.5)}
    assert config.from_yaml(made.to_yaml()) == made
    assert config.override(made, [f"{path}=null"]) == config.Config()
    faded = config.override(made, [f"{path}.weight={{start: 0.5, end: 0.1}}", f"{path}.weight.end=0.2"])
    assert (faded.regularisers[name].weight.start, faded.regularisers[name].weight.end) == (0.5, 0.2)
    assert config.from_yaml(faded.to_yaml()) == faded


@pytest.mark.parametrize(
    ("tail", "message"),
    [
        ("weight=-1", "must be at least 0"),
        ("weight={start: -1, end: 1}", "weight.start must be at least 0"),
        ("wait=1", "did you mean"),
        ("weight.end=1", "weight has no keys of its own"),
    ],
)
def test_wrong_options_are_refused(name: str, tail: str, message: str) -> None:
    given: Any = config.override(config.Config(), [f"regularisers.{name}.weight=0.5"])
    with pytest.raises(ConfigError, match=message):
        config.override(given, [f"regularisers.{name}.{tail}"])
