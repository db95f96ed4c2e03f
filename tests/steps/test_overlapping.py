"""Two retrainings of one name at once: one of them goes live and the other gets an error."""

from __future__ import annotations

import threading

import pytest

from gan.errors import ConflictError
from gan.steps.promote import promote
from gan.store import Store, alias
from support.published import Make


@pytest.mark.parametrize("somebody_is_live", [False, True])
def test_only_one_of_two_that_passed_goes_live(store: Store, make_generator: Make, somebody_is_live: bool) -> None:
    live = make_generator("before") if somebody_is_live else None
    if live:
        promote(store, live, "faces", force="the first")
    held_to: dict[str, str] = {}  # a forced promotion names no anchor
    rivals = [make_generator(f"night-{each}", verdict=True, against=live, anchors=held_to) for each in range(4)]
    start, results = threading.Barrier(len(rivals)), dict.fromkeys(rivals, "")

    def race(generator_id: str) -> None:
        start.wait()
        try:
            promote(store, generator_id, "faces")
        except ConflictError as error:
            results[generator_id] = str(error)

    threads = [threading.Thread(target=race, args=(each,)) for each in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = (each for each, error in results.items() if not error)
    after = alias.read(store, "faces")
    assert after.live == winner
    assert len(after.history) == 1 + somebody_is_live
    with pytest.raises(ConflictError, match=f"but {winner} is live"):
        promote(store, next(each for each in rivals if each != winner), "faces")
