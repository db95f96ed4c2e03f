"""Several processes that update one alias at the same time."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier

from gan.errors import ConflictError
from gan.store import alias, open_store

Context = multiprocessing.get_context("spawn")
NAME = "raced"
PATIENCE_SECONDS = 300


@dataclass(frozen=True)
class Try:
    """What one process saw and tried in one round, and whether it was told that it won."""

    round: int
    racer: int
    saw: str | None
    wanted: str
    won: bool


def race(uri: str, racers: int, rounds: int) -> list[Try]:
    """In each round every process reads the alias, then all update it at once. Returns every attempt."""
    barrier, tries = Context.Barrier(racers), Context.Queue()
    processes = [Context.Process(target=_race, args=(uri, racer, rounds, barrier, tries)) for racer in range(racers)]
    for process in processes:
        process.start()
    made = [tries.get(timeout=PATIENCE_SECONDS) for _ in range(racers)]
    for process in processes:
        process.join()
    assert all(process.exitcode == 0 for process in processes)
    return [each for of_one in made for each in of_one]


def _race(uri: str, racer: int, rounds: int, barrier: Barrier, tries: Queue[list[Try]]) -> None:
    made: list[Try] = []
    try:
        store = open_store(uri)
        store.require_conditions()
        for number in range(rounds):
            barrier.wait(PATIENCE_SECONDS)
            seen = alias.read(store, NAME)
            barrier.wait(PATIENCE_SECONDS)
            wanted = f"gen-{number:06d}{racer:06d}"
            try:
                alias.update(store, seen, alias.Promotion(wanted, "promote", "2026-01-01T00:00:00+00:00", seen.live))
            except ConflictError:
                won = False
            else:
                won = True
            made.append(Try(number, racer, seen.live, wanted, won))
    except BaseException:
        barrier.abort()
        raise
    finally:
        tries.put(made)
