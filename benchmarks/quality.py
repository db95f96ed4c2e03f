"""Scores that a shipped experiment reaches in a given CPU time, over seeds; and what each technique in it is worth.

Each training is a process of its own, whose CPU time (user and system, over all cores) is measured: it counts the same
whatever else the machine does. `--cpu-minutes` sets the number of steps from the CPU time of a short trial, so that
variants of an experiment are compared at equal time. The judge is the reference of the experiment: its feature network
never sees a generated image, and training never sees its scores.

    python benchmarks/quality.py STORE mnist --dataset-id ID --seeds 0 1 2
    python benchmarks/quality.py STORE mnist --dataset-id ID --cpu-minutes 10 --variants benchmarks/ablation.yaml

A file of variants maps a name to the config keys that it changes:

    as shipped: []
    without augmentation: [augmentation.name=none]
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import platform
import resource
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from gan import config

TRIAL_STEPS = (100, 300)
SCORES = ("fid", "kid", "high_confidence", "precision", "recall", "coverage", "class_kl", "modes_found")
Scores = dict[str, float]


def gan(*arguments: str) -> tuple[dict[str, Any], float]:
    """The JSON record of a `gan` command, and its CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-m", "gan", *arguments, "--json"], stdout=subprocess.PIPE, check=True)  # noqa: S603
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(done.stdout), seconds


class Experiment:
    """Trains and scores one experiment, in any variant."""

    def __init__(self, store: str, name: str, dataset_id: str) -> None:
        self._common = ("--store", store)
        self._name = name
        self._dataset_id = dataset_id
        made, _ = gan("reference", *self._common, "--dataset-id", dataset_id, "--config", name)
        self._reference_id = made["id"]

    def steps_in(self, cpu_seconds: float, sets: list[str]) -> int:
        """How many steps take this CPU time: from the difference of two short trials, which leaves out starting up."""
        seconds = [self._train([*sets, f"train.steps={steps}", f"name=trial-{steps}"])[1] for steps in TRIAL_STEPS]
        per_step = (seconds[1] - seconds[0]) / (TRIAL_STEPS[1] - TRIAL_STEPS[0])
        return max(1, round((cpu_seconds - seconds[0] + TRIAL_STEPS[0] * per_step) / per_step))

    def score(self, sets: list[str]) -> tuple[Scores, float]:
        """The scores of the last checkpoint, and the CPU seconds of the training."""
        made, seconds = self._train(sets)
        checkpoint = ("--run-id", made["id"], "--reference-id", self._reference_id, "--checkpoint", "latest")
        found, _ = gan("evaluate", *self._common, *checkpoint)
        return {name: value for name, value in found["scores"].items() if name in SCORES}, seconds

    def _train(self, sets: list[str]) -> tuple[dict[str, Any], float]:
        flags = [flag for each in sets for flag in ("--set", each)]
        return gan("train", *self._common, "--config", self._name, "--dataset-id", self._dataset_id, *flags)


def row(variant: str, results: list[tuple[Scores, float]]) -> str:
    """A row of the table: mean, and standard deviation over seeds as a share of the mean."""
    cells = [variant, f"{statistics.mean(seconds for _, seconds in results) / 60:.1f}"]
    for name in SCORES:
        values = [scores[name] for scores, _ in results if name in scores]
        if not values:
            cells.append("")
            continue
        mean = statistics.mean(values)
        spread = f" ({statistics.stdev(values) / abs(mean):.1%})" if len(values) > 1 and mean else ""
        cells.append(f"{mean:.4g}{spread}")
    return f"| {' | '.join(cells)} |"


def machine() -> str:
    """The processor, and how many of its cores there are."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(models) or '?'} cores of {models[0] if models else platform.processor()}"


def main() -> None:
    """Print a table with a row a variant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store")
    parser.add_argument("experiment", help="a shipped experiment, or a YAML file")
    parser.add_argument("--dataset-id", required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--cpu-minutes", type=float, help="default: the steps of the experiment")
    parser.add_argument("--variants", type=Path, help="a YAML file; default: the experiment as it is")
    arguments = parser.parse_args()
    variants = yaml.safe_load(arguments.variants.read_text()) if arguments.variants else {"as shipped": []}
    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout  # noqa: S603
    print(f"{dt.datetime.now(dt.UTC).date()}, commit {commit.strip()}, {machine()}: {' '.join(sys.argv[1:])}\n")
    print(f"| variant | CPU minutes | {' | '.join(SCORES)} |")
    print("| --- |" * 1 + " --- |" * (len(SCORES) + 1), flush=True)
    experiment = Experiment(arguments.store, arguments.experiment, arguments.dataset_id)
    for variant, sets in variants.items():
        chosen = [*sets, f"name={config.load(arguments.experiment).name}"]
        if arguments.cpu_minutes:
            chosen.append(f"train.steps={experiment.steps_in(60 * arguments.cpu_minutes, sets)}")
        results = [experiment.score([*chosen, f"train.seed={seed}"]) for seed in arguments.seeds]
        print(row(variant, results), flush=True)


if __name__ == "__main__":
    main()
