"""What every optimiser must do; and each against its algorithm in numpy."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan import config
from gan.errors import ConfigError
from gan.optimizers import OPTIMIZERS, adam, rmsprop
from gan.schedules import linear, value_at

RATE = 0.01


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_its_name_is_that_of_the_registry_and_it_is_an_optimizer_of_keras(name: str) -> None:
    options = OPTIMIZERS[name].options()
    assert options.name == name
    made = OPTIMIZERS[name].make(options, RATE)
    assert isinstance(made, keras.optimizers.Optimizer)
    assert float(made.learning_rate) == pytest.approx(RATE)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_descends(name: str) -> None:
    variable = keras.Variable([3.0, -2.0])
    made = OPTIMIZERS[name].make(OPTIMIZERS[name].options(), RATE)
    for _ in range(20):
        made.apply([tf.convert_to_tensor(variable)], [variable])
    assert (np.abs(variable.numpy()) < [3.0, 2.0]).all()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_all_that_changes_is_among_its_variables(name: str) -> None:
    """As when a run is resumed: an update, and the same one once more from the variables as they were before it."""
    ends = []
    made = OPTIMIZERS[name].make(OPTIMIZERS[name].options(), RATE)
    variable = keras.Variable([1.0, 2.0])
    made.build([variable])
    made.apply([tf.constant([0.5, -3.0])], [variable])
    kept = [np.array(each) for each in (*made.variables, variable)]
    for _ in range(2):
        for each, value in zip((*made.variables, variable), kept, strict=True):
            each.assign(value)
        made.apply([tf.constant([0.1, 2.0])], [variable])
        ends.append(variable.numpy().tolist())
    assert ends[0] == ends[1]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_config_takes_it_and_gives_it_back(name: str) -> None:
    made = config.override(config.Config(), [f"optimizer.name={name}"])
    assert made.optimizer == OPTIMIZERS[name].options()
    assert config.from_yaml(made.to_yaml()) == made


def numpy_adam(gradients: Any, beta_1: float, betas_2: Any) -> np.ndarray:
    """Kingma and Ba (2015), algorithm 1 with the reordering before section 2.1, as Keras has it; beta_2 by step."""
    weight, m, v = np.ones(3), np.zeros(3), np.zeros(3)
    for count, (gradient, beta_2) in enumerate(zip(gradients, betas_2, strict=True), start=1):
        m = beta_1 * m + (1 - beta_1) * gradient
        v = beta_2 * v + (1 - beta_2) * gradient**2
        rate = RATE * np.sqrt(1 - beta_2**count) / (1 - beta_1**count)
        weight = weight - rate * m / (np.sqrt(v) + 1e-7)
    return weight


@pytest.mark.parametrize("beta_2", [0.9, linear.Options(start=0.9, end=0.99, steps=10)])
def test_adam_is_the_algorithm_also_with_a_beta_2_that_changes(beta_2: Any) -> None:
    gradients = np.random.default_rng(0).normal(size=(12, 3))
    made = adam.make(adam.Options(beta_1=0.3, beta_2=beta_2), RATE)
    variable = keras.Variable(np.ones(3), dtype="float32")
    at = value_at(beta_2)
    betas = [float(at(tf.constant(step, tf.int64))) for step in range(1, 13)]
    for gradient, beta in zip(gradients, betas, strict=True):
        if not isinstance(beta_2, float):
            made.beta_2.assign(beta)
        made.apply([tf.constant(gradient, tf.float32)], [variable])
    np.testing.assert_allclose(variable.numpy(), numpy_adam(gradients, 0.3, betas), rtol=1e-5)


def test_a_beta_2_that_changes_is_a_variable_as_the_learning_rate_is() -> None:
    constant, changing = (
        adam.make(adam.Options(beta_2=each), RATE) for each in (0.9, linear.Options(start=0.9, end=0.99))
    )
    for each in (constant, changing):
        each.build([keras.Variable([1.0])])
    assert constant.beta_2 == 0.9
    assert len(changing.variables) == len(constant.variables) + 1
    assert any(each is changing.beta_2 for each in changing.variables)


def test_rmsprop_is_the_algorithm() -> None:
    gradients = np.random.default_rng(0).normal(size=(12, 3))
    made, variable = rmsprop.make(rmsprop.Options(rho=0.8), RATE), keras.Variable(np.ones(3), dtype="float32")
    weight, mean_square = np.ones(3), np.zeros(3)
    for gradient in gradients:
        made.apply([tf.constant(gradient, tf.float32)], [variable])
        mean_square = 0.8 * mean_square + 0.2 * gradient**2
        weight = weight - RATE * gradient / np.sqrt(mean_square + 1e-7)
    np.testing.assert_allclose(variable.numpy(), weight, rtol=1e-5)


def test_a_key_of_another_optimiser_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"optimizer.rho has no effect with optimizer.name=adam; got 0.8"):
        config.from_dict({"optimizer": {"rho": 0.8}})
    with pytest.raises(ConfigError, match=r'unknown optimizer.name "adm"; did you mean "adam"'):
        config.from_dict({"optimizer": {"name": "adm"}})
