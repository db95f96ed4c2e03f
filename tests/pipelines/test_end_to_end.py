"""The whole pipeline through the real command line, on real images with tiny networks."""

from __future__ import annotations

import gzip
import json
import shlex
import signal
import struct
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gan.store import alias, open_store
from pipelines.registry import PIPELINES

pytestmark = pytest.mark.slow

COMMANDS = Path(sys.executable).parent
TRAINING = list(PIPELINES["training"].steps)
TINY = [
    "generator.width=0.05",
    "discriminator.width=0.05",
    "generator.latent_size=8",
    "train.steps=6",
    "train.batch_size=16",
    "train.checkpoint_every_steps=3",
    "train.sample_every_steps=3",
    "train.log_every_steps=2",
    "reference.epochs=1",
    "evaluate.samples=100",
    "evaluate.kid_subsets=2",
]
OPEN_GATE = ["gate.limits={}"]
PNG = b"\x89PNG\r\n\x1a\n"


def arguments(config: str, store: Path, sets: Sequence[str]) -> list[str]:
    flags = [flag for item in sets for flag in ("--set", item)]
    return [str(COMMANDS / "gan-pipelines"), "run", "--config", config, "--store", str(store), "--json", *flags]


@dataclass(frozen=True)
class Ran:
    exit_code: int
    out: str
    err: str

    @property
    def record(self) -> dict[str, Any]:
        assert self.exit_code == 0, self.err
        found: dict[str, Any] = json.loads(self.out)
        return found


def run(config: str, store: Path, *sets: str, more: Sequence[str] = ()) -> Ran:
    command = [*arguments(config, store, sets), *more]
    done = subprocess.run(command, cwd=store.parent, capture_output=True, text=True, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)


def expect_promoted(record: dict[str, Any], store: Path, name: str) -> None:
    """Everything that a run that ended well leaves behind."""
    assert [step["step"] for step in record["steps"]] == TRAINING
    assert record["promoted"] == name
    assert alias.read(open_store(str(store)), name).live == record["generator_id"]
    assert {"fid", "kid", "precision", "recall", "density", "coverage"} <= set(record["scores"])
    assert set(record["scores"]) == set(record["real"])
    page = Path(record["uri"]).read_text(encoding="utf-8")
    assert record["generator_id"] in page
    assert record["label"] in page
    sample, *flags = shlex.split(record["sample"])
    assert sample == "gan"
    subprocess.run([COMMANDS / "gan", *flags, "--count", "4"], cwd=store.parent, check=True, capture_output=True)
    assert (store.parent / f"{name}.png").read_bytes().startswith(PNG)
    assert not list((store / ".tmp").iterdir())


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ran]:
    store = tmp_path_factory.mktemp("digits") / "a python3 \"store\" {of} 'mine'"
    return store, run("digits", store, *TINY, *OPEN_GATE, "data.image_size=8")


def test_digits_from_images_to_a_promoted_generator(digits: tuple[Path, Ran]) -> None:
    store, ran = digits
    expect_promoted(ran.record, store, "digits")
    assert not any(step["skipped"] for step in ran.record["steps"])
    events = [json.loads(line) for line in ran.err.splitlines()]
    assert [event["step"] for event in events if event["event"] == "step begins"] == TRAINING


def test_the_same_again_finds_everything_in_the_store(digits: tuple[Path, Ran]) -> None:
    store, first = digits
    again = run("digits", store, *TINY, *OPEN_GATE, "data.image_size=8").record
    skipped = {step["step"] for step in again["steps"] if step["skipped"]}
    assert {"preprocess", "reference", "train", "evaluate", "export", "promote"} <= skipped
    for key in ("id", "dataset_id", "reference_id", "generator_id", "scores"):
        assert again[key] == first.record[key]


def test_a_refused_gate_ends_green_with_nothing_promoted_and_the_reasons_in_the_report(
    digits: tuple[Path, Ran],
) -> None:
    store, _ = digits
    ran = run("digits", store, *TINY, *OPEN_GATE, "data.image_size=8", "gate.limits.fid=0", more=["--name", "strict"])
    record = ran.record
    assert (record["passed"], record["promoted"]) == (False, None)
    assert [step["step"] for step in record["steps"]] == [step for step in TRAINING if step != "promote"]
    assert alias.read(open_store(str(store)), "strict").live is None
    (reason,) = record["reasons"]
    assert "fid" in reason
    assert "refused" in Path(record["uri"]).read_text(encoding="utf-8").lower()


