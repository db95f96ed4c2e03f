"""The commands and their flags. Imports nothing heavy, so that `--help` is quick."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Any, NoReturn

from gan import __version__
from gan.errors import ConfigError

STORE = "GAN_STORE"
EXIT_CODES = """exit codes:
  0 done   1 a worker died   2 wrong flag, key or name   3 wrong input data   4 not found   5 store
  6 lost a race   7 damaged bytes   8 training diverged   9 scores not comparable
  10 export differs from checkpoint   11 refused by the gate   12 verify found damage
  13 another attempt took over   14 storage does not answer   15 doctor found a problem
  16 no cluster   17 the run failed   18 the run was canceled   19 the run has not ended yet
  20 another worker was lost   21 training stayed unhealthy   70 a bug   130 Ctrl-C   143 SIGTERM
"""


class Parser(argparse.ArgumentParser):
    """Reports errors like the rest of the program: one line, exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Raise argparse's message as a ConfigError."""
        raise ConfigError(f"{message}; see `{self.prog} --help`")


Add = Callable[[str, str], Parser]
PARSER_OPTIONS: dict[str, Any] = {"epilog": EXIT_CODES, "formatter_class": argparse.RawDescriptionHelpFormatter}


def make_parser() -> Parser:
    """The parser of `gan`."""
    parser, add_without_store = make_program(
        "gan",
        "Train GANs, score them, and promote a generator only if it is proven no worse than the best one so far.\n"
        "Typical order: preprocess, reference, train, evaluate, export, gate, promote, sample.",
    )

    def add(name: str, help_text: str) -> Parser:
        made = add_without_store(name, help_text)
        add_store(made)
        return made

    _add_data_commands(add)
    _add_training_commands(add)
    _add_release_commands(add)
    _add_store_commands(add)
    _add_store_group(add_without_store("store", "copy objects between stores"))
    return parser


def make_program(name: str, description: str) -> tuple[Parser, Add]:
    """The parser of a program, and the function that adds a command to it."""
    parser = Parser(prog=name, description=description, **PARSER_OPTIONS)
    parser.add_argument("--version", action="version", version=f"{name} {__version__}")
    return parser, add_commands(parser)


def add_commands(parser: argparse.ArgumentParser) -> Add:
    """The function that adds a command to a program, or a subcommand to a command.

    In the parsed arguments, `command` is the innermost command.
    """
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)

    def add(command: str, help_text: str) -> Parser:
        sentence = f"{help_text[0].upper()}{help_text[1:]}."
        made: Parser = commands.add_parser(
            command, help=help_text, description=sentence, allow_abbrev=False, **PARSER_OPTIONS
        )
        made.add_argument("--json", action="store_true", help="print one JSON object on stdout")
        return made

    return add


def add_store(parser: argparse.ArgumentParser) -> None:
    """Add `--store`, the same for both programs."""
    parser.add_argument(
        "--store",
        default=os.environ.get(STORE, "./store"),
        metavar="URI",
        help=f"the store: a folder, gs:// or s3:// (default: ${STORE} or ./store; now %(default)s)",
    )


