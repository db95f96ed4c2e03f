"""The commands and their flags. Nothing heavy is imported here, so that `--help` is quick."""

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
  6 lost a race   7 damaged bytes   8 diverged   9 scores not comparable   10 export parity
  11 refused by the gate   12 verify found damage   13 another attempt took over   14 storage down
  15 doctor found something   16 no cluster   17 the run failed   18 the run was canceled
  19 the run is still going on   20 another worker went away   70 a bug   130 Ctrl-C   143 SIGTERM
"""


class Parser(argparse.ArgumentParser):
    """Says what is wrong the way all our errors do: one line, exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Turn argparse's complaint into an error of ours."""
        raise ConfigError(f"{message}; see `{self.prog} --help`")


Add = Callable[[str, str], Parser]
PARSER_OPTIONS: dict[str, Any] = {"epilog": EXIT_CODES, "formatter_class": argparse.RawDescriptionHelpFormatter}


def make_parser() -> Parser:
    """The parser of `gan`."""
    parser, add_bare = make_program(
        "gan", "Train GAN generators, and hand out only those proven no worse than the best that ever was live."
    )

    def add(name: str, help_text: str) -> Parser:
        made = add_bare(name, help_text)
        add_store(made)
        return made

    _add_data_commands(add)
    _add_training_commands(add)
    _add_release_commands(add)
    _add_store_commands(add)
    _add_store_group(add_bare("store", "copy objects between stores"))
    return parser


def make_program(name: str, description: str) -> tuple[Parser, Add]:
    """The parser of a program with commands, and what adds a command to it: name and help to a parser."""
    parser = Parser(prog=name, description=description, **PARSER_OPTIONS)
    parser.add_argument("--version", action="version", version=f"{name} {__version__}")
    return parser, add_commands(parser)


