"""From an image size and a width to the shapes of layers."""

from __future__ import annotations

from dataclasses import dataclass

from gan.errors import ConfigError

MIN_MAP_SIDE = 7
MIN_CHANNELS = 4
MAX_CHANNELS = 512


@dataclass(frozen=True)
class Halving:
    """An image side halved `times` times down to `side`; a generator doubles it back."""

    side: int
    times: int


def halve(image_shape: tuple[int, int, int], smallest: int = MIN_MAP_SIDE) -> Halving:
    """Halve while the side is even and its half is at least `smallest`, but at least once.

    With 7 these are 28 to 7, 64 to 8 and 8 to 4; with 4 they are 28 to 7, 64 to 4 and 8 to 4.

    Args:
        image_shape: (H, W, C) of an image, H equal to W.
        smallest: the least side of the small map.

    Raises:
        ConfigError: the image is not square, or its side is odd or below 4.
    """
    height, width, _ = image_shape
    if height != width or height % 2 or height < 4:
        raise ConfigError(
            "images must be square with an even side of at least 4, so that layers can halve it; "
            f"got {height}x{width}. Prepare the dataset again with data.image_size (--image-size) "
            f"{_nearest_power_of_two(max(height, width))}, or another even size"
        )
    side, times = height // 2, 1
    while side % 2 == 0 and side // 2 >= smallest:
        side, times = side // 2, times + 1
    return Halving(side, times)


def channels(base: int, width: float) -> int:
    """`base` channels, at most 512, scaled by `width` and rounded, at least 4."""
    return max(MIN_CHANNELS, round(min(base, MAX_CHANNELS) * width))


def _nearest_power_of_two(side: int) -> int:
    return min((4 << power for power in range(9)), key=lambda power: abs(power - side))
