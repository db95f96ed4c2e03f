from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan.train.precision import cpu_flags, gpu_capabilities, reproducible, resolve

AMX = frozenset({"avx512f", "amx_bf16"})


@pytest.mark.parametrize(
    ("wanted", "gpus", "flags", "expected"),
    [
        ("float32", [(9, 0)], AMX, "float32"),
        ("mixed_float16", [], frozenset(), "mixed_float16"),
        ("auto", [(9, 0)], frozenset(), "mixed_bfloat16"),
        ("auto", [(8, 0)], frozenset(), "mixed_bfloat16"),
        ("auto", [(7, 5)], AMX, "mixed_float16"),
        ("auto", [(9, 0), (7, 0)], frozenset(), "mixed_float16"),
        ("auto", [(6, 1)], AMX, "float32"),
        ("auto", [], frozenset(), "float32"),
    ],
)
def test_auto_takes_what_the_device_is_fast_at(
    wanted: str, gpus: list[tuple[int, int]], flags: frozenset[str], expected: str
) -> None:
    assert resolve(wanted, gpus, flags, not_measured) == expected


def not_measured(precision: str) -> float:
    raise AssertionError(f"{precision} was measured")


@pytest.mark.parametrize("flags", [AMX, frozenset({"avx512f", "avx512_bf16"})])
@pytest.mark.parametrize(("seconds", "expected"), [(0.94, "mixed_bfloat16"), (0.96, "float32"), (2.0, "float32")])
def test_auto_on_a_cpu_with_bfloat16_is_what_is_faster_there_by_5_percent(
    flags: frozenset[str], seconds: float, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert resolve("auto", [], flags, {"float32": 1.0, "mixed_bfloat16": seconds}.__getitem__) == expected
    assert f"train.precision=auto is {expected} here" in capsys.readouterr().err


def test_the_flags_of_the_processor_are_read(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nflags\t\t: fpu amx_bf16 amx_tile\n\nprocessor\t: 1\nflags\t\t: fpu\n")
    assert cpu_flags(info) == {"fpu", "amx_bf16", "amx_tile"}
    info.write_text("BogoMIPS : 50\n")
    assert cpu_flags(info) == frozenset()
    assert cpu_flags(tmp_path / "absent") == frozenset()


def test_a_gpu_for_each_one_tensorflow_sees() -> None:
    assert len(gpu_capabilities()) == len(tf.config.list_physical_devices("GPU"))


def test_weights_come_from_the_seed_and_the_policy_is_restored() -> None:
    def weights(seed: int) -> np.ndarray:
        with reproducible("mixed_bfloat16", seed):
            layer = keras.layers.Dense(4)
            layer.build((None, 3))
        assert layer.compute_dtype == "bfloat16"
        return layer.kernel.numpy()

    before = keras.config.dtype_policy().name
    np.testing.assert_array_equal(weights(1), weights(1))
    assert not np.array_equal(weights(1), weights(2))
    assert keras.config.dtype_policy().name == before


@pytest.mark.parametrize("deterministic", [False, True])
def test_ops_are_deterministic_if_asked(deterministic: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[None] = []
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: calls.append(None))
    with reproducible("float32", 0, deterministic=deterministic):
        pass
    assert len(calls) == deterministic
