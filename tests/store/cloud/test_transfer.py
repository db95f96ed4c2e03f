from __future__ import annotations

import io
import json

import pytest

from gan.errors import ConfigError
from gan.store.cloud.transfer import MIN_PROGRESS_BYTES, TransferJob, transfer


def test_the_largest_begins_first_and_results_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_STORE_THREADS", "1")
    begun: list[int] = []

    def job(size: int) -> TransferJob[int]:
        return TransferJob(size, lambda: (begun.append(size), -size)[1])

    assert transfer("upload x", [job(1), job(3), job(2)]) == [-1, -3, -2]
    assert begun == [3, 2, 1]


def test_a_large_transfer_shows_its_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    transfer("upload x", [TransferJob(MIN_PROGRESS_BYTES, lambda: None), TransferJob(1, lambda: None)])
    last = json.loads(io.StringIO(capsys.readouterr().err).readlines()[-1])
    assert (last["event"], last["done"], last["unit"]) == ("upload x", MIN_PROGRESS_BYTES + 1, "bytes")
    transfer("upload x", [TransferJob(1, lambda: None)])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5"])
def test_the_threads_are_a_whole_number(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("GAN_STORE_THREADS", text)
    with pytest.raises(ConfigError, match=f'GAN_STORE_THREADS must be a number of threads, such as 8; got "{text}"'):
        transfer("upload x", [])
