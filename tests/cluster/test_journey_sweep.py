"""A sweep by Optuna of two points over two rungs: both train, the better goes on, is chosen, judged and promoted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gan.store import Store, alias
from support.cluster import Cluster, Told
from support.run_lifecycle import details

SWEEP = """
search: {train.ema_decay: [0.5, 0.99], optimizer.beta_1: {low: 0.0, high: 0.5}}
trials: 2
waves: 2
rungs: [10, 20]
"""


@pytest.fixture(scope="module")
def swept(cluster: Cluster, shared_store: str, tmp_path_factory: pytest.TempPathFactory) -> Told:
    file = tmp_path_factory.mktemp("sweep") / "sweep.yaml"
    file.write_text(SWEEP)
    return cluster.wait(cluster.submit(shared_store, pipeline="sweep", sweep=str(file), name="swept"))


def test_the_better_half_continues(swept: Told) -> None:
    assert swept.exit_code == 0, swept.stdout + swept.stderr
    trials = [each["attempts"][-1]["outcome"]["details"] for each in swept.record["steps"] if each["step"] == "trial"]
    first = {trial["point"]["optimizer.beta_1"]: trial["score"] for trial in trials if trial["steps"] == 10}
    (last,) = (trial for trial in trials if trial["steps"] == 20)
    assert len(first) == 2
    assert all(0.0 <= drawn <= 0.5 for drawn in first)
    assert last["point"]["optimizer.beta_1"] == min(first, key=lambda point: first[point])


def test_the_best_is_live(swept: Told, shared_store: str, open_here: Callable[[str], Store]) -> None:
    chosen = details(swept.record, "choose")
    assert chosen["checkpoint"] == 20
    live = alias.read_live(open_here(shared_store), "swept").live
    assert live == details(swept.record, "promote")["live"]
    assert swept.record["details"]["export"]["id"] == live
