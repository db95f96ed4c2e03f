"""Promise 4: of processes that promote to one name at the same time one wins, and the others are told so."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.conftest import Count
from faults.race import NAME, race
from gan.store import alias, open_store
from support import servers

pytestmark = pytest.mark.slow

RACERS = 8
ROUNDS = 100
SERVERS = {"gs": "gcs_server", "s3-minio": "minio_server"}  # moto looks and writes in two steps: it can't be raced on


@pytest.fixture(params=["local", *SERVERS])
def uri(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new store of each kind in turn."""
    if request.param == "local":
        return str(tmp_path / "store")
    server: servers.Server = request.getfixturevalue(SERVERS[request.param])
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return f"{server.scheme}://{servers.make_bucket(server)}/raced"


def test_each_round_has_one_winner_and_the_history_has_every_winner_in_order(uri: str, trials: Count) -> None:
    trials(ROUNDS)
    tries = race(uri, RACERS, ROUNDS)
    assert len(tries) == RACERS * ROUNDS
    winners = [[each for each in tries if each.round == number and each.won] for number in range(ROUNDS)]
    assert [len(won) for won in winners] == [1] * ROUNDS
    history = alias.read(open_store(uri), NAME).history
    assert [move.generator_id for move in history] == [won.wanted for (won,) in winners]
    live = [None, *(move.generator_id for move in history)]
    assert [won.saw for (won,) in winners] == live[:-1]
    assert [move.before for move in history] == live[:-1]
