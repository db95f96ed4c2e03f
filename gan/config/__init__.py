"""The configuration of an experiment: groups of keys that check themselves when made.

The keys are the same in YAML (`train: {steps: 500}`) and on the command line (`--set train.steps=500`).
"""

from gan.config.budget import parse_budget
from gan.config.explain import explain
from gan.config.group import Group
from gan.config.parse import margin_of
from gan.config.retrain import Retrain, checkpoint_of
from gan.config.schema import (
    ALL_GROUPS,
    CHOICES,
    GROUPS,
    RESIZERS,
    Config,
    Data,
    Evaluate,
    Gate,
    Reference,
    Train,
    parse_group,
)
from gan.config.source import (
    CONFIGS,
    from_dict,
    from_record,
    from_yaml,
    load,
    migrate_train_keys,
    names,
    override,
    read,
    summary,
)

__all__ = [
    "ALL_GROUPS",
    "CHOICES",
    "CONFIGS",
    "GROUPS",
    "RESIZERS",
    "Config",
    "Data",
    "Evaluate",
    "Gate",
    "Group",
    "Reference",
    "Retrain",
    "Train",
    "checkpoint_of",
    "explain",
    "from_dict",
    "from_record",
    "from_yaml",
    "load",
    "margin_of",
    "migrate_train_keys",
    "names",
    "override",
    "parse_budget",
    "parse_group",
    "read",
    "summary",
]
