"""The configuration of an experiment: groups of keys that check themselves when made.

The keys are the same in YAML (`train: {steps: 500}`) and on the command line (`--set train.steps=500`).
"""

from gan.config.check import Group, group_name
from gan.config.parse import margin_of
from gan.config.retrain import Retrain, checkpoint_of
from gan.config.schema import (
    GROUPS,
    RESIZERS,
    Config,
    Data,
    Discriminator,
    Evaluate,
    Gate,
    Generator,
    Loss,
    Reference,
    Train,
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
    "CONFIGS",
    "GROUPS",
    "RESIZERS",
    "Config",
    "Data",
    "Discriminator",
    "Evaluate",
    "Gate",
    "Generator",
    "Group",
    "Loss",
    "Reference",
    "Retrain",
    "Train",
    "checkpoint_of",
    "from_dict",
    "from_record",
    "from_yaml",
    "group_name",
    "load",
    "margin_of",
    "migrate_train_keys",
    "names",
    "override",
    "read",
    "summary",
]