def test_one_step_alone_takes_what_the_steps_before_it_made(digits: tuple[Path, Ran]) -> None:
    store, first = digits
    made = {"train": "id", "evaluate": "id", "export": "generator_id", "gate": "generator_id", "report": "id"}
    for step, key in made.items():
        alone = run("digits", store, *TINY, *OPEN_GATE, "data.image_size=8", more=["--only", step]).record
        assert alone["id"] == first.record[key], step


def test_the_error_of_a_step_is_the_error_of_the_run(digits: tuple[Path, Ran]) -> None:
    store, _ = digits
    ran = run("digits", store, *TINY, "data.image_size=8", "train.batch_size=60000")
    assert ran.exit_code == 2
    assert ran.out == ""
    last = ran.err.splitlines()[-1]
    assert last.startswith("gan-pipelines: preprocess: train.batch_size must be at most")
    assert "60000" in last


def test_a_stopped_run_continues_where_it_stopped(digits: tuple[Path, Ran]) -> None:
    store, _ = digits
    sets = [*TINY, *OPEN_GATE, "data.image_size=8", "train.steps=1000000", "train.checkpoint_every_steps=500000"]
    command = arguments("digits", store, sets)
    assert stop_when_training(command, signal.SIGTERM) == 0
    assert stop_when_training(command, signal.SIGINT) > 0


def stop_when_training(command: list[str], number: signal.Signals) -> int:
    """Start a run, send it a signal once it trains; returns the step that training began from."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        begun, lines = -1, []
        for line in process.stderr:
            lines.append(line)
            if '"from_step"' in line:
                begun = json.loads(line)["from_step"]
            elif '"event": "train"' in line:
                process.send_signal(number)
                break
        rest = process.stderr.read()
    assert process.returncode == 128 + number, "".join(lines) + rest
    assert rest.splitlines()[-1].startswith("gan-pipelines: stopped.")
    return begun


def test_two_thousand_real_mnist_images(real_data: Path, tmp_path: Path) -> None:
    source = tmp_path / "mnist"
    source.mkdir()
    for part, count in (("train", 1600), ("t10k", 400)):
        for kind, header, size in (("images-idx3", 16, 784), ("labels-idx1", 8, 1)):
            name = f"{part}-{kind}-ubyte"
            original = gzip.decompress((real_data / "mnist" / f"{name}.gz").read_bytes())
            cut = (
                original[:4] + struct.pack(">I", count) + original[8:header] + original[header : header + count * size]
            )
            (source / name).write_bytes(cut)
    store = tmp_path / "store"
    record = run("mnist", store, *TINY, *OPEN_GATE, f"data.source={source}").record
    expect_promoted(record, store, "mnist")
    assert record["label"].startswith("fid[mnist-cnn:")


def test_three_hundred_real_celeba_images(real_data: Path, tmp_path: Path) -> None:
    source = tmp_path / "celeba"
    source.mkdir()
    cut_celeba(real_data / "celeba", source, train=200, test=100)
    store = tmp_path / "store"
    record = run("celeba", store, *TINY, *OPEN_GATE, f"data.source={source}").record
    expect_promoted(record, store, "celeba")
    assert record["label"].startswith("fid[efficientnet-lite0:")


def cut_celeba(original: Path, folder: Path, *, train: int, test: int) -> None:
    """The first so many images of two partitions, with their rows in the three lists."""
    partition = (original / "list_eval_partition.txt").read_text().splitlines()
    chosen = [
        line.split()[0]
        for part, count in (("0", train), ("2", test))
        for line in [line for line in partition if line.split()[1] == part][:count]
    ]
    wanted = set(chosen)
    for name in ("list_eval_partition.txt", "identity_CelebA.txt"):
        rows = [line for line in (original / name).read_text().splitlines() if line.split()[0] in wanted]
        (folder / name).write_text("\n".join(rows) + "\n")
    _, names, *rows = (original / "list_attr_celeba.txt").read_text().splitlines()
    kept = [line for line in rows if line.split()[0] in wanted]
    (folder / "list_attr_celeba.txt").write_text("\n".join([str(len(kept)), names, *kept]) + "\n")
    with (
        zipfile.ZipFile(original / "img_align_celeba.zip") as old,
        zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as new,
    ):
        for name in chosen:
            new.writestr(f"img_align_celeba/{name}", old.read(f"img_align_celeba/{name}"))
