from __future__ import annotations

import json

import pytest

from gan.errors import ConfigError
from gan.train.distributed.workers import SINGLE_WORKER, Workers, workers_from_env


def test_a_process_trains_by_itself() -> None:
    assert workers_from_env({}) == SINGLE_WORKER
    assert (SINGLE_WORKER.count, SINGLE_WORKER.chief) == (1, True)


def test_an_indexed_job_gives_the_index_of_this_worker() -> None:
    found = workers_from_env({"GAN_WORKER_ADDRESSES": "a:1,b:1", "JOB_COMPLETION_INDEX": "1"})
    assert found == Workers(("a:1", "b:1"), 1)
    assert not found.chief


def test_tf_config_is_understood() -> None:
    tree = {"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 0}}
    assert workers_from_env({"TF_CONFIG": json.dumps(tree)}) == Workers(("a:1", "b:2"), 0)


def test_one_address_is_a_single_worker() -> None:
    assert workers_from_env({"GAN_WORKER_ADDRESSES": "a:1", "JOB_COMPLETION_INDEX": "0"}) == Workers(("a:1",), 0)


@pytest.mark.parametrize(
    "environ",
    [
        {"GAN_WORKER_ADDRESSES": "a:1,b:1"},
        {"GAN_WORKER_ADDRESSES": "a:1,b:1", "JOB_COMPLETION_INDEX": "2"},
        {"GAN_WORKER_ADDRESSES": "a,b", "JOB_COMPLETION_INDEX": "0"},
        {"TF_CONFIG": "{"},
        {"TF_CONFIG": '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "chief", "index": 0}}'},
    ],
)
def test_what_contradicts_itself_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="must "):
        workers_from_env(environ)
