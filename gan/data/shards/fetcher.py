"""Brings the shards of a split to this machine, checked, while the first of them are in use already."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from gan.data.shards.cache import ShardCache
from gan.data.spec import Dataset, Shard
from gan.errors import IntegrityError, NotFoundError, UnavailableError
from gan.store import Store, immutable
from gan.store.immutable import Damage
from gan.store.timeouts import retry_timeout_seconds
from gan.util.ids import file_sha256
from gan.util.log import Clock, say, warn

PARALLEL_FETCHES = 4
_RETRY_INTERVAL_SECONDS = 1.0
_POLL_INTERVAL_SECONDS = 0.2
OnShard = Callable[[int, Path], None]


class ShardFetcher:
    """The shards of a split, on their way.

    Shards in a local store are used where they lie. Others are copied into the cache, where the next run finds them.
    The bytes of each are compared with its SHA-256 before it is handed over.

    Use as a context manager, or `close` it: then threads end, and the cache may drop the copies.

    Args:
        store: where the dataset lies.
        dataset: see `gan.data.spec.load`.
        split: which shards.
        accept: called with a shard's number and file, in a thread of its own; the shard is ready when it returns.
        stopped: whether to give up waiting.
        clock: monotonic seconds.

    Raises:
        NotFoundError: the dataset has no such split.
    """

    def __init__(
        self,
        store: Store,
        dataset: Dataset,
        split: str,
        accept: OnShard,
        *,
        stopped: Callable[[], bool] = lambda: False,
        clock: Clock = time.monotonic,
    ) -> None:
        self._store, self._dataset, self._split = store, dataset, split
        self.shards = dataset.split(split).shards
        self._accept, self._stopped, self._clock = accept, stopped, clock
        self._cache: ShardCache | None = None
        self._threads: list[threading.Thread] = []
        self._waiting: deque[int] = deque()
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._ready: set[int] = set()
        self._late: dict[int, UnavailableError] = {}
        self._failure: Exception | None = None

    def __enter__(self) -> ShardFetcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_remote(self) -> bool:
        """Whether the shards must be copied to be used."""
        return any(self._store.local_path(self._key(shard)) is None for shard in self.shards[:1])

    def begin(self, first: int = 0) -> None:
        """Fetch every shard, from number `first` on and then those before it; nothing happens the second time.

        Raises:
            ConfigError, StoreError: see `gan.data.shards.cache.ShardCache`.
        """
        if self._threads:
            return
        if self.is_remote:
            self._cache = ShardCache(self._dataset, self._split)
            size = sum(shard.bytes for shard in self.shards)
            say(f"staging dataset {self._dataset.id}", split=self._split, shards=len(self.shards), bytes=size)
        numbers = range(len(self.shards))
        self._waiting.extend([*numbers[first:], *numbers[:first]])
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in numbers[:PARALLEL_FETCHES]]
        for thread in self._threads:
            thread.start()

    def wait(self, numbers: Sequence[int]) -> bool:
        """Wait for these shards; False where it was stopped meanwhile.

        Raises:
            IntegrityError: a shard, one of these or not, is missing or damaged in the store.
            UnavailableError: the store can't be reached, and it was waited for long enough.
            StoreError: it failed for good.
        """
        began = self._clock()
        with self._changed:
            while missing := [number for number in numbers if number not in self._ready]:
                self.check()
                late = next((self._late[number] for number in missing if number in self._late), None)
                if late is not None and self._clock() - began >= retry_timeout_seconds():
                    raise late
                if self._stopped():
                    return False
                self._changed.wait(_POLL_INTERVAL_SECONDS)
        return True

    def is_ready(self, number: int) -> bool:
        """Whether a shard can be used."""
        return number in self._ready

    def check(self) -> None:
        """Raise what `wait` would raise of a shard that is damaged, needed by now or not."""
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """End. A transfer under way ends by itself, or with the process."""
        self._closed.set()
        for thread in self._threads:
            thread.join(_POLL_INTERVAL_SECONDS)
        if self._cache is not None:
            self._cache.close()

    def _work(self) -> None:
        while not self._closed.is_set() and self._failure is None:
            try:
                number = self._waiting.popleft()
            except IndexError:
                return
            try:
                self._accept(number, self._brought(number))
            except Exception as error:  # noqa: BLE001  # told where the shard is waited for
                self._failure = self._failure or error
            else:
                self._ready.add(number)
            with self._changed:
                self._changed.notify_all()

    def _brought(self, number: int) -> Path:
        shard = self.shards[number]
        while True:
            try:
                return self._staged(shard)
            except UnavailableError as error:
                if self._closed.is_set():
                    raise
                warn(f"shard {shard.name} has to wait for the store; trying again", reason=str(error))
                self._late[number] = error
                self._closed.wait(_RETRY_INTERVAL_SECONDS)

    def _staged(self, shard: Shard) -> Path:
        if self._cache is not None:
            return self._cache.copy(shard, lambda path: self._fetch(shard, path))
        path = self._store.local_path(self._key(shard))
        if path is None or not path.is_file():
            raise self._damage(shard, None)
        self._check(shard, file_sha256(path))
        return path

    def _fetch(self, shard: Shard, path: Path) -> None:
        try:
            found = self._store.download(self._key(shard), path)
        except NotFoundError:
            raise self._damage(shard, None) from None
        self._check(shard, found)

    def _check(self, shard: Shard, found: str) -> None:
        if found != shard.sha256:
            raise self._damage(shard, found)

    def _damage(self, shard: Shard, found: str | None) -> IntegrityError:
        uri = self._store.uri_of(self._key(shard))
        return IntegrityError(
            f"{Damage(uri, shard.sha256, found)}; delete {uri.rpartition('/')[0]} and prepare it again with: "
            "gan preprocess"
        )

    def _key(self, shard: Shard) -> str:
        return f"{immutable.prefix_of('dataset', self._dataset.id)}/{shard.name}"
