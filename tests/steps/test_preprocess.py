"""The step as a whole: what it publishes, what it skips, and how it ends."""

from __future__ import annotations

import signal
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from gan.config import Data
from gan.data.load import load_split
from gan.data.prepare import writer
from gan.data.spec import load
from gan.errors import ConfigError, DataError, GanError, Stopped, StoreError
from gan.steps.preprocess import preprocess
from gan.store import LocalStore, immutable
from gan.util.ids import file_sha256
from gan.util.sigterm import sigterm_as_exception
from support import bad_inputs


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, which must be empty after whatever happens."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def pictures(path: Path, **changes: Any) -> Data:
    return Data(**{"dataset": "folder", "source": str(bad_inputs.folder(path / "in")), "image_size": 16} | changes)


def published(store: LocalStore) -> list[str]:
    return list(immutable.ids(store, "dataset"))


def test_what_is_published(store: LocalStore, temporary: Path) -> None:
    result = preprocess(store, Data(), workers=1)
    assert result.details["examples"] == {"train": 1412, "test": 385}
    assert result.details["genuine"] is True
    assert result.details["images_per_second"] > 0
    assert not result.skipped
    folder = Path(result.uri)
    assert folder == store.root / "datasets" / result.id
    assert sorted(path.name for path in folder.iterdir()) == [
        "SHA256SUMS", "dataset.json", "manifest.parquet", "test-00000.tfrecord", "train-00000.tfrecord",
    ]  # fmt: skip
    dataset = load(store, result.id)
    for split in dataset.splits.values():
        for shard in split.shards:
            assert shard.sha256 == file_sha256(folder / shard.name)
    assert list(immutable.find_damage(store, "dataset", result.id)) == []
    assert list(temporary.iterdir()) == []


def test_the_id_of_digits_is_the_same_on_every_machine(store: LocalStore) -> None:
    """No image is resized here, so no library's arithmetic comes in. A new FORMAT gives a new id."""
    assert preprocess(store, Data(), workers=1).id == DIGITS


DIGITS = "digits-5f1a1424d38f"


def test_the_second_time_is_skipped_and_says_so(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = pictures(tmp_path)
    first = preprocess(store, data, workers=1)
    monkeypatch.setattr(writer, "write_dataset", None)
    second = preprocess(store, data, workers=2)
    assert second.skipped
    assert (second.id, second.uri) == (first.id, first.uri)
    assert second.details == {name: first.details[name] for name in ("examples", "shards", "quarantined", "genuine")}


def test_what_is_gone_is_made_again(store: LocalStore, tmp_path: Path) -> None:
    data = pictures(tmp_path)
    first = preprocess(store, data, workers=1)
    store.delete(f"datasets/{first.id}/SHA256SUMS")
    again = preprocess(store, data, workers=1)
    assert (again.id, again.skipped) == (first.id, False)


@pytest.mark.parametrize(
    "change",
    [{"image_size": 8}, {"channels": 1}, {"crop": 12}, {"resizer": "box", "image_size": 8}, {"holdout_percent": 40}],
)
def test_other_options_give_another_dataset(change: dict[str, Any], store: LocalStore, tmp_path: Path) -> None:
    first = preprocess(store, pictures(tmp_path), workers=1)
    other = preprocess(store, pictures(tmp_path, **change), workers=1)
    assert other.id != first.id
    assert not other.skipped


def test_a_changed_image_gives_another_dataset(store: LocalStore, tmp_path: Path) -> None:
    data = pictures(tmp_path)
    first = preprocess(store, data, workers=1)
    (tmp_path / "in" / "cats" / "000.png").write_bytes(bad_inputs.picture(99, (16, 16), kind="PNG"))
    assert preprocess(store, data, workers=1).id != first.id


def test_a_bad_image_stops_the_work(store: LocalStore, tmp_path: Path, temporary: Path) -> None:
    data = pictures(tmp_path)
    (tmp_path / "in" / "cats" / "000.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"cats/000\.png is no image .*--on-bad-image skip"):
        preprocess(store, data, workers=1)
    assert published(store) == []
    assert list(temporary.iterdir()) == []


def test_or_is_quarantined_with_the_reason(store: LocalStore, tmp_path: Path) -> None:
    data = pictures(tmp_path, on_bad_image="skip")
    bad = tmp_path / "in" / "cats" / "000.png"
    bad.write_bytes(bad_inputs.picture(1, kind="JPEG"))
    result = preprocess(store, data, workers=1)
    assert result.details["quarantined"] == 1
    assert sum(result.details["examples"].values()) == 39
    rows = pq.read_table(Path(result.uri) / "manifest.parquet").to_pylist()
    (row,) = [row for row in rows if row["reason"]]
    assert (row["id"], row["shard"], row["sha256"]) == ("cats/000.png", None, file_sha256(bad))
    assert "is JPEG inside" in row["reason"]
    dataset = load(store, result.id)
    assert dataset.quarantined == 1
    loaded = [name for split in dataset.splits for name in load_split(store, dataset, split).ids]
    assert len(loaded) == 39
    assert "cats/000.png" not in loaded


def test_nothing_left_to_train_on(store: LocalStore, tmp_path: Path) -> None:
    for index in range(4):
        (tmp_path / f"{index}.png").write_bytes(b"bad%d" % index)
    data = Data(dataset="folder", source=str(tmp_path), on_bad_image="skip")
    with pytest.raises(DataError, match="left to train on: 4 were skipped"):
        preprocess(store, data, workers=1)
    assert published(store) == []


def test_lists_that_put_none_into_train(store: LocalStore, tmp_path: Path) -> None:
    folder = bad_inputs.celeba(tmp_path / "in", count=3)
    partition = folder / "list_eval_partition.txt"
    partition.write_text(partition.read_text().replace(" 0\n", " 2\n"))
    with pytest.raises(DataError, match="its lists put none into that split"):
        preprocess(store, Data(dataset="celeba", source=str(folder)), workers=1)


@pytest.mark.parametrize(
    ("data", "workers", "says"),
    [(Data(dataset="minst"), 1, 'did you mean "mnist"'), (Data(crop=9), 1, "at most 8"), (Data(), 0, "--workers")],
)
def test_wrong_options_are_found_first(data: Data, workers: int, says: str, store: LocalStore) -> None:
    with pytest.raises(ConfigError, match=says):
        preprocess(store, data, workers=workers)
    assert not store.root.exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, GanError("a worker died")])
