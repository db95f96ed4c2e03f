"""What is specific to MNIST."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

from gan.data.sources.interface import Listing
from gan.data.sources.mnist import GZIP_MD5, PLAIN_MD5, Mnist
from gan.errors import DataError
from support import bad_inputs


def scan(where: Path | None, mnist: Mnist | None = None) -> Listing:
    source = mnist or Mnist()
    return source.scan(None if where is None else str(where), 20)


def test_the_published_files(real_data: Path) -> None:
    listing = scan(real_data / "mnist")
    assert listing.matches_published_checksums is True
    splits = [each.split for each in listing.examples]
    assert (splits.count("train"), splits.count("test")) == (60_000, 10_000)
    # The first ten labels, known to everyone who has ever opened the file.
    assert [each.label for each in listing.examples[:10]] == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert [each.label for each in listing.examples[60_000:60_010]] == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    pixels = np.stack([np.asarray(listing.read(each.key)) for each in listing.examples[:60_000]])
    # Mean and standard deviation that half of the field's tutorials normalise with: 0.1307, 0.3081.
    assert pixels.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert pixels.std() / 255 == pytest.approx(0.3081, abs=5e-5)


def test_unzipped_published_files_match(real_data: Path, tmp_path: Path) -> None:
    for base in GZIP_MD5:
        data = gzip.decompress((real_data / "mnist" / f"{base}.gz").read_bytes())
        (tmp_path / base.replace("-idx", ".idx")).write_bytes(data)
    assert scan(tmp_path).matches_published_checksums is True
    assert PLAIN_MD5.keys() == GZIP_MD5.keys()


def test_other_files_do_not_match(tmp_path: Path) -> None:
    listing = scan(bad_inputs.mnist(tmp_path))
    assert listing.matches_published_checksums is False
    assert [each.id for each in listing.examples[:2]] == ["train/00000", "train/00001"]
    assert listing.examples[30].id == "test/00000"
    assert listing.classes == tuple("0123456789")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    bad_inputs.mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"no t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz in"):
        scan(tmp_path)


def test_counts_must_agree(tmp_path: Path) -> None:
    bad_inputs.mnist(tmp_path)
    bad_inputs.put_idx(tmp_path, "train-labels-idx1-ubyte", bad_inputs.idx(2049, (29,), bytes(29)))
    with pytest.raises(DataError, match="holds 30 images but train-labels-idx1-ubyte 29 labels"):
        scan(tmp_path)


def test_labels_must_be_digits(tmp_path: Path) -> None:
    bad_inputs.mnist(tmp_path)
    bad_inputs.put_idx(tmp_path, "train-labels-idx1-ubyte", bad_inputs.idx(2049, (30,), bytes([11] * 30)))
    with pytest.raises(DataError, match="the label 11; allowed: 0 to 9"):
        scan(tmp_path)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad_inputs.mnist(tmp_path)

    def denied(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(DataError, match=r"can't read .*gz: Permission denied"):
        scan(tmp_path)


def test_offline_says_which_files_to_put_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(DataError) as caught:
        scan(None, Mnist(mirrors=["http://127.0.0.1:1/"]))
    assert "--source" in str(caught.value)
    assert all(f"{base}.gz" in str(caught.value) for base in GZIP_MD5)


def test_what_was_downloaded_before_needs_no_network(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    shutil.copytree(real_data / "mnist", tmp_path / "gan" / "mnist")
    assert scan(None, Mnist(mirrors=[])).matches_published_checksums is True
