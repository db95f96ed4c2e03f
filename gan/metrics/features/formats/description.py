"""The description file next to a feature network: NAME.yaml or NAME.json."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import Any

import yaml

from gan.errors import ConfigError, unknown_name
from gan.metrics.features.resizing import FILTERS
from gan.types import Json
from gan.util.ids import is_id

SUFFIXES = (".yaml", ".yml", ".json")
LAYOUTS, POOLS = ("NHWC", "NCHW"), ("mean",)
MAX_NAME_LENGTH, MAX_SIDE = 40, 2048

Numbers = tuple[float, ...]


@dataclass(frozen=True)
class Description:
    """The inputs and outputs of a network.

    name: its name in scores.
    input_size: height and width that images are resized to; None: any size.
    channels: 1 (grey) or 3 (RGB).
    offset, divisor: the input is (pixel - offset) / divisor for pixels in [0, 255]; one number, or one per channel.
    features: the layer or tensor of the features.
    probabilities: the layer or tensor of class probabilities, if any.
    input: the tensor of the images; None: the only input.
    layout: NHWC or NCHW.
    resizer: one of `resizing.FILTERS`.
    pool: mean: average feature maps to vectors; None: the features are vectors.
    """

    name: str
    input_size: tuple[int, int] | None
    channels: int
    offset: Numbers
    divisor: Numbers
    features: str
    probabilities: str | None
    input: str | None
    layout: str
    resizer: str
    pool: str | None

    def hashed_fields(self) -> Json:
        """The fields that affect the features, as JSON: all but the name."""
        return {key: value for key, value in dataclasses.asdict(self).items() if key != "name"}


def parse(data: bytes, where: str) -> Description:
    """Read and check a description.

    Raises:
        ConfigError: a key is missing, unknown or has a wrong value; the message says what is allowed.
    """
    return _Reader(_mapping(data, where), where).description()


def _mapping(data: bytes, where: str) -> Json:
    try:
        tree = json.loads(data) if where.endswith(".json") else yaml.safe_load(data)
    except (ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"{where} can't be read: {' '.join(str(error).split())}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{where} must hold keys and values ({', '.join(REQUIRED)}, ...); got {tree!r}")
    return tree


REQUIRED = ("name", "input_size", "channels", "scale", "features")
OPTIONAL = ("probabilities", "input", "layout", "resizer", "pool")
SCALE = ("offset", "divisor")


class _Reader:
    def __init__(self, tree: Json, where: str) -> None:
        self._tree, self._where = tree, where
        self._check_keys("key", tree, REQUIRED, OPTIONAL)

    def description(self) -> Description:
        channels = self._choice("channels", (1, 3))
        offset, divisor = self._scale(channels)
        return Description(
            name=self._name(),
            input_size=self._input_size(),
            channels=channels,
            offset=offset,
            divisor=divisor,
            features=self._text("features"),
            probabilities=self._optional_text("probabilities"),
            input=self._optional_text("input"),
            layout=self._choice("layout", LAYOUTS, default="NHWC"),
            resizer=self._choice("resizer", FILTERS, default="bicubic"),
            pool=self._choice("pool", (*POOLS, None)),
        )

    def _check_keys(self, what: str, tree: Json, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
        for key in tree:
            if key not in (*required, *optional):
                raise ConfigError(f"{self._where}: {unknown_name(what, key, (*required, *optional))}")
        missing = [key for key in required if key not in tree]
        if missing:
            raise ConfigError(f"{self._where} lacks {', '.join(missing)}; see docs/judges.md for what each means")

    def _wrong(self, key: str, allowed: str, value: object) -> ConfigError:
        return ConfigError(f"{self._where}: {key} must be {allowed}; got {value!r}")

    def _choice(self, key: str, allowed: tuple[Any, ...], *, default: Any = None) -> Any:
        value = self._tree.get(key, default)
        if isinstance(value, bool) or value not in allowed:
            raise self._wrong(key, " or ".join("null" if each is None else str(each) for each in allowed), value)
        return value

    def _name(self) -> str:
        value = self._tree["name"]
        if not is_id(value) or len(value) > MAX_NAME_LENGTH:
            raise self._wrong("name", f"1 to {MAX_NAME_LENGTH} letters, digits, dots, dashes or underscores", value)
        return str(value)

    def _text(self, key: str) -> str:
        value = self._tree[key]
        if not isinstance(value, str) or not value:
            raise self._wrong(key, "the name of a layer or tensor", value)
        return value

    def _optional_text(self, key: str) -> str | None:
        return None if self._tree.get(key) is None else self._text(key)

    def _input_size(self) -> tuple[int, int] | None:
        value = self._tree["input_size"]
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != 2 or not all(type(each) is int for each in value):
            raise self._wrong("input_size", "[height, width] or null", value)
        if not all(1 <= each <= MAX_SIDE for each in value):
            raise self._wrong("input_size", f"two whole numbers from 1 to {MAX_SIDE}", value)
        return value[0], value[1]

    def _scale(self, channels: int) -> tuple[Numbers, Numbers]:
        scale = self._tree["scale"]
        if not isinstance(scale, dict):
            raise self._wrong("scale", "{offset: ..., divisor: ...}", scale)
        self._check_keys("key of scale", scale, SCALE)
        offset, divisor = (self._numbers(f"scale.{key}", scale[key], channels) for key in SCALE)
        if 0 in divisor:
            raise self._wrong("scale.divisor", "other than 0", scale["divisor"])
        return offset, divisor

    def _numbers(self, key: str, value: Any, channels: int) -> Numbers:
        numbers = value if isinstance(value, list) else [value]
        fine = all(type(each) in (int, float) and math.isfinite(each) for each in numbers)
        if not fine or len(numbers) not in (1, channels):
            raise self._wrong(key, f"a number, or a list of {channels}, one a channel", value)
        return tuple(float(each) for each in numbers)
