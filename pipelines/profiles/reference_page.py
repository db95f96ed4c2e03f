"""The page docs/profiles.md, written from the dataclasses; `make docs-reference` runs it."""

from __future__ import annotations

from gan.config_reference import table
from pipelines.profiles.profile import Profile, load_profile, profile_names
from pipelines.profiles.resources import Resources

HEAD = """# Resource profiles

A profile says what the pod of each step gets on a kind of cluster. `--profile NAME` takes a shipped one, `--profile
FILE.yaml` one of your own, which may extend a shipped one and give only what differs:

    # two-gpus.yaml
    extends: gpu-l4
    default: {priority: gan-interactive}
    steps:
      train: {accelerator_count: 2, cpu: 14, memory: 56Gi}

A step gets the keys of `default`, except those that `steps` gives it instead. A profile is compiled into the pipeline:
`gan-pipelines submit` and schedules upload one version for each profile. In the training pipeline the size of the pod
that trains is also a parameter of the run (`train_cpu` unless there is a `cpu_limit`, `train_memory`,
`train_accelerators`): a run that ran out of memory can be cloned with more in Kubeflow's UI.

This page is generated: `make docs-reference`.
"""

LISTS = """
Three more keys say where the pod runs:

| key | one of them | meaning |
| --- | --- | --- |
| `node_selector` | `{cloud.google.com/gke-accelerator: nvidia-l4}` | Labels that the node must have; values are text. |
| `tolerations` | `[{key: nvidia.com/gpu}]` | Taints that the pod tolerates: a key, a `value` (none: any) and an \
`effect` (`NoSchedule`, `PreferNoSchedule`, `NoExecute`). |
| `affinity` | `[{key: topology.kubernetes.io/zone, operator: In, values: [a, b], weight: 10}]` | What a label of the \
node must be, or preferably is where there is a `weight` of 1 to 100; all without a weight must hold. |
"""

BEHAVIOUR = """## What to know

- An attempt that is preempted, evicted, over its deadline or out of memory counts as one of `retries`, like one that
  failed. After an error that a retry can't fix (bad data, config, divergence) the remaining retries end at once with
  the same message. So `retries` can be high where nodes come and go. A pod that was deleted by force or lost with its
  node is retried only where `k8s/workflow-controller.sh` has set Argo up; elsewhere the run fails, and
  `gan-pipelines retry RUN` continues from the last checkpoint.
- What Kubeflow calls the maximum wait between retries is, in Argo, a limit on the time over all attempts, an hour by
  default. Profiles set it to a year: the number of retries is the limit.
- Argo reads `backoff_factor` as a whole number, and has no maximum wait; profiles whose last wait would exceed a day
  are refused.
- `/tmp` and `/cache` are empty at each attempt unless `cache_claim` names a volume. A claim must be writable by user
  and group 65532; where the volume's root belongs to root (disks of most clouds do), the `fsGroup` that
  `k8s/workflow-controller.sh` gives to all pods makes it so.
- `shared_memory` counts as memory of the pod.
- `queue` and `priority` are labels for Kueue, with no effect where Kueue does not manage pods.
"""


def markdown() -> str:
    """The whole page."""
    shipped = [f"| `{name}` | {load_profile(name).about} |" for name in profile_names()]
    return "\n".join(
        [
            HEAD,
            *["## Shipped", "", "| name | for |", "| --- | --- |", *shipped, ""],
            *["## Keys of a profile", "", "`extends`, `default` and `steps`, and:", "", *table(Profile), ""],
            *["## Keys of `default` and of each of `steps`", "", *table(Resources), LISTS],
            BEHAVIOUR,
        ]
    )


if __name__ == "__main__":
    print(markdown(), end="")
