"""The commands of `gan-pipelines` and their flags. Nothing heavy is imported here, so that `--help` is quick."""

from __future__ import annotations

from gan.cli.parser import Parser, add_config, add_store, make_program


def make_parser() -> Parser:
    """The parser of `gan-pipelines`."""
    parser, add = make_program(
        "gan-pipelines", "Run the whole pipeline on this machine, or compile it for Kubeflow Pipelines."
    )
    made = add("run", "run the training pipeline on this machine, from images to a promoted generator")
    add_config(made, required=True)
    add_store(made)
    made.add_argument("--name", metavar="NAME", help="the name to promote to (default: the config's)")
    made.add_argument("--run-id", metavar="ID", help="default: a hash of the config and the dataset")
    made.add_argument("--only", metavar="STEP", help="run one step alone; its inputs are those of the steps before it")

    made = add("compile", "write the YAML that Kubeflow Pipelines takes")
    made.add_argument("--pipeline", default="training", metavar="NAME", help="the pipeline (default: %(default)s)")
    made.add_argument("--image", metavar="REF", help="the image that every step runs in, best pinned by its digest")
    add_profile(made)
    made.add_argument("--out", required=True, metavar="FILE.yaml", help="the file to write")

    made = add("doctor", "try the store as a run will use it, and tell what to do about what fails (exit code 15)")
    add_store(made)
    return parser


def add_profile(parser: Parser) -> None:
    """The flag that says what the pods of the steps get."""
    parser.add_argument(
        "--profile",
        default="cpu-small",
        metavar="NAME|FILE.yaml",
        help="what the pod of each step gets: local, cpu-small, gpu-t4, gpu-l4, gpu-a100-spot, or a file of your own "
        "(default: %(default)s)",
    )
