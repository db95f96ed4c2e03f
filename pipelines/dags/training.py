"""The training pipeline: from original images to a generator that is live, or to the reasons why it is not.

Annotations stay unquoted in this module and in those of the components: kfp reads them as types.
"""

import inspect
from typing import Any

from kfp import dsl

from pipelines.dags.promotion import promote_if_passed
from pipelines.dags.tasks import Tasks, uncached
from pipelines.profiles.train_size_params import with_train_size

OUTPUT = "Output"  # kfp's name of what a function returns


def training(tasks: Tasks) -> Any:
    """From original images to a generator that is live, or to the reasons why it is not.

    1. preprocess: the original images become TFRecord shards: a dataset.
    2. reference: a feature network and the statistics of held-out real images, which scores are measured with.
    3. train: generator and discriminator are trained: a run with its checkpoints. A retry resumes.
    4. evaluate: the best checkpoint is chosen, and scored on other latents and other real images.
    5. export: its generator is saved as SavedModel and .keras, which are checked to draw the same.
    6. gate: limits, and whether it is proven no worse than the live generator and the best that ever was live.
    7. promote: only if the gate passed, the generator becomes the live one. A refusal is not a failure.
    8. report: one page about all of it, whatever the gate decided.

    Parameters of a run: `config` is the whole resolved config as YAML; `store` the URI of everything durable; `name`
    the name to promote to; `run_id` names the training run, empty for a hash of config and dataset; `train_cpu`
    (unless there is a cpu_limit), `train_memory` and `train_accelerators` are the size of the pod that trains, by
    default what the profile says.

    Each step looks into the store before it works, and skips what is there.
    """

    release = promote_if_passed(tasks)

    @dsl.pipeline(name="gan-training", description=inspect.getdoc(training))  # type: ignore[untyped-decorator]
    @with_train_size(tasks.profile)
    def pipeline(config: str, store: str, name: str, run_id: str = "", *size: str) -> None:
        dataset = tasks("preprocess", config=config, store=store)
        of_data = {"config": config, "store": store, "dataset_id": dataset.outputs[OUTPUT]}
        reference = tasks("reference", **of_data)
        run = tasks("train", *size, **of_data, run_id=run_id).after(reference)
        of_run = {"config": config, "store": store, "run_id": run.outputs[OUTPUT]}
        best = tasks("evaluate", **of_run, reference_id=reference.outputs[OUTPUT])
        generator = tasks("export", **of_run, reference_id=reference.outputs[OUTPUT], checkpoint=best.outputs[OUTPUT])
        verdict = tasks("gate", config=config, store=store, name=name, generator_id=generator.outputs[OUTPUT])
        promoted = uncached(
            release(store=store, name=name, generator_id=generator.outputs[OUTPUT], passed=verdict.outputs[OUTPUT])
        )
        tasks("report", store=store, run_id=run.outputs[OUTPUT]).after(promoted)

    return pipeline
