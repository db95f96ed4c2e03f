"""One function per command, named like the command: calls one step and returns its output."""

from __future__ import annotations

import dataclasses
import json
import re
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gan import config as configs_module
from gan.cli.output import CommandOutput, garbage_table, to_output
from gan.config import Config, Data, Reference
from gan.config_reference import key_lines
from gan.errors import EXIT_DAMAGED, ConfigError, IntegrityError, NotFoundError
from gan.result import StepResult
from gan.store import open_existing, open_store
from gan.types import Json
from gan.util import log
from gan.util.formatting import parse_duration
from gan.util.tf_import import load_tensorflow


def preprocess(arguments: Namespace) -> CommandOutput:
    """Convert images to shards."""
    flags = ("dataset", "source", "image_size", "channels", "crop", "resizer", "holdout_percent", "shard_mib")
    given = _given(arguments, (*flags, "on_bad_image")) | {"options": _source_options(arguments.option or [])}
    try:
        data = Data(**given)
    except ConfigError as error:
        raise ConfigError(_with_flag_names(str(error), "data")) from None
    load_tensorflow()
    from gan.steps.preprocess import preprocess as step

    return _made_object("preprocess", "dataset", step(open_store(arguments.store), data, workers=arguments.workers))


def reference(arguments: Namespace) -> CommandOutput:
    """Make the feature network and the statistics of the real data."""
    base = configs_module.load(arguments.config) if arguments.config else Config()
    sets = _checked_sets(arguments, "reference")
    options: Reference = configs_module.override(base, sets).reference
    if arguments.feature_network:
        options = dataclasses.replace(options, feature_network=arguments.feature_network)
    load_tensorflow()
    from gan.steps.reference import make_reference

    return _made_object(
        "reference", "reference", make_reference(open_store(arguments.store), arguments.dataset_id, options)
    )


def train(arguments: Namespace) -> CommandOutput:
    """Train a run, or resume it."""
    config = configs_module.load(arguments.config, arguments.set)
    load_tensorflow()
    from gan.steps.train import plan
    from gan.steps.train import train as step

    if arguments.dry_run:
        result = plan(open_store(arguments.store), config, arguments.dataset_id, run_id=arguments.run_id)
        return CommandOutput(str(result.details["config"]).rstrip(), result.to_dict())
    return _made_object(
        "train", "run", step(open_store(arguments.store), config, arguments.dataset_id, run_id=arguments.run_id)
    )


def evaluate(arguments: Namespace) -> CommandOutput:
    """Score a checkpoint."""
    load_tensorflow()
    from gan.steps.evaluate import evaluate as step

    result = step(
        open_store(arguments.store),
        arguments.run_id,
        arguments.reference_id,
        checkpoint=arguments.checkpoint,
        sets=_checked_sets(arguments, "evaluate"),
    )
    return to_output("evaluate", result)


def export(arguments: Namespace) -> CommandOutput:
    """Export the generator."""
    load_tensorflow()
    from gan.steps.export import export as step

    store, run_id = open_store(arguments.store), arguments.run_id
    result = step(store, run_id, checkpoint=arguments.checkpoint, reference_id=arguments.reference_id)
    return _made_object("export", "generator", result)


def gate(arguments: Namespace) -> CommandOutput:
    """Decide whether a generator may be promoted; a refusal has its own exit code."""
    from gan.steps.gate import gate as step

    sets = _checked_sets(arguments, "gate")
    return to_output("gate", step(open_store(arguments.store), arguments.generator_id, arguments.name, sets=sets))


def remeasure(arguments: Namespace) -> CommandOutput:
    """Score the live generator and the best ever live one again."""
    load_tensorflow()
    from gan.steps.remeasure import remeasure as step

    sets = _checked_sets(arguments, "evaluate")
    result = step(open_store(arguments.store), arguments.name, arguments.reference_id, sets=sets)
    output = to_output("remeasure", result)
    return dataclasses.replace(output, exit_code=NotFoundError.exit_code) if result.details["why_not"] else output


def anchor(arguments: Namespace) -> CommandOutput:
    """Choose which generator later ones are compared with."""
    from gan.steps.promote import anchor as step

    result = step(open_store(arguments.store), arguments.name, arguments.reason, generator_id=arguments.generator_id)
    return to_output("anchor", result)


def promote(arguments: Namespace) -> CommandOutput:
    """Make a generator live."""
    from gan.steps.promote import promote as step

    return to_output(
        "promote", step(open_store(arguments.store), arguments.generator_id, arguments.name, force=arguments.force)
    )


def rollback(arguments: Namespace) -> CommandOutput:
    """Make the previous live generator live again."""
    from gan.steps.promote import rollback as step

    return to_output("rollback", step(open_store(arguments.store), arguments.name))


def sample(arguments: Namespace) -> CommandOutput:
    """Generate images."""
    load_tensorflow()
    from gan.export.sample import sample as step

    result = step(
        open_store(arguments.store),
        Path(arguments.out),
        generator_id=arguments.generator_id,
        name=arguments.name,
        count=arguments.count,
        seed=arguments.seed,
        label=arguments.label,
        interpolate=arguments.interpolate,
        truncation=arguments.truncation,
        directions=arguments.direction,
        keep=arguments.keep,
    )
    return to_output("sample", result)


