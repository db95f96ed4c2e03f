"""The commands of `gan-pipelines` and their flags. Nothing heavy is imported here, so that `--help` is quick."""

from __future__ import annotations

import argparse

from gan import __version__
from gan.cli.parser import EXIT_CODES, Parser, add_config


def make_parser() -> Parser:
    """The parser of `gan-pipelines`."""
    parser = Parser(
        prog="gan-pipelines",
        description="Run the whole pipeline on this machine, or compile it for Kubeflow Pipelines.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"gan-pipelines {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)

    def add(name: str, help_text: str) -> Parser:
        made: Parser = commands.add_parser(
            name,
            help=help_text,
            description=f"{help_text[0].upper()}{help_text[1:]}.",
            epilog=EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        made.add_argument("--json", action="store_true", help="print one JSON object on stdout")
        return made

    made = add("run", "run the training pipeline on this machine, from images to a promoted generator")
    add_config(made, required=True)
    made.add_argument("--store", default="./store", metavar="URI", help="where everything lives (default: %(default)s)")
    made.add_argument("--name", metavar="NAME", help="the name to promote to (default: the config's)")
    made.add_argument("--run-id", metavar="ID", help="default: a hash of the config and the dataset")
    made.add_argument("--only", metavar="STEP", help="run one step alone; its inputs are those of the steps before it")

    made = add("compile", "write the YAML that Kubeflow Pipelines takes")
    made.add_argument("--pipeline", default="training", metavar="NAME", help="the pipeline (default: %(default)s)")
    made.add_argument("--image", metavar="REF", help="the image that every step runs in, best pinned by its digest")
    made.add_argument("--out", required=True, metavar="FILE.yaml", help="the file to write")
    return parser
