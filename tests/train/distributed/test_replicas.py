"""N replicas of batch B/N take the step that one device of batch B takes: two and three virtual CPUs in a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gan.errors import ConfigError
from gan.train.distributed.replicas import Replicas

CASES = {
    "moments of the batch": ["generator.conditional=true", "regularisers.kl.weight=0.1", "loss.label_noise=0.3"],
    "gradient penalty": ["loss.name=wgan_gp", "loss.gradient_penalty=10", "train.discriminator_steps=2"],
    "conditional BatchNorm, layers across the batch": [
        "generator.name=resnet",
        "generator.conditional=true",
        "discriminator.spectral_norm=true",
        "discriminator.minibatch_std=2",
    ],
    "adaptive augmentation": [
        "augmentation.name=ada",
        "augmentation.groups=pixel,geometric,colour",
        "augmentation.initial_strength=0.4",
        "augmentation.adaptation_images=300",
        "train.discriminator_steps=2",
    ],
    "loss scale": ["train.precision=mixed_float16"],
    "R3GAN, schedules": [
        "loss.name=relativistic",
        "regularisers.r1.weight={start: 2, end: 0.2}",
        "regularisers.r2={weight: 0.5, every: 2}",
        "train.discriminator_learning_rate={start: 1.0e-3, end: 1.0e-4}",
        "optimizer.beta_2={start: 0.9, end: 0.99}",
        "train.ema_half_life_images=24",
    ],
    "LeCam and R1 of packs": [
        "loss.name=least_squares",
        "regularisers.lecam.decay=0.8",
        "regularisers.r1.weight=1",
        "discriminator.packing=2",
        "train.discriminator_steps=2",
    ],
    "beta_2 by a schedule under a loss scale": [
        "train.precision=mixed_float16",
        "optimizer.beta_2={start: 0.9, end: 0.99}",
    ],
}


@pytest.fixture(scope="module")
def compared() -> dict[str, Any]:
    """See tests/support/replicas.py; a separate process, since TensorFlow splits a CPU only before it starts."""
    command = [sys.executable, "-m", "tests.support.replicas", "3", json.dumps(CASES)]
    root = Path(__file__).parents[3]
    environ = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    made = subprocess.run(command, check=False, cwd=root, env=environ, capture_output=True, text=True, timeout=900)
    assert made.returncode == 0, made.stderr[-3000:]
    found: dict[str, Any] = json.loads(made.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("case", CASES)
def test_replicas_equal_one_device(compared: dict[str, Any], case: str) -> None:
    """Weights, averages, moments of the optimisers, moving statistics, metrics: within rounding after three steps."""
    found = compared[case]
    bound = 0.1 if "loss scale" in case else 1e-4  # half precision rounds at 5e-4, and Adam divides by little
    assert found["weights"] < bound
    assert found["metrics"] < bound
    assert found["begin_alike"]
    assert found["same_on_all"]
    assert found["integers_equal"]


def test_gradients_are_those_of_the_global_batch(compared: dict[str, Any]) -> None:
    """d/dw mean((w x)^2) = 2 w mean(x^2); and through a loss that is not a mean over examples, log of a sum."""
    assert compared["gradients"]["mean_square"] == pytest.approx(2 * 1.5 * sum(x * x for x in range(1, 7)) / 6)
    assert compared["gradients"]["log_sum"] == pytest.approx(1 / 1.5)


def test_slices_are_gathered_in_order(compared: dict[str, Any]) -> None:
    assert compared["collectives"] == {
        "local_slice": [0.0, 1.0],
        "all_gather": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
        "all_reduce_mean": 2.0,
        "all_reduce_max": 7,
    }


def test_an_overflow_on_one_replica_reaches_no_weight(compared: dict[str, Any]) -> None:
    assert compared["overflow"] == {"weights_changed": False, "scale": 0.5}


def test_layers_that_draw_for_themselves_are_refused(compared: dict[str, Any]) -> None:
    assert compared["refused"].startswith('layer "noise" (GaussianNoise) of the noisy draws random numbers')


def test_one_replica_returns_its_input() -> None:
    single, thing = Replicas(), object()
    for method in (single.local_slice, single.all_gather, single.all_reduce_mean, single.run_on_all):
        assert method(thing) is thing
    assert single.chief
    single.check(7)


def test_a_batch_that_can_t_be_shared_is_refused() -> None:
    class Three(Replicas):
        count = 3

    Three().check(12)
    with pytest.raises(ConfigError, match=r"multiple of 3, .* got 64\. Give --set train.batch_size=66"):
        Three().check(64)
    Three().check(24, images_together=8)
    with pytest.raises(ConfigError, match=r"multiple of 24, .* times the 8 images of .* got 12"):
        Three().check(12, images_together=8)


def test_xla_is_refused_on_several_devices() -> None:
    class Three(Replicas):
        count = 3

    Replicas().check_jit_compile(True)
    Three().check_jit_compile(False)
    with pytest.raises(ConfigError, match=r"train\.jit_compile=true needs a single device, and 3 share each batch"):
        Three().check_jit_compile(True)
