from __future__ import annotations

from typing import Any

import numpy as np

from gan.store import Store
from gan.train.logging.metrics_log import read_metrics

ADA = ["augmentation.name=ada", "augmentation.groups=pixel,geometric,colour"]


def weights(state: Any) -> dict[str, Any]:
    return {name: each for name, each in state.tensors().items() if not name.startswith("augmentation/")}


def test_an_augmentation_of_strength_0_leaves_the_step_as_it_is_to_the_bit(toy: Any) -> None:
    ends = []
    for sets in (
        [],
        [*ADA, "augmentation.max_strength=0"],
        ["augmentation.name=diffaugment", "augmentation.strength=0"],
    ):
        config = toy.config(*sets)
        state = toy.train_state(config)
        toy.step(config, state)(1, [next(toy.batches(config))])
        ends.append(weights(state))
    for other in ends[1:]:
        for name, values in ends[0].items():
            np.testing.assert_array_equal(values, other[name], err_msg=name)


def test_the_strength_is_saved_and_logged(toy: Any, store: Store) -> None:
    """Four updates of four images each, from 0 to 1 in 32: by half, up if the discriminator overfits and else down."""
    sets = ["augmentation.adaptation_images=32", "augmentation.initial_strength=0.5", "train.steps=5"]
    config = toy.config(*ADA, *sets, "augmentation.max_strength=1", "train.log_every_steps=1")
    loop, _ = toy.train(store, config)
    strengths = [line["augmentation_strength"] for line in read_metrics(store, "r")]
    assert strengths[:3] == [0.5, 0.5, 0.5]
    assert strengths[3] == strengths[4]
    assert strengths[3] in (0.0, 1.0)
    assert loop.step == 5


def test_a_scheduled_strength_is_logged_and_a_constant_one_is_not(toy: Any) -> None:
    logged = {}
    for strength in ("0.5", "{name: linear, start: 0.2, end: 1}"):
        config = toy.config("augmentation.name=diffaugment", f"augmentation.strength={strength}", "train.steps=4")
        metrics = toy.step(config, toy.train_state(config))(3, [next(toy.batches(config))])
        logged[strength] = float(metrics.get("augmentation_strength", np.nan))
    np.testing.assert_allclose(list(logged.values()), [np.nan, 0.6], rtol=1e-6)
