"""Sources in buckets, on real servers."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan.config import Data
from gan.data.source_files.remote import local_copy
from gan.errors import ConfigError, DataError
from gan.steps.preprocess import preprocess
from gan.store import LocalStore, open_store
from support import servers


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    for number in range(12):
        path = folder / f"class{number % 2}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), 20 * number, np.uint8)).save(path)
    return folder


def test_a_folder_in_a_bucket_makes_the_same_dataset_as_on_the_disk(
    bucket: str, pictures: Path, tmp_path: Path
) -> None:
    raw = open_store(f"{bucket}/raw/pictures")
    for path in pictures.rglob("*.png"):
        raw.upload(path.relative_to(pictures).as_posix(), path)
    made = [
        preprocess(LocalStore(tmp_path / name), Data(dataset="folder", source=source, image_size=8))
        for name, source in (("disk", str(pictures)), ("bucket", f"{bucket}/raw/pictures/"))
    ]
    assert made[0].id == made[1].id


def test_objects_that_mark_folders_are_no_files(moto_server: servers.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3

    for name, value in moto_server.environment.items():
        monkeypatch.setenv(name, value)
    bucket = servers.make_bucket(moto_server)
    client = boto3.client("s3")
    for key in ("raw/", "raw/a/", "raw/a/file"):
        client.put_object(Bucket=bucket, Key=key, Body=b"x" if key.endswith("file") else b"")
    with local_copy(f"s3://{bucket}/raw") as where:
        assert where is not None
        assert [path.relative_to(where).as_posix() for path in Path(where).rglob("*") if path.is_file()] == ["a/file"]


def test_one_file_in_a_bucket(bucket: str, pictures: Path, tmp_path: Path) -> None:
    archive = tmp_path / "pets.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in pictures.rglob("*.png"):
            file.write(path, path.relative_to(pictures).as_posix())
    open_store(bucket).upload("pets.zip", archive)
    with local_copy(f"{bucket}/pets.zip") as where:
        assert where is not None
        assert Path(where).name == "pets.zip"
        assert Path(where).read_bytes() == archive.read_bytes()
    assert not Path(where).exists()


@pytest.mark.parametrize("below", ["", "/", "/raw", "/raw/pets.zip"])
def test_nothing_there(bucket: str, below: str) -> None:
    with (
        pytest.raises(DataError, match=r"no such file or folder: .*check data\.source \(--source\)"),
        local_copy(bucket + below),
    ):
        pass


def test_what_is_no_bucket() -> None:
    with pytest.raises(ConfigError, match=r"data\.source \(--source\) must name a bucket"), local_copy("gs:///x"):
        pass


@pytest.mark.parametrize("where", [None, "/data/x", "file:///data/x"])
def test_what_is_here_stays_where_it_is(where: str | None) -> None:
    with local_copy(where) as found:
        assert found == where