def add_commands(parser: argparse.ArgumentParser) -> Add:
    """What adds a command to a program, or to a command of it.

    The innermost command given is `command` of what is parsed; what `set_defaults` gives it is there too.
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
    """`--store`, the same for both programs."""
    parser.add_argument(
        "--store",
        default=os.environ.get(STORE, "./store"),
        metavar="URI",
        help=f"where everything lives (default: {STORE}, or ./store; now %(default)s)",
    )


def add_config(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """`--config` and `--set`, the same for both programs."""
    parser.add_argument(
        "--config",
        required=required,
        metavar="NAME_OR_FILE",
        help="a shipped experiment (`gan configs`) or a file",
    )
    add_set(parser, "override one key of the config, for example train.steps=500; may be repeated")


def add_set(parser: argparse.ArgumentParser, help_text: str) -> None:
    """`--set`, which may be repeated."""
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=help_text)


def _add_data_commands(add: Add) -> None:
    made = add("preprocess", "turn images into TFRecord shards; prints the dataset id")
    made.add_argument("--dataset", required=True, metavar="NAME", help="mnist, celeba, digits or folder")
    made.add_argument("--source", metavar="PATH_OR_URI", help="folder or zip with the original files, also in a bucket")
    made.add_argument("--image-size", type=int, metavar="PIXELS", help="height and width of the prepared images")
    made.add_argument("--channels", type=int, metavar="N", help="1 (grey) or 3 (RGB)")
    made.add_argument("--crop", type=int, metavar="PIXELS", help="side of the square cut out before resizing")
    made.add_argument("--resizer", metavar="NAME", help="bicubic, bilinear, box or lanczos; always antialiased")
    made.add_argument(
        "--holdout-percent",
        type=int,
        metavar="N",
        help="share held out where the source has no split of its own",
    )
    made.add_argument("--shard-mib", type=float, metavar="MIB", help="largest size of a shard")
    made.add_argument("--on-bad-image", metavar="fail|skip", help="what an unreadable image does")
    made.add_argument("--workers", type=int, metavar="N", help="processes that decode images (default: one a core)")

    made = add("reference", "make the feature network and statistics that scores are measured with")
    made.add_argument("--dataset-id", required=True, metavar="ID", help="as printed by preprocess")
    made.add_argument(
        "--feature-network",
        metavar="NAME_OR_URI",
        help="imagenet (EfficientNet-Lite0), or the path or URI of a network (docs/judges.md); default: a small CNN is "
        "trained on the dataset",
    )
    add_config(made, required=False)


def _add_training_commands(add: Add) -> None:
    made = add("train", "train a GAN; the same command again resumes; prints the run id")
    add_config(made, required=True)
    made.add_argument("--dataset-id", required=True, metavar="ID", help="as printed by preprocess")
    made.add_argument("--run-id", metavar="ID", help="default: a hash of the config and the dataset")
    made.add_argument("--dry-run", action="store_true", help="check everything, print the resolved config, stop")

    made = add("evaluate", "score a checkpoint against a reference")
    made.add_argument("--run-id", required=True, metavar="ID", help="as printed by train")
    made.add_argument("--reference-id", required=True, metavar="ID", help="as printed by reference")
    made.add_argument(
        "--checkpoint", metavar="STEP|latest|best", help="default: evaluate.checkpoint of the run's config"
    )
    add_set(made, "override an evaluate key of the run's config")

    made = add("report", "write report.html of a run; prints its path")
    made.add_argument("--run-id", required=True, metavar="ID", help="as printed by train")


def _add_release_commands(add: Add) -> None:
    made = add("export", "export the generator as SavedModel and .keras, checked against its checkpoint")
    made.add_argument("--run-id", required=True, metavar="ID", help="as printed by train")
    made.add_argument(
        "--checkpoint", metavar="STEP|latest|best", help="default: the best evaluated one, else the latest"
    )
    made.add_argument(
        "--reference-id", metavar="ID", help="only scores against this reference count (default: the newest ones)"
    )

    made = add("remeasure", "score the live generator and the best that ever was live as a new one is scored")
    made.add_argument("--name", required=True, metavar="NAME", help="the promoted name")
    made.add_argument("--reference-id", required=True, metavar="ID", help="as printed by reference")
    add_set(made, "override an evaluate key of the runs' configs")

    made = add(
        "gate",
        "judge a generator: is it within the limits, and proven no worse than the best that ever was live? "
        "(exit code 11: refused)",
    )
    made.add_argument("--generator-id", required=True, metavar="ID", help="as printed by export")
    made.add_argument("--name", required=True, metavar="NAME", help="the name it would be promoted to")
    add_set(made, "override a gate key of the run's config")

    made = add("promote", "make a generator that passed the gate the live one")
    made.add_argument("--generator-id", required=True, metavar="ID", help="as printed by export")
    made.add_argument("--name", required=True, metavar="NAME", help="the name that users sample from")
    made.add_argument("--force", metavar="REASON", help="promote without a passing verdict; the reason goes on record")

    made = add("anchor", "hold later generators to another one than the best that ever was live, on record")
    made.add_argument("--name", required=True, metavar="NAME", help="the promoted name")
    made.add_argument("--generator-id", metavar="ID", help="one that was live under the name (default: the live one)")
    made.add_argument("--reason", required=True, metavar="TEXT", help="why; it goes on record")

    made = add("rollback", "make the generator that was live before the live one again")
    made.add_argument("--name", required=True, metavar="NAME", help="the name to roll back")

    made = add("sample", "draw pictures with an exported generator")
    which = made.add_mutually_exclusive_group(required=True)
    which.add_argument("--generator-id", metavar="ID", help="a generator")
    which.add_argument("--name", metavar="NAME", help="the live generator of this name")
    made.add_argument("--count", type=int, default=64, metavar="N", help="how many pictures (default: %(default)s)")
    made.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the latents (default: %(default)s)")
    made.add_argument("--label", metavar="CLASS", help="the class to draw, by name or number (conditional generators)")
    made.add_argument("--interpolate", action="store_true", help="each row walks from one latent to another")
    made.add_argument(
        "--truncation",
        type=float,
        metavar="T",
        help="redraw latent values beyond +-T: more typical, less varied",
    )
    made.add_argument("--out", required=True, metavar="FILE.png", help="the picture to write")


def _add_store_commands(add: Add) -> None:
    made = add("inspect", "list the store, or show where an object came from and what came of it")
    made.add_argument(
        "id", nargs="?", metavar="ID", help="a dataset, reference, run or generator id, or a promoted name"
    )

    made = add("verify", "read every byte again and compare with its checksum (exit code 12: damage)")
    made.add_argument("ids", nargs="*", metavar="ID", help="default: everything in the store")

    made = add("gc", "list what no run, generator or promotion refers to, with sizes; --delete deletes it")
    made.add_argument("--delete", action="store_true", help="delete it; without this nothing is changed")
    made.add_argument(
        "--grace",
        default="24h",
        metavar="DURATION",
        help="nothing that was written so lately goes, as it may be about to be used; 0 only where nobody else uses "
        "the store (default: %(default)s)",
    )
    made.add_argument(
        "--runs-older-than",
        metavar="DURATION",
        help="runs that did nothing for so long go too, with generators that were never promoted, and so do the "
        "records of executions and sweeps (default: none go)",
    )
    made.add_argument(
        "--keep-last", type=int, metavar="N", help="checkpoints of each run that stay (default: as its config says)"
    )
    made.add_argument(
        "--keep-every", type=int, metavar="STEPS", help="checkpoints of its multiples stay too (default: the config's)"
    )

    made = add("configs", "list the shipped experiments, or print one in full")
    made.add_argument("name", nargs="?", metavar="NAME", help="an experiment")


def _add_store_group(parser: Parser) -> None:
    made = add_commands(parser)(
        "copy", "copy objects with all that they were made from to another store, and verify them"
    )
    made.add_argument("source", metavar="SRC", help="the store to copy from: a folder, gs:// or s3://")
    made.add_argument("target", metavar="DST", help="the store to copy to")
    made.add_argument(
        "ids",
        nargs="*",
        metavar="ID",
        help="a dataset, reference, run or generator id, or a promoted name with its history (default: everything)",
    )
