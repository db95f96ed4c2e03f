"""Fetches the shards of a split to this machine and verifies them, in the background."""

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
from gan.util import log
from gan.util.ids import file_sha256
from gan.util.log import Clock

PARALLEL_FETCHES = 4
_RETRY_INTERVAL_SECONDS = 1.0
_POLL_INTERVAL_SECONDS = 0.2
OnShard = Callable[[int, Path], None]


class ShardFetcher:
    """Fetches the shards of one split in background threads.

    Shards in a local store are used in place. Others are copied into the cache, where the next run finds them. Each
    shard is verified by its SHA-256 before it is passed on.

    Use as a context manager, or `close` it: this ends the threads and lets the cache evict the copies.

    Args:
        store: holds the dataset.
        dataset: see `gan.data.spec.load`.
        split: whose shards to fetch.
        on_shard: called with a shard's number and file, in a background thread; the shard is ready when it returns.
        stopped: polled while waiting; waiting ends when it returns True.
        clock: monotonic seconds.

    Raises:
        NotFoundError: the dataset has no such split.
    """

    def __init__(
        self,
        store: Store,
        dataset: Dataset,
        split: str,
        on_shard: OnShard,
        *,
        stopped: Callable[[], bool] = lambda: False,
        clock: Clock = time.monotonic,
    ) -> None:
        self._store, self._dataset, self._split = store, dataset, split
        self.shards = dataset.split(split).shards
        self._on_shard, self._stopped, self._clock = on_shard, stopped, clock
        self._cache: ShardCache | None = None
        self._threads: list[threading.Thread] = []
        self._queue: deque[int] = deque()
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._ready: set[int] = set()
        self._unavailable: dict[int, UnavailableError] = {}
        self._failure: Exception | None = None

    def __enter__(self) -> ShardFetcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_remote(self) -> bool:
        """Whether the shards must be copied to this machine first."""
        return any(self._store.local_path(self._key(shard)) is None for shard in self.shards[:1])

    def start(self, first: int = 0) -> None:
        """Start fetching every shard, those from number `first` first; a second call does nothing.

        Raises:
            ConfigError, StoreError: see `gan.data.shards.cache.ShardCache`.
        """
        if self._threads:
            return
        if self.is_remote:
            self._cache = ShardCache(self._dataset, self._split)
            size = sum(shard.bytes for shard in self.shards)
            log.info(f"fetching dataset {self._dataset.id}", split=self._split, shards=len(self.shards), bytes=size)
        numbers = range(len(self.shards))
        self._queue.extend([*numbers[first:], *numbers[:first]])
        self._threads = [threading.Thread(target=self._fetch_queued, daemon=True) for _ in numbers[:PARALLEL_FETCHES]]
        for thread in self._threads:
            thread.start()

    def wait(self, numbers: Sequence[int]) -> bool:
        """Wait for these shards; False if `stopped` returned True first.

        Raises:
            IntegrityError: any shard of the split is missing or damaged in the store.
            UnavailableError: the store was unreachable until the retry timeout.
            StoreError: the store failed permanently.
        """
        started_at = self._clock()
        with self._changed:
            while missing := [number for number in numbers if number not in self._ready]:
                self.check()
                unavailable = next(
                    (self._unavailable[number] for number in missing if number in self._unavailable), None
                )
                if unavailable is not None and self._clock() - started_at >= retry_timeout_seconds():
                    raise unavailable
                if self._stopped():
                    return False
                self._changed.wait(_POLL_INTERVAL_SECONDS)
        return True

    def is_ready(self, number: int) -> bool:
        """Whether a shard has been fetched and passed on."""
        return number in self._ready

    def check(self) -> None:
        """Raise the error of a shard that failed permanently, whether it is needed yet or not."""
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Stop fetching. A running transfer ends by itself, or with the process."""
        self._closed.set()
        for thread in self._threads:
            thread.join(_POLL_INTERVAL_SECONDS)
        if self._cache is not None:
            self._cache.close()

    def _fetch_queued(self) -> None:
        while not self._closed.is_set() and self._failure is None:
            try:
                number = self._queue.popleft()
            except IndexError:
                return
            try:
                self._on_shard(number, self._fetch_with_retries(number))
            except Exception as error:  # noqa: BLE001  # raised in `wait` and `check`
                self._failure = self._failure or error
            else:
                self._ready.add(number)
            with self._changed:
                self._changed.notify_all()

    def _fetch_with_retries(self, number: int) -> Path:
        shard = self.shards[number]
        while True:
            try:
                return self._local_file(shard)
            except UnavailableError as error:
                if self._closed.is_set():
                    raise
                log.warning(f"can't fetch shard {shard.name} yet; trying again", reason=str(error))
                self._unavailable[number] = error
                self._closed.wait(_RETRY_INTERVAL_SECONDS)

    def _local_file(self, shard: Shard) -> Path:
        if self._cache is not None:
            return self._cache.get(shard, lambda path: self._fetch(shard, path))
        path = self._store.local_path(self._key(shard))
        if path is None or not path.is_file():
            raise self._damage_error(shard, None)
        self._check(shard, file_sha256(path))
        return path

    def _fetch(self, shard: Shard, path: Path) -> None:
        try:
            found = self._store.download(self._key(shard), path)
        except NotFoundError:
            raise self._damage_error(shard, None) from None
        self._check(shard, found)

    def _check(self, shard: Shard, found: str) -> None:
        if found != shard.sha256:
            raise self._damage_error(shard, found)

    def _damage_error(self, shard: Shard, found: str | None) -> IntegrityError:
        uri = self._store.uri_of(self._key(shard))
        return IntegrityError(
            f"{Damage(uri, shard.sha256, found)}; delete {uri.rpartition('/')[0]} and prepare it again with: "
            "gan preprocess"
        )

    def _key(self, shard: Shard) -> str:
        return f"{immutable.prefix_of('dataset', self._dataset.id)}/{shard.name}"