def directions(arguments: Namespace) -> CommandOutput:
    """List the directions of a generator, and find them first if need be."""
    load_tensorflow()
    from gan.export.find_directions import directions as step

    outcome = step(
        open_store(arguments.store),
        generator_id=arguments.generator_id,
        name=arguments.name,
        reference_id=arguments.reference_id,
        samples=arguments.samples,
    )
    return to_output("directions", outcome)


def report(arguments: Namespace) -> CommandOutput:
    """Write the report of a run."""
    load_tensorflow()
    from gan.steps.report import write_report

    return to_output("report", write_report(open_store(arguments.store), arguments.run_id))


def inspect(arguments: Namespace) -> CommandOutput:
    """List the store, or show a lineage."""
    from gan.admin.inspect import inspect as step

    result = step(open_existing(arguments.store), arguments.id)
    return CommandOutput(result.details["tree"], result.to_dict())


def verify(arguments: Namespace) -> CommandOutput:
    """Check every file against its checksum."""
    from gan.admin.verify import verify as step

    result = step(open_existing(arguments.store), arguments.ids)
    damages, checked = result.details["damages"], result.details["checked"]
    if damages:
        return CommandOutput("\n".join(["damaged:", *damages]), result.to_dict(), EXIT_DAMAGED)
    return CommandOutput(f"no damage: {len(checked)} checked", result.to_dict())


def gc(arguments: Namespace) -> CommandOutput:
    """List what nothing refers to, and delete it if asked; an unreadable record has its own exit code."""
    from gan.admin.gc import gc as step
    from gan.admin.gc_scan import Rules

    idle = arguments.runs_older_than
    rules = Rules(
        grace_seconds=parse_duration(arguments.grace, "--grace"),
        runs_older_than_seconds=None if idle is None else parse_duration(idle, "--runs-older-than"),
        keep_last=arguments.keep_last,
        keep_every_steps=arguments.keep_every,
    )
    result = step(open_existing(arguments.store), rules, delete=arguments.delete)
    code = IntegrityError.exit_code if result.details["unreadable"] else 0
    return CommandOutput(garbage_table(result.details), result.to_dict(), code)


def copy(arguments: Namespace) -> CommandOutput:
    """Copy objects with their lineage to another store."""
    from gan.admin.copy import copy as step

    result = step(open_existing(arguments.source, "SRC"), open_store(arguments.target, "DST"), arguments.ids)
    copied, skipped = len(result.details["copied"]), len(result.details["skipped"])
    return CommandOutput(f"done: {copied} copied, {skipped} existed already", result.to_dict())


def configs(arguments: Namespace) -> CommandOutput:
    """List the shipped experiments, print one, or list keys."""
    common = {"uri": str(configs_module.CONFIGS), "seconds": 0.0}
    if arguments.keys:
        return CommandOutput("\n".join(key_lines(arguments.keys)), {**common, "id": "configs"})
    if arguments.name is None and (arguments.explain or arguments.set):
        raise ConfigError("--explain and --set need the name of an experiment, such as: gan configs mnist --explain")
    if arguments.name is None:
        names = configs_module.names()
        lines = [f"{name}  {configs_module.summary(name)}" for name in names]
        return CommandOutput("\n".join(lines), {**common, "id": "configs", "names": names})
    if arguments.explain:
        return _explained(arguments, common)
    config = configs_module.load(arguments.name, arguments.set)
    return CommandOutput(config.to_yaml().rstrip(), {**common, "id": config.name, "config": config.to_dict()})


def _explained(arguments: Namespace, common: Json) -> CommandOutput:
    """Every key with its value and where it came from."""
    found = configs_module.explain(arguments.name, arguments.set)
    rows = [(each.path, json.dumps(each.value), each.origin) for each in found]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    text = "\n".join(f"{path:{widths[0]}}  {value:{widths[1]}}  {origin}" for path, value, origin in rows)
    return CommandOutput(text, {**common, "id": arguments.name, "keys": [each._asdict() for each in found]})


def _given(arguments: Namespace, flags: tuple[str, ...]) -> dict[str, Any]:
    return {flag: getattr(arguments, flag) for flag in flags if getattr(arguments, flag) is not None}


def _source_options(items: list[str]) -> Mapping[str, Any]:
    for item in items:
        if "=" not in item:
            raise ConfigError(f'--option takes NAME=VALUE, for example seed=1; got "{item}"')
    return configs_module.override(Config(), [f"data.options.{item}" for item in items]).data.options


def _with_flag_names(message: str, group: str) -> str:
    """The message with `--image-size` in place of `data.image_size`."""
    return re.sub(rf"\b{group}\.(\w+)", lambda found: "--" + found[1].replace("_", "-"), message)


def _checked_sets(arguments: Namespace, group: str) -> list[str]:
    for item in arguments.set:
        if not item.startswith(f"{group}."):
            raise ConfigError(f'--set takes {group}.key=value in this command; got "{item}"')
    return list(arguments.set)


def _made_object(step: str, what: str, result: StepResult) -> CommandOutput:
    """The id on stdout, for scripts; the rest on stderr."""
    state = "in the store already" if result.skipped else "done"
    log.info(f"{what} {result.id} {state}", uri=result.uri, seconds=result.seconds)
    return to_output(step, result)
