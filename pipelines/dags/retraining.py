"""The retraining pipeline: a schedule runs it every night, and it trains only if there is something new.

Annotations stay unquoted in this module and in those of the components: kfp reads them as types.
"""

import inspect
from typing import Any

from kfp import dsl

from pipelines.dags.promotion import promote_if_passed
from pipelines.dags.tasks import Tasks, uncached
from pipelines.dags.training import OUTPUT


def retraining(tasks: Tasks) -> Any:
    """Train again if there is a reason to, promote what is proven no worse, notify a webhook.

    1. preprocess: the images as they are now; those that an earlier dataset has are not decoded again.
    2. decide: whether to train (new data, drift, another config, age), from which weights and with which seed.
    3. reference, train, evaluate, export: as in the training pipeline.
    4. remeasure: the live generator and the best that ever was live are scored with the same reference, to compare.
    5. gate, promote, report: as in the training pipeline.
    6. notify: at the end in every case: promotion, refusal, failure or nothing new.

    Parameters of a run: `config` is the whole resolved config as YAML; `store` the URI of everything durable; `name`
    the name to promote to.

    Each step looks into the store before it works, and skips what is there.
    """
    release = promote_if_passed(tasks)

    # No `with_train_size`: a backend finds no parameter of a pipeline that sizes a task inside a condition.
    @dsl.pipeline(name="gan-retraining", description=inspect.getdoc(retraining))  # type: ignore[untyped-decorator]
    def pipeline(config: str, store: str, name: str) -> None:
        with dsl.ExitHandler(tasks("notify", config=config, store=store, name=name), name="night"):
            dataset = tasks("preprocess", config=config, store=store)
            of_data = {"store": store, "dataset_id": dataset.outputs[OUTPUT]}
            decision = tasks("decide", config=config, name=name, **of_data)
            # kfp.local finds the output that a condition reads only if it is called OUTPUT.
            with dsl.If(decision.outputs[OUTPUT] == True, name="new"):  # noqa: E712
                chosen = decision.outputs["config"]
                reference = tasks("reference", config=chosen, **of_data)
                run = tasks("train", config=chosen, **of_data).after(reference)
                of_run = {"config": chosen, "store": store, "run_id": run.outputs[OUTPUT]}
                scored = {"reference_id": reference.outputs[OUTPUT]}
                best = tasks("evaluate", **of_run, **scored)
                live = tasks("remeasure", config=chosen, store=store, name=name, **scored).after(best)
                generator = tasks("export", **of_run, **scored, checkpoint=best.outputs[OUTPUT])
                candidate = {"store": store, "name": name, "generator_id": generator.outputs[OUTPUT]}
                verdict = tasks("gate", config=chosen, **candidate).after(live)
                promoted = uncached(release(**candidate, passed=verdict.outputs[OUTPUT]))
                tasks("report", store=store, run_id=run.outputs[OUTPUT]).after(promoted)

    return pipeline