def test_an_interruption_leaves_nothing(
    error: Any, store: LocalStore, tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(writer, "example_row", fail)
    with pytest.raises(type(error) if isinstance(error, Exception) else error):
        preprocess(store, pictures(tmp_path), workers=1)
    assert published(store) == []
    assert list(temporary.iterdir()) == []


def test_sigterm_clears_up(store: LocalStore, tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(writer, "example_row", lambda *_, **__: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(Stopped) as caught, sigterm_as_exception():
        preprocess(store, pictures(tmp_path), workers=1)
    assert caught.value.exit_code == 143
    assert published(store) == []
    assert list(temporary.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is before


def test_outside_the_main_thread_signals_are_left_alone(store: LocalStore, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(preprocess, store, pictures(tmp_path), workers=1).result()
    assert published(store) == [result.id]


def test_a_disk_that_fills_up(
    store: LocalStore, tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    with pytest.raises(StoreError, match="free some space, or set TMPDIR"):
        preprocess(store, Data(image_size=64), workers=1)
    assert list(small_disk.iterdir()) == []
    assert published(store) == []


def test_the_real_celeba_in_part(real_data: Path, tmp_path: Path, store: LocalStore) -> None:
    """300 real pictures in two processes, zip read in place; faces are where faces should be."""
    import zipfile

    from gan.data.prepare import decode

    names = [f"{line.split()[0]}" for line in (real_data / "celeba/list_eval_partition.txt").read_text().splitlines()]
    chosen = names[::33][:300]
    (tmp_path / "in").mkdir()
    with (
        zipfile.ZipFile(real_data / "celeba/img_align_celeba.zip") as whole,
        zipfile.ZipFile(tmp_path / "in/img_align_celeba.zip", "w") as part,
    ):
        for name in chosen:
            part.writestr(f"img_align_celeba/{name}", whole.read(f"img_align_celeba/{name}"))
    for name in ("list_eval_partition.txt", "identity_CelebA.txt", "list_attr_celeba.txt"):
        lines = (real_data / "celeba" / name).read_text().splitlines()
        head = [str(len(chosen)), lines[1]] if "attr" in name else []
        kept = [line for line in lines if line.split()[0] in set(chosen)]
        (tmp_path / "in" / name).write_text("\n".join(head + kept) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decode, "MIN_IMAGES_FOR_PROCESSES", 1)
        result = preprocess(store, Data(dataset="celeba", source=str(tmp_path / "in")), workers=2)
    dataset = load(store, result.id)
    assert sum(result.details["examples"].values()) == 300
    assert (dataset.image_shape, dataset.crop, len(dataset.attributes)) == ((64, 64, 3), 148, 40)
    train = load_split(store, dataset, "train")
    mean = train.pixels.mean(0)
    centre, corner = mean[24:40, 24:40], mean[:8, :8]
    assert (centre[..., 0] > centre[..., 2] + 20).all()  # skin is red, wherever it comes from
    assert centre.mean() > corner.mean() - 40
    assert train.attributes.shape[1] == 40
