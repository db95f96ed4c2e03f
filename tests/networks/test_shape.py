from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan.errors import ConfigError
from gan.networks.shape import Halving, channels, halve


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        (28, Halving(7, 2)),
        (64, Halving(8, 3)),
        (32, Halving(8, 2)),
        (16, Halving(8, 1)),
        (8, Halving(4, 1)),
        (4, Halving(2, 1)),
        (14, Halving(7, 1)),
        (128, Halving(8, 4)),
        (96, Halving(12, 3)),
        (30, Halving(15, 1)),
    ],
)
def test_images_are_halved_down_to_a_small_map(side: int, expected: Halving) -> None:
    assert halve((side, side, 1)) == expected


@given(st.integers(2, 512).map(lambda half: 2 * half))
def test_every_even_side_is_restored_by_doubling(side: int) -> None:
    small = halve((side, side, 3))
    assert small.side << small.times == side
    assert small.times >= 1
    assert small.side % 2 or small.side // 2 < 7


@pytest.mark.parametrize(("shape", "got", "advice"), [((15, 15, 1), "15x15", "16"), ((2, 2, 1), "2x2", "4")])
def test_a_side_that_cannot_be_halved_is_refused_with_a_size_that_can(
    shape: tuple[int, int, int], got: str, advice: str
) -> None:
    with pytest.raises(ConfigError, match=rf"got {got}.*data.image_size.* {advice}, or another even size"):
        halve(shape)


def test_an_image_that_is_not_square_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"square.*got 28x32"):
        halve((28, 32, 1))


@pytest.mark.parametrize(
    ("base", "width", "expected"), [(256, 1.0, 256), (256, 0.25, 64), (64, 0.01, 4), (64, 1.5, 96), (4096, 1.0, 512)]
)
def test_width_scales_channels_between_a_floor_and_a_ceiling(base: int, width: float, expected: int) -> None:
    assert channels(base, width) == expected
