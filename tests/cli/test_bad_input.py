"""Everything wrong that we could think of, through the real command line.

Each case must give one clear line (the value, what was allowed, what to do), its documented exit code, no traceback,
and leave the store exactly as it was.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gan.store.local import LOCK
from support import bad_inputs

SMALL = ["--set=generator.width=0.05", "--set=discriminator.width=0.05", "--set=train.batch_size=8"]


@dataclass(frozen=True)
class Sound:
    """A store where everything is well: a dataset, a reference, a run of two steps and its generator."""

    store: Path
    dataset: str
    folder_dataset: str
    reference: str
    other_reference: str
    run: str
    generator: str


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    """Made once, by the commands themselves."""
    base = tmp_path_factory.mktemp("sound")
    store = base / "store"

    def made(*argv: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "gan", *argv, "--store", str(store)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().splitlines()[-1]

    dataset = made("preprocess", "--dataset", "digits")
    folder = bad_inputs.folder(base / "pictures", count=120)
    folder_dataset = made("preprocess", "--dataset", "folder", "--source", str(folder), "--image-size", "16")
    reference = made("reference", "--dataset-id", dataset, "--set", "reference.epochs=1")
    other = made("reference", "--dataset-id", dataset, "--set", "reference.epochs=1", "--set", "reference.seed=1")
    small = [*SMALL, "--set=data.image_size=8", "--set=train.steps=2"]
    run = made("train", "--config", "digits", "--dataset-id", dataset, "--run-id", "r1", *small)
    made("evaluate", "--run-id", run, "--reference-id", reference, "--set=evaluate.samples=50")
    generator = made("export", "--run-id", run)
    return Sound(store, dataset, folder_dataset, reference, other, run, generator)


@dataclass(frozen=True)
class Case:
    """What is typed (`{name}` stands for an id or path), what is prepared before, and what must come of it."""

    name: str
    argv: str
    code: int
    says: tuple[str, ...]
    prepare: Callable[[Path, Sound], None] = lambda _folder, _sound: None
    own_store: bool = False  # the case harms its store: it gets a copy
    begins: str | None = None  # the run that is on record by then, for shards are read after it is begun


def mnist(change: Callable[[Path], None]) -> Callable[[Path, Sound], None]:
    return lambda folder, _: change(bad_inputs.mnist(folder / "in"))


def celeba(change: Callable[[Path], None]) -> Callable[[Path, Sound], None]:
    return lambda folder, _: change(bad_inputs.celeba(folder / "in"))


def celeba_with(name: str, data: bytes) -> Callable[[Path, Sound], None]:
    return lambda folder, _: void(bad_inputs.celeba(folder / "in", pictures={name: data}))


def pictures(change: Callable[[Path], None]) -> Callable[[Path, Sound], None]:
    return lambda folder, _: change(bad_inputs.folder(folder / "in"))


def void(_: object) -> None:
    return None


def truncate(file: Path, size: int) -> None:
    file.write_bytes(file.read_bytes()[:size])


def harm(pattern: str) -> Callable[[Path, Sound], None]:
    """Flip the last byte of the one file of the store that matches."""

    def change(folder: Path, _: Sound) -> None:
        (file,) = (folder / "store").glob(pattern)
        data = file.read_bytes()
        file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))

    return change


def small(store: Path, source: Path, *flags: str) -> str:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "gan",
            "preprocess",
            "--dataset",
            "folder",
            "--source",
            str(source),
            "--store",
            str(store),
            *flags,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def odd_dataset(folder: Path, _: Sound) -> None:
    made = small(folder / "store", bad_inputs.folder(folder / "odd"), "--image-size", "15")
    (folder / "ids").write_text(f"odd={made}")


def plain_dataset(folder: Path, _: Sound) -> None:
    source = folder / "plain"
    source.mkdir()
    for index in range(40):
        (source / f"{index}.png").write_bytes(bad_inputs.picture(index, (16, 16), kind="PNG"))
    (folder / "ids").write_text(f"plain={small(folder / 'store', source, '--image-size', '16')}")


def foreign_reference(folder: Path, sound: Sound) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "gan",
            "reference",
            "--dataset-id",
            sound.folder_dataset,
            "--store",
            str(folder / "store"),
            "--set=reference.epochs=1",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    (folder / "ids").write_text(f"foreign={done.stdout.strip()}")


MNIST = "preprocess --dataset mnist --source {in}"
CELEBA = "preprocess --dataset celeba --source {in}"
FOLDER = "preprocess --dataset folder --source {in} --image-size 16"
TRAIN = (
    "train --config digits --dataset-id {dataset} --set=data.image_size=8 --set=train.steps=2 "
    "--set=generator.width=0.05"
)

CASES = [
    # names and flags
    Case("unknown command", "trian", 2, ("invalid choice: 'trian'", "gan --help")),
    Case("missing flag", "preprocess", 2, ("--dataset", "preprocess --help")),
    Case("unknown dataset", "preprocess --dataset minst", 2, ('"minst"', 'did you mean "mnist"', "celeba")),
    Case("word for a number", "preprocess --dataset digits --image-size big", 2, ("--image-size", "'big'")),
    Case(
        "size out of range", "preprocess --dataset digits --image-size 2", 2, ("--image-size must be at least 4", "2")
    ),
    Case("two channels", "preprocess --dataset digits --channels 2", 2, ("--channels", '"2"', "1, 3")),
    Case("one channel for three digits", "preprocess --dataset stacked-mnist --channels 1", 2, ("must be 3", "got 1")),
    Case("option without a value", "preprocess --dataset digits --option seed", 2, ("NAME=VALUE", '"seed"')),
    Case("unknown option", "preprocess --dataset digits --option seed=1", 2, ('"data.options.seed"', "digits")),
    Case("wrong option", "preprocess --dataset stacked-mnist --option draw=all", 2, ("draw", '"all"', "images")),
    Case("unknown resizer", "preprocess --dataset digits --resizer cubic", 2, ('"cubic"', 'did you mean "bicubic"')),
    Case("unknown policy", "preprocess --dataset digits --on-bad-image ignore", 2, ('"ignore"', "fail, skip")),
    Case("crop too wide for CelebA", CELEBA + " --crop 200", 2, ("200", "178", "--crop"), celeba(void)),
    Case("no workers", "preprocess --dataset digits --workers 0", 2, ("--workers", "0")),
    Case("unknown config", "train --config digit --dataset-id {dataset}", 4, ('did you mean "digits"',)),
    Case("unknown key", TRAIN + " --set train.step=3", 2, ('"train.step"', 'did you mean "train.steps"')),
    Case("unknown group", TRAIN + " --set trains.steps=3", 2, ('"trains"', 'did you mean "train"')),
    Case("wrong type", TRAIN + " --set train.steps=lots", 2, ("train.steps must be a whole number", "'lots'")),
    Case("not a pair", TRAIN + " --set train.steps", 2, ("--set takes group.key=value",)),
    Case("unknown loss", TRAIN + " --set loss.name=hing", 2, ('"hing"', 'did you mean "hinge"', "wgan_gp")),
    Case("unknown network", TRAIN + " --set generator.name=dcgn", 2, ('"dcgn"', 'did you mean "dcgan"')),
    Case(
        "key of another loss", TRAIN + " --set loss.name=hinge --set loss.label_smoothing=0.2", 2, ("label_smoothing",)
    ),
    Case("run id that climbs", TRAIN + " --run-id ../up", 2, ("run id", "../up")),
    *(
        Case(f"{command} of no store", f"{command} --store {{in}}/store", 4, ("there is no store at", "in/store"))
        for command in ("inspect", "verify", "gc", "gc --delete")
    ),
    Case("copy of no store", "store copy {in}/store {in}/copy", 4, ("there is no store at", "in/store", "SRC")),
    Case("store of another kind", "inspect --store ftp://host/x", 2, ("--store must be", '"ftp://host/x"')),
    Case(
        "set of another group", "gate --generator-id {generator} --name n --set train.steps=1", 2, ("gate.key=value",)
    ),
    # sizes
    Case(
        "images of another size than the config's",
        "train --config digits --dataset-id {dataset} --set=train.steps=2",
        2,
        ("data.image_size is 16", "prepared with 8", "--image-size 16", "--set data.image_size=8"),
    ),
    Case(
        "sizes that do not divide",
        "train --config celeba --dataset-id {odd} --set=train.batch_size=8 --set=data.image_size=15",
        2,
        ("15", "data.image_size"),
        odd_dataset,
        own_store=True,
    ),
    Case(
        "dataset smaller than a batch", TRAIN + " --set train.batch_size=5000", 2, ("5000", "1412", "train.batch_size")
    ),
    Case(
        "labels wanted, none there",
        "train --config digits --dataset-id {plain} --set=train.batch_size=8 --set=data.channels=3",
        2,
        ("generator.conditional", "label"),
        plain_dataset,
        own_store=True,
    ),
    # what evaluation needs, told before training
    Case("no such checkpoint to come", TRAIN + " --set evaluate.checkpoint=bset", 2, ('"bset"', "latest or best")),
    Case("no such held-out split", TRAIN + " --set reference.split=tset", 2, ('"tset"', 'did you mean "test"')),
    Case(
        "more samples than could ever be scored",
        TRAIN + " --dry-run --set evaluate.samples=99999",
        2,
        ("evaluate.samples must be at most 19300", "99999"),
    ),
    Case(
        "a bucket for a feature network",
        "reference --dataset-id {dataset} --feature-network gs://b/",
        2,
        ("reference.feature_network (--feature-network)", '"gs://b/"'),
    ),
    # MNIST
    Case("no such folder", MNIST, 3, ("no such file or folder", "/in")),
    Case(
        "a file missing",
        MNIST,
        3,
        ("t10k-labels-idx1-ubyte",),
        mnist(lambda f: (f / "t10k-labels-idx1-ubyte.gz").unlink()),
    ),
    Case(
        "truncated gzip",
        MNIST,
        3,
        ("train-images-idx3-ubyte.gz",),
        mnist(lambda f: truncate(f / "train-images-idx3-ubyte.gz", 2000)),
    ),
    Case(
        "wrong magic",
        MNIST,
        3,
        ("train-labels-idx1-ubyte", "1234", "2049"),
        mnist(lambda f: bad_inputs.put_idx(f, "train-labels-idx1-ubyte", bad_inputs.idx(1234, (30,), bytes(30)))),
    ),
    Case(
        "count beyond the file",
        MNIST,
        3,
        ("train-images-idx3-ubyte", "31"),
        mnist(
            lambda f: bad_inputs.put_idx(
                f, "train-images-idx3-ubyte", bad_inputs.idx(2051, (31, 28, 28), bytes(30 * 784))
            )
        ),
    ),
    Case(
        "not 28 by 28",
        MNIST,
        3,
        ("27", "28"),
        mnist(
            lambda f: bad_inputs.put_idx(
                f, "train-images-idx3-ubyte", bad_inputs.idx(2051, (30, 27, 28), bytes(30 * 27 * 28))
            )
        ),
    ),
    Case(
        "more images than labels",
        MNIST,
        3,
        ("30", "29", "labels"),
        mnist(lambda f: bad_inputs.put_idx(f, "train-labels-idx1-ubyte", bad_inputs.idx(2049, (29,), bytes(29)))),
    ),
    Case(
        "label beyond nine",
        MNIST,
        3,
        ("11",),
        mnist(
            lambda f: bad_inputs.put_idx(f, "train-labels-idx1-ubyte", bad_inputs.idx(2049, (30,), bytes([11] * 30)))
        ),
    ),
    # CelebA
    Case("path outside the zip", CELEBA, 3, ("../evil.jpg",), celeba_with("../evil.jpg", b"x")),
    Case(
        "truncated JPEG",
        CELEBA,
        3,
        ("000003.jpg", "--on-bad-image"),
        celeba_with("img_align_celeba/000003.jpg", bad_inputs.picture()[:500]),
    ),
    Case("mislabelled JPEG", CELEBA, 3, ("000003.jpg",), celeba_with("img_align_celeba/000003.jpg", b"GIF? no")),
    Case(
        "attribute row missing",
        CELEBA,
        3,
        ("list_attr_celeba.txt",),
        celeba(lambda f: bad_inputs.drop_line(f / "list_attr_celeba.txt", 7)),
    ),
    Case(
        "image missing from a list",
        CELEBA,
        3,
        ("list_eval_partition.txt",),
        celeba(lambda f: bad_inputs.drop_line(f / "list_eval_partition.txt", 7)),
    ),
    Case("list missing", CELEBA, 3, ("identity_CelebA.txt",), celeba(lambda f: (f / "identity_CelebA.txt").unlink())),
    Case(
        "no zip and no folder",
        CELEBA,
        3,
        ("img_align_celeba",),
        celeba(lambda f: (f / "img_align_celeba.zip").unlink()),
    ),
    Case(
        "not a zip",
        CELEBA,
        3,
        ("img_align_celeba.zip",),
        celeba(lambda f: void((f / "img_align_celeba.zip").write_bytes(b"no zip"))),
    ),
    # folder
    Case("empty folder", FOLDER, 3, ("no image",), lambda folder, _: (folder / "in").mkdir()),
    Case(
        "bad picture",
        FOLDER,
        3,
        ("000.png", "--on-bad-image"),
        pictures(lambda f: void((f / "cats/000.png").write_bytes(b""))),
    ),
    Case(
        "a name that is not UTF-8",
        FOLDER,
        3,
        ("not UTF-8", "caf\\xe9.png", "rename it"),
        pictures(lambda f: void(Path(os.fsdecode(os.fsencode(f) + b"/cats/caf\xe9.png")).write_bytes(b"x"))),
    ),
    Case("folder without a source", "preprocess --dataset folder", 2, ("--source",)),
    Case(
        "absurd compression",
        "preprocess --dataset folder --source {in}/z.zip --image-size 16",
        3,
        ("compress",),
        lambda folder, _: (
            (folder / "in").mkdir(),
            void(bad_inputs.zip_of(folder / "in/z.zip", {"a.png": bytes(300_000_000)}, compressed=True)),
        )[1],
    ),
    Case(
        "link out of the folder",
        FOLDER,
        3,
        ("link",),
        pictures(lambda f: (f / "cats/900.png").symlink_to("/etc/passwd")),
    ),
    # unknown and mismatched objects
    Case(
        "unknown dataset id", "train --config digits --dataset-id digits-0", 4, ('no dataset "digits-0"', "{dataset}")
    ),
    Case("unknown run", "evaluate --run-id r9 --reference-id {reference}", 4, ('"r9"', "r1")),
    Case("unknown reference", "evaluate --run-id r1 --reference-id ref-0", 4, ('no reference "ref-0"', "{reference}")),
    Case("unknown generator", "sample --generator-id gen-0 --out x.png", 4, ('no generator "gen-0"', "{generator}")),
    Case("name never promoted", "sample --name faces --out x.png", 4, ('"faces"',)),
    Case("rollback of nothing", "rollback --name faces", 4, ('"faces"',)),
    Case("promotion without a verdict", "promote --generator-id {generator} --name fresh", 4, ("gan gate",)),
    Case("unknown checkpoint", "evaluate --run-id r1 --reference-id {reference} --checkpoint 77", 4, ("77", "2")),
    Case(
        "checkpoint in words",
        "evaluate --run-id r1 --reference-id {reference} --checkpoint newest",
        2,
        ("newest", "latest"),
    ),
    Case(
        "reference of other data",
        "evaluate --run-id r1 --reference-id {foreign}",
        2,
        ("[8, 8, 1]", "[16, 16, 3]", "gan reference"),
        foreign_reference,
        own_store=True,
    ),
    Case("checkpoint of another config", TRAIN + " --run-id r1 --set train.seed=5", 2, ("train.seed", "r1")),
    Case(
        "damaged checkpoint",
        "evaluate --run-id r1 --reference-id {reference} --checkpoint 2 --set=evaluate.seed=3",
        7,
        ("state.safetensors", "expected"),
        harm("runs/r1/checkpoints/00000002-1/state.safetensors"),
        own_store=True,
    ),
    Case(
        "damaged shard",
        TRAIN + " --run-id r2",
        7,
        ("train-00000", "expected"),
        harm("datasets/digits-*/train-00000*"),
        own_store=True,
        begins="runs/r2/",
    ),
    Case(
        "damaged generator",
        "sample --generator-id {generator} --out x.png",
        7,
        ("saved_model", "expected"),
        harm("generators/*/saved_model/saved_model.pb"),
        own_store=True,
    ),
    Case(
        "more samples than the real images can tell apart",
        "evaluate --run-id r1 --reference-id {reference} --set evaluate.samples=99999",
        2,
        ("evaluate.samples must be at most 19300", "193 held-out images", "99999"),
    ),
    Case(
        "fewer samples than a score takes",
        "evaluate --run-id r1 --reference-id {reference} --set evaluate.samples=1",
        2,
        ("evaluate.samples must be at least 2",),
    ),
    Case(
        "more neighbours than images",
        "evaluate --run-id r1 --reference-id {reference} --set=evaluate.samples=4 --set=evaluate.neighbours=50",
        2,
        ("evaluate.neighbours", "50"),
    ),
    # pictures
    Case("not a PNG", "sample --generator-id {generator} --out x.jpg", 2, ("--out", "x.jpg", ".png")),
    Case(
        "a file for a folder",
        "sample --generator-id {generator} --out {in}/x.png",
        2,
        ("in/x.png",),
        lambda folder, _: void((folder / "in").write_text("")),
    ),
    Case("no pictures wanted", "sample --generator-id {generator} --count 0 --out x.png", 2, ("--count", "0")),
    Case("unknown label", "sample --generator-id {generator} --label eleven --out x.png", 2, ("eleven", "--label")),
    Case("no truncation", "sample --generator-id {generator} --truncation 0 --out x.png", 2, ("--truncation", "0")),
    # directions
    Case("no amount", "sample --generator-id {generator} --direction 3 --out x.png", 2, ("NAME=AMOUNT", '"3"')),
    Case("too far", "sample --generator-id {generator} --direction 3=99 --out x.png", 2, ("-10 and 10", "got 99")),
    Case(
        "a direction of what is a label",
        "sample --generator-id {generator} --direction 3=+2 --out x.png",
        2,
        ("takes the class as a label", "--label"),
    ),
    Case("directions of no generator", "directions --generator-id gen-no", 4, ("gen-no", "{generator}")),
    Case(
        "directions by no reference",
        "directions --generator-id {generator} --reference-id ref-no",
        4,
        ("ref-no", "{reference}"),
    ),
    Case("directions of two", "directions --generator-id {generator} --name digits", 2, ("--name", "--generator-id")),
]


def contents(store: Path) -> dict[str, int]:
    paths = [path for path in store.rglob("*") if path.is_file() and path.name != LOCK]
    return {str(path.relative_to(store)): path.stat().st_mtime_ns for path in paths}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input(case: Case, sound: Sound, tmp_path: Path) -> None:
    store = sound.store
    if case.own_store:
        store = tmp_path / "store"
        shutil.copytree(sound.store, store)
    case.prepare(tmp_path, sound)
    names = {**vars(sound), "in": str(tmp_path / "in")}
    if (tmp_path / "ids").exists():
        names.update([(tmp_path / "ids").read_text().split("=")])
    argv = [word.format(**names) for word in case.argv.split()]
    if "--store" not in argv and argv[0] not in ("trian", "store"):
        argv += ["--store", str(store)]
    before = contents(store)
    done = subprocess.run(
        [sys.executable, "-m", "gan", *argv], cwd=tmp_path, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    last = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else ""
    assert done.returncode == case.code, done.stderr
    assert "Traceback" not in done.stderr
    assert last.startswith("gan: ")
    for fragment in case.says:
        assert fragment.format(**names) in last
    assert done.stdout == ""
    after = contents(store)
    if case.begins:
        after = {key: written for key, written in after.items() if not key.startswith(case.begins)}
    assert after == before
    assert not (tmp_path / "x.png").exists()


def test_a_store_without_permission(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        runner = ["setpriv", "--reuid=65534", "--clear-groups"]
        if shutil.which("setpriv") is None:
            pytest.skip("run by root, whom no permission stops, and setpriv(1) is not there")
    else:
        runner = []
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == "root" and folder != Path("/") and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    done = subprocess.run(
        [*runner, sys.executable, "-m", "gan", "preprocess", "--dataset", "digits", "--store", str(locked / "s")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 5, done.stderr
    assert "no permission for" in done.stderr
    assert "--store" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_disk_that_fills_up(small_disk: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gan", "preprocess", "--dataset", "digits", "--image-size", "64",
         "--store", str(small_disk / "s")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 5, done.stderr
    assert "is full; free some space and run the same command again" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(small_disk.rglob("SHA256SUMS"))
