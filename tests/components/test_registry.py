"""The registry of the steps."""

from __future__ import annotations

import inspect

import pytest

from components.registry import STEPS
from gan.admin.gc_scan import CACHED_KINDS


@pytest.mark.parametrize("step", STEPS)
def test_the_function_of_a_step_has_its_name_and_a_documented_purpose(step: str) -> None:
    function = STEPS[step].function
    assert function.__name__ == step
    assert function.__doc__
    assert f'context.step("{step}"' in inspect.getsource(function)


def test_only_training_takes_several_pods() -> None:
    assert [name for name, spec in STEPS.items() if spec.takes_workers] == ["train"]


def test_garbage_collection_knows_the_kind_of_what_each_step_makes() -> None:
    kinds = {name: spec.makes.removesuffix("_id") for name, spec in STEPS.items() if spec.makes.endswith("_id")}
    assert kinds == CACHED_KINDS


def test_what_decides_an_output_is_a_group_of_the_config() -> None:
    from gan.config import Config

    groups = set(Config().to_dict())
    assert all(set(spec.decided_by) <= groups for spec in STEPS.values())
    assert all(bool(spec.makes) is bool(spec.decided_by) for spec in STEPS.values())
