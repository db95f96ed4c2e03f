"""Throughput and memory of transfers to and from a bucket: `gan.store` compared with each library's parallel copy.

The baselines are `google.cloud.storage.transfer_manager` and boto3's `upload_file` and `download_file` in a thread pool
with as many threads. `gan.store` also computes the SHA-256 of every file, never overwrites, and verifies downloads.
Each measurement is a separate process against a new server on loopback; the two take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

SHARDS, THREADS = 256, 8


def gan_store(uri: str, source: Path, target: Path) -> tuple[float, float]:
    """Publish the files as a dataset and fetch it."""
    from gan.store import immutable, open_store

    store = open_store(uri)
    up = _timed(lambda: immutable.publish(store, "dataset", "bench-1", immutable.files_below(source)))
    return up, _timed(lambda: immutable.fetch(store, "dataset", "bench-1", target))


def transfer_manager(uri: str, source: Path, target: Path) -> tuple[float, float]:
    """The parallel copy of google-cloud-storage."""
    from google.cloud import storage
    from google.cloud.storage import transfer_manager as manager

    names = [path.name for path in source.iterdir()]
    client = storage.Client(project=None)
    for scheme in ("http://", "https://"):
        client._http.mount(scheme, _requests_adapter())
    bucket = client.bucket(uri.split("/")[2])
    options = {"worker_type": manager.THREAD, "max_workers": THREADS, "raise_exception": True}
    up = _timed(lambda: manager.upload_many_from_filenames(bucket, names, source_directory=str(source), **options))
    return up, _timed(
        lambda: manager.download_many_to_path(bucket, names, destination_directory=str(target), **options)
    )


def boto3_threads(uri: str, source: Path, target: Path) -> tuple[float, float]:
    """boto3's managed transfers in a thread pool."""
    import boto3
    from botocore.config import Config

    bucket = uri.split("/")[2]
    client = boto3.client("s3", config=Config(max_pool_connections=10 * THREADS))
    names = [path.name for path in source.iterdir()]
    target.mkdir()
    with ThreadPoolExecutor(THREADS) as pool:
        up = _timed(lambda: list(pool.map(lambda name: client.upload_file(f"{source}/{name}", bucket, name), names)))
        down = _timed(
            lambda: list(pool.map(lambda name: client.download_file(bucket, name, f"{target}/{name}"), names))
        )
    return up, down


BASELINES: dict[str, Callable[[str, Path, Path], tuple[float, float]]] = {"gs": transfer_manager, "s3": boto3_threads}


def turn(name: str, uri: str, source: Path) -> None:
    """One process: measure and print JSON."""
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        measure = gan_store if name == "gan" else BASELINES[uri.partition(":")[0]]
        up, down = measure(uri, source, Path(folder) / "down")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"up": up, "down": down, "peak MB": peak}))


def compare(scheme: str, source: Path, megabytes: int, rounds: int) -> None:
    """Take turns against one kind of server, and print a table."""
    from support import servers

    figures: dict[str, dict[str, list[float]]] = {"gan": {}, "baseline": {}}
    for number in range(2 * rounds):
        name = ("gan", "baseline", "baseline", "gan")[number % 4]
        with servers.fake_gcs() if scheme == "gs" else servers.minio() as server:
            uri = f"{scheme}://{servers.make_bucket(server)}"
            command = [sys.executable, __file__, "--turn", name, "--uri", uri, "--source", str(source)]
            answer = subprocess.run(  # noqa: S603
                command, check=True, stdout=subprocess.PIPE, env={**os.environ, **server.environment}
            ).stdout
        for what, figure in json.loads(answer).items():
            figures[name].setdefault(what, []).append(figure if what == "peak MB" else megabytes / figure)
        print(scheme, name, {what: round(values[-1]) for what, values in figures[name].items()}, flush=True)
    for what in ("up", "down"):
        own, baseline = (statistics.median(figures[name][what]) for name in ("gan", "baseline"))
        print(f"{scheme} {what}: {own:.0f} MB/s, baseline {baseline:.0f} MB/s, ratio {own / baseline:.2f}")
    own, baseline = (max(figures[name]["peak MB"]) for name in ("gan", "baseline"))
    print(f"{scheme} peak: {own:.0f} MB, baseline {baseline:.0f} MB")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--total-mb", type=int, default=2048, help=f"in {SHARDS} files")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=sorted(BASELINES))
    parser.add_argument("--folder", type=Path, help="needs space for three times the data and a server's copy")
    parser.add_argument("--turn", help=argparse.SUPPRESS)
    parser.add_argument("--uri", help=argparse.SUPPRESS)
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.turn:
        turn(arguments.turn, arguments.uri, arguments.source)
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        source = Path(folder) / "shards"
        source.mkdir()
        for number in range(SHARDS):
            (source / f"shard-{number:05}.tfrecord").write_bytes(os.urandom((arguments.total_mb << 20) // SHARDS))
        for scheme in [arguments.only] if arguments.only else sorted(BASELINES):
            compare(scheme, source, arguments.total_mb, arguments.rounds)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _requests_adapter() -> object:
    from requests.adapters import HTTPAdapter

    return HTTPAdapter(pool_maxsize=THREADS)


if __name__ == "__main__":
    main()
