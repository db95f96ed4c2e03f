from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gan.train.logging.sample_sheets import SampleSheet


def test_the_same_latents_every_time_and_others_for_another_seed(toy: Any) -> None:
    generator = toy.train_state(toy.config()).ema
    sheet = SampleSheet(generator, 5, 3)
    first = np.asarray(sheet.draw())
    np.testing.assert_array_equal(first, np.asarray(sheet.draw()))
    np.testing.assert_array_equal(first, np.asarray(SampleSheet(generator, 5, 3).draw()))
    assert not np.array_equal(first, np.asarray(SampleSheet(generator, 5, 4).draw()))


@pytest.mark.parametrize(("classes", "columns"), [(None, 8), (3, 3)])
def test_small_images_are_enlarged_in_eight_rows_and_a_column_a_class(
    toy: Any, classes: int | None, columns: int
) -> None:
    config = toy.config(f"generator.conditional={classes is not None}".lower())
    picture = SampleSheet(toy.train_state(config).ema, 5, 0, classes).draw()
    assert picture.size == (columns * (64 + 2) - 2, 8 * (64 + 2) - 2)


def test_a_column_is_a_class_and_a_row_a_latent(toy: Any) -> None:
    seen: list[Any] = []

    def generator(inputs: Any, *, training: bool) -> Any:
        assert not training
        seen.extend(inputs)
        return np.zeros((len(inputs[1]), 8, 8, 1), np.float32)

    SampleSheet(generator, 5, 0, 30).draw()  # type: ignore[arg-type]
    latents, labels = seen
    assert labels.numpy().reshape(8, 10).tolist() == [list(range(10))] * 8
    assert (latents.numpy().reshape(8, 10, 5) == latents.numpy().reshape(8, 10, 5)[:, :1]).all()
    assert len(np.unique(latents.numpy(), axis=0)) == 8