def add_config(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add `--config` and `--set`, the same for both programs."""
    parser.add_argument(
        "--config",
        required=required,
        metavar="NAME_OR_FILE",
        help="a shipped experiment (`gan configs` lists them) or a YAML file",
    )
    add_set(parser, "set a key of the config, for example train.steps=500; may be repeated")


def add_budget(parser: argparse.ArgumentParser) -> None:
    """Add `--budget`, the same for both programs: it sets `train.budget`."""
    parser.add_argument(
        "--budget",
        dest="set",
        action="append",
        type="train.budget={}".format,
        metavar="TIME|IMAGES",
        help="what the training may cost, such as 10m, 2h or 500kimages: steps and schedules follow from it",
    )


def add_set(parser: argparse.ArgumentParser, help_text: str) -> None:
    """Add `--set`, which may be repeated."""
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=help_text)


def _add_data_commands(add: Add) -> None:
    made = add("preprocess", "convert images to TFRecord shards; prints the dataset id")
    made.add_argument("--dataset", required=True, metavar="NAME", help="mnist, stacked-mnist, celeba, digits or folder")
    made.add_argument(
        "--source", metavar="PATH_OR_URI", help="folder or zip with the original files; may be in a bucket"
    )
    made.add_argument("--image-size", type=int, metavar="PIXELS", help="height and width of the prepared images")
    made.add_argument("--channels", type=int, metavar="N", help="1 (grey) or 3 (RGB)")
    made.add_argument("--crop", type=int, metavar="PIXELS", help="side of the square to cut out before resizing")
    made.add_argument("--resizer", metavar="NAME", help="bicubic, bilinear, box or lanczos; always antialiased")
    made.add_argument(
        "--holdout-percent",
        type=int,
        metavar="N",
        help="percentage to hold out for tests, if the source has no test split",
    )
    made.add_argument(
        "--option",
        action="append",
        metavar="NAME=VALUE",
        help="an option of the data set, for example seed=1 of stacked-mnist; may be repeated",
    )
    made.add_argument("--shard-mib", type=float, metavar="MIB", help="maximum size of a shard")
    made.add_argument("--on-bad-image", metavar="fail|skip", help="what to do with an unreadable image")
    made.add_argument(
        "--workers", type=int, metavar="N", help="number of processes that decode images (default: one per core)"
    )

    made = add(
        "reference",
        "make the feature network and the statistics of real images, for the scores; prints the reference id",
    )
    made.add_argument("--dataset-id", required=True, metavar="ID", help="dataset id, printed by preprocess")
    made.add_argument(
        "--feature-network",
        metavar="NAME_OR_URI",
        help="imagenet (EfficientNet-Lite0), or the path or URI of a network (docs/judges.md); default: train a small "
        "CNN on the dataset",
    )
    add_config(made, required=False)


def _add_training_commands(add: Add) -> None:
    made = add("train", "train a GAN; the same command resumes an interrupted run; prints the run id")
    add_config(made, required=True)
    add_budget(made)
    made.add_argument("--dataset-id", required=True, metavar="ID", help="dataset id, printed by preprocess")
    made.add_argument("--run-id", metavar="ID", help="default: a hash of the config and the dataset")
    made.add_argument(
        "--dry-run", action="store_true", help="check everything and print the resolved config, but do not train"
    )

    made = add("evaluate", "measure the scores of a checkpoint (FID, KID, precision, recall and others)")
    made.add_argument("--run-id", required=True, metavar="ID", help="run id, printed by train")
    made.add_argument("--reference-id", required=True, metavar="ID", help="reference id, printed by reference")
    made.add_argument(
        "--checkpoint", metavar="STEP|latest|best", help="default: evaluate.checkpoint of the run's config"
    )
    add_set(made, "set an evaluate key, for example evaluate.samples=5000; may be repeated")

    made = add("report", "write the HTML report of a run; prints its path")
    made.add_argument("--run-id", required=True, metavar="ID", help="run id, printed by train")


def _add_release_commands(add: Add) -> None:
    made = add(
        "export",
        "export the generator as SavedModel and .keras, compare it with its checkpoint; prints the generator id",
    )
    made.add_argument("--run-id", required=True, metavar="ID", help="run id, printed by train")
    made.add_argument(
        "--checkpoint", metavar="STEP|latest|best", help="default: the best evaluated checkpoint, else the latest"
    )
    made.add_argument(
        "--reference-id", metavar="ID", help="use only scores against this reference (default: the newest)"
    )

    made = add("remeasure", "score the live generator and the best ever live one again, to compare them with new ones")
    made.add_argument("--name", required=True, metavar="NAME", help="the promoted name")
    made.add_argument("--reference-id", required=True, metavar="ID", help="reference id, printed by reference")
    add_set(made, "set an evaluate key, for example evaluate.samples=5000; may be repeated")

    made = add(
        "gate",
        "decide whether a generator may be promoted: within the limits, and proven no worse than the live generator "
        "and the best ever live one (exit code 11: refused)",
    )
    made.add_argument("--generator-id", required=True, metavar="ID", help="generator id, printed by export")
    made.add_argument("--name", required=True, metavar="NAME", help="the name to promote it to")
    add_set(made, "set a gate key, for example gate.limits.coverage=0.5; may be repeated")

    made = add("promote", "make a generator that passed the gate live")
    made.add_argument("--generator-id", required=True, metavar="ID", help="generator id, printed by export")
    made.add_argument("--name", required=True, metavar="NAME", help="the name to promote it to")
    made.add_argument("--force", metavar="REASON", help="promote without a passing verdict; the reason is recorded")

    made = add("anchor", "choose which generator the gate compares new ones with, instead of the best ever live one")
    made.add_argument("--name", required=True, metavar="NAME", help="the promoted name")
    made.add_argument(
        "--generator-id", metavar="ID", help="a generator that was live under the name (default: the live one)"
    )
    made.add_argument("--reason", required=True, metavar="TEXT", help="the reason, which is recorded")

    made = add("rollback", "make the previous live generator live again")
    made.add_argument("--name", required=True, metavar="NAME", help="the name to roll back")

    made = add("sample", "generate images with an exported generator")
    _add_generator(made)
    made.add_argument("--count", type=int, default=64, metavar="N", help="number of images (default: %(default)s)")
    made.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the latents (default: %(default)s)")
    made.add_argument(
        "--label", metavar="CLASS", help="the class to generate, by name or number (conditional generators)"
    )
    made.add_argument("--interpolate", action="store_true", help="interpolate between two latents in each row")
    made.add_argument(
        "--truncation",
        type=float,
        metavar="T",
        help="redraw latent values beyond +-T, 0.01 or more: a smaller T gives more typical, less varied images "
        "(default: none are redrawn)",
    )
    made.add_argument(
        "--direction",
        action="append",
        default=[],
        metavar="NAME=AMOUNT|NAME=START..END",
        help="move the latents along the direction of a class or attribute, by an amount in standard deviations: "
        "Smiling=+2; or in steps, one latent in each row: Smiling=-3..3. `gan directions` lists the names. May be "
        "repeated",
    )
    made.add_argument(
        "--keep",
        action="append",
        default=[],
        metavar="NAME",
        help="do not move along this direction: --direction moves at right angles to it; may be repeated",
    )
    made.add_argument("--out", required=True, metavar="FILE.png", help="the PNG file to write")

    made = add(
        "directions",
        "list the directions of an exported generator, for gan sample --direction, with how well each predicts its "
        "class or attribute; they are found first if the store does not have them",
    )
    _add_generator(made)
    made.add_argument(
        "--reference-id",
        metavar="ID",
        help="a reference whose feature network predicts classes or attributes (default: that of the generator's "
        "scores, else the only other one of its dataset)",
    )
    made.add_argument(
        "--samples", type=int, metavar="N", help="number of generated images to find them with (default: 10000)"
    )


def _add_generator(made: Parser) -> None:
    which = made.add_mutually_exclusive_group(required=True)
    which.add_argument("--generator-id", metavar="ID", help="generator id, printed by export")
    which.add_argument("--name", metavar="NAME", help="the live generator of this name")


def _add_store_commands(add: Add) -> None:
    made = add("inspect", "list the store, or show what an object was made from and what uses it")
    made.add_argument(
        "id", nargs="?", metavar="ID", help="a dataset, reference, run or generator id, or a promoted name"
    )

    made = add("verify", "check every file in the store against its checksum (exit code 12: damage)")
    made.add_argument("ids", nargs="*", metavar="ID", help="what to check (default: everything in the store)")

    made = add("gc", "list, with sizes, what no run, generator or promoted name needs; with --delete, delete it")
    made.add_argument("--delete", action="store_true", help="delete; without this nothing changes")
    made.add_argument(
        "--grace",
        default="24h",
        metavar="DURATION",
        help="keep what was written less than this ago, because it may be about to be used; use 0 only if nobody else "
        "uses the store (default: %(default)s)",
    )
    made.add_argument(
        "--runs-older-than",
        metavar="DURATION",
        help="also remove runs that were inactive for this long and never promoted, with their generators, and the "
        "records of executions and sweeps (default: keep all)",
    )
    made.add_argument(
        "--keep-last",
        type=int,
        metavar="N",
        help="how many of the last checkpoints of each run to keep (default: from its config)",
    )
    made.add_argument(
        "--keep-every",
        type=int,
        metavar="STEPS",
        help="also keep checkpoints at multiples of STEPS (default: from the config)",
    )

    made = add("configs", "list the shipped experiments, or print one in full")
    made.add_argument("name", nargs="?", metavar="NAME_OR_FILE", help="the experiment to print")
    add_set(made, "set a key of the config before it is printed; may be repeated")
    made.add_argument("--explain", action="store_true", help="say where each value came from: file, --set or default")
    made.add_argument("--keys", metavar="GROUP", help="list the keys of a group, such as loss, with what they mean")


def _add_store_group(parser: Parser) -> None:
    made = add_commands(parser)(
        "copy", "copy objects and everything they were made from to another store, and verify them"
    )
    made.add_argument("source", metavar="SRC", help="the store to copy from: a folder, gs:// or s3://")
    made.add_argument("target", metavar="DST", help="the store to copy to")
    made.add_argument(
        "ids",
        nargs="*",
        metavar="ID",
        help="a dataset, reference, run or generator id, or a promoted name with its history (default: everything)",
    )
