from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import kubernetes
import pytest

from components.kubernetes.api import KubernetesApi
from components.multi_worker.launcher import MAX_OUTAGE_SECONDS, WorkerGroup, train_together
from components.multi_worker.manifests import LABEL
from components.multi_worker.pod_status import CHECK_EVERY_POLLS
from gan.config import Config, override
from gan.errors import EXIT_BUG, ClusterError, ConfigError, DivergedError, WorkerLostError
from gan.result import StepResult
from support import kfp_api
from support.kfp_api import Api, Asked, Said
from support.kubernetes_api import IN, listed, status
from tests.components.multi_worker.test_manifests import REQUEST
from tests.components.multi_worker.test_manifests import pod as step_pod
from tests.components.multi_worker.test_pod_status import pod as bare_pod

POD = "gan-training-x-system-container-impl-1"
NAME = "train-0123abcd"
JOBSETS = "/apis/jobset.x-k8s.io/v1alpha2/namespaces/kubeflow/jobsets"
JOBS = "/apis/batch/v1/namespaces/kubeflow/jobs"
SERVICES = f"{IN}/services"
ENVIRON = {"GAN_POD": POD, "GAN_NAMESPACE": "kubeflow"}
MADE = StepResult("run-1", "s3://gan/x/runs/run-1", 12.5, details={"steps": 9})


class Cluster:
    """What Kubernetes says: the workers are seen as each of `sights` has them, the last one lasts until the deletion.

    Args:
        api: the server.
        jobset: whether JobSet is installed.
    """

    def __init__(self, api: Api, *, jobset: bool = True) -> None:
        self.api = api
        self.sights: list[list[dict[str, Any]]] = [[]]
        self.there: dict[str, Any] = {}
        self.warnings: dict[str, list[str]] = {}
        self.deleted: list[str] = []
        log = b"2026-01-01T00:00:00.1Z a line of worker 0\n"
        api.routes |= {
            f"GET {IN}/pods/{POD}": Said(step_pod()),
            f"GET {IN}/pods": self._pods,
            f"GET {IN}/pods/train-1-0/log": Said(log, kind="text/plain"),
            f"POST {JOBSETS}": self._made if jobset else Said(b"404 page not found", 404, "text/plain"),
            f"POST {JOBS}": self._made,
            f"POST {SERVICES}": self._made,
            f"GET {IN}/events": self._events,
            **{f"GET {kind}/{NAME}": self._found for kind in (JOBSETS, JOBS, SERVICES)},
            **{f"DELETE {kind}/{NAME}": self._deleted for kind in (JOBSETS, JOBS, SERVICES)},
        }

    def group(self, between_tries: Callable[[float], object] = lambda _: None) -> WorkerGroup:
        settings = kubernetes.client.Configuration(host=self.api.url)
        settings.retries = False
        client = kubernetes.client.ApiClient(settings)
        api = KubernetesApi(client, "kubeflow", max_outage_seconds=MAX_OUTAGE_SECONDS, sleep=between_tries)
        return WorkerGroup(2, REQUEST, ENVIRON, api, sleep=lambda _: None)

    def lose_an_answer(self, kind: str) -> None:
        """The next thing of a kind is made, and whoever asked for it does not hear so."""

        def lost(asked: Asked) -> Said:
            self.api.routes[asked_for] = self._made
            self._made(asked)
            return kfp_api.LOST

        asked_for = f"POST {kind}"
        self.api.routes[asked_for] = lost

    def made(self, kind: str) -> list[Any]:
        return [asked.json for asked in self.api.of(f"POST {kind}")]

    def _pods(self, asked: Asked) -> Said:
        assert asked.query["labelSelector"] == [f"{LABEL}={NAME}"]
        if self.deleted:
            return listed("PodList", [])
        return listed("PodList", self.sights.pop(0) if len(self.sights) > 1 else self.sights[0])

    def _events(self, asked: Asked) -> Said:
        """The next warning about an object, the last one stays."""
        (selector,) = asked.query["fieldSelector"]
        name, kind = (part.split("=")[1] for part in selector.split(","))
        assert kind == "Warning"
        found = self.warnings.get(name, [])
        message = found.pop(0) if len(found) > 1 else "".join(found)
        event = {
            "metadata": {"name": "e"},
            "involvedObject": {"name": name},
            "reason": "FailedCreate",
            "message": message,
        }
        return listed("EventList", [event] if message else [])

    def _made(self, asked: Asked) -> Said:
        path = f"{asked.path}/{asked.json['metadata']['name']}"
        if path in self.there:
            return status(409, "AlreadyExists", f'"{NAME}" already exists')
        self.there[path] = asked.json
        return Said(asked.json, 201)

    def _found(self, asked: Asked) -> Said:
        return Said(self.there[asked.path]) if asked.path in self.there else status(404, "NotFound", "not found")

    def _deleted(self, asked: Asked) -> Said:
        if self.there.pop(asked.path, None) is None:
            return status(404, "NotFound", "not found")
        self.deleted.append(asked.path)
        return Said({"kind": "Status", "status": "Success"})


@pytest.fixture
def api() -> Iterator[Api]:
    with kfp_api.serve() as made:
        yield made


def worker_pod(*about: Any, **status: Any) -> dict[str, Any]:
    """A pod with all that the client of Kubernetes insists on."""
    found = bare_pod(*about, **status)
    found["spec"]["containers"] = [{"name": "main", "image": "gan"}]
    found["status"]["containerStatuses"][0] |= {"image": "gan", "imageID": "", "ready": False, "restartCount": 0}
    return found


def running(index: int) -> dict[str, Any]:
    return worker_pod(index, "Running", {"running": {"startedAt": "2026-01-01T00:00:00Z"}})


def ended(index: int, code: int = 0, message: str = "") -> dict[str, Any]:
    end = {"exitCode": code, "message": message, "reason": "Error", "finishedAt": "2026-01-01T00:01:00Z"}
    return worker_pod(index, "Failed" if code else "Succeeded", {"terminated": end})


def done() -> list[dict[str, Any]]:
    return [ended(0, message=json.dumps(asdict(MADE))), ended(1)]


def test_the_workers_are_a_jobset_and_gone_when_they_are_done(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(api)
    waiting = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no GPU is free"}
    cluster.sights = [
        [],
        [worker_pod(0, "Pending", conditions=[waiting])],
        [running(0), running(1)],
        [running(0), ended(1)],
        done(),
    ]
    with cluster.group() as group:
        assert group.wait() == MADE
    (made,) = cluster.made(JOBSETS)
    assert made["kind"] == "JobSet"
    assert made["metadata"]["name"] == NAME
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Pod", POD, "0123abcd-45")
    assert made["metadata"]["labels"][LABEL] == NAME
    assert made["metadata"]["labels"]["gan-pipelines/step"] == "train"
    assert cluster.deleted == [f"{JOBSETS}/{NAME}"]
    assert api.of(f"DELETE {JOBSETS}/{NAME}")[0].query["propagationPolicy"] == ["Foreground"]
    printed = capsys.readouterr().err
    assert "no node takes it: no GPU is free" in printed
    assert printed.count("a line of worker 0") == 1


def test_without_jobset_they_are_an_indexed_job_and_its_service(api: Api) -> None:
    cluster = Cluster(api, jobset=False)
    cluster.sights = [done()]
    with cluster.group() as group:
        assert group.wait() == MADE
    (job,), (service,) = cluster.made(JOBS), cluster.made(SERVICES)
    assert (job["spec"]["completionMode"], job["spec"]["completions"]) == ("Indexed", 2)
    assert service["spec"]["clusterIP"] == "None"
    assert job["metadata"]["ownerReferences"] == service["metadata"]["ownerReferences"]
    assert sorted(cluster.deleted) == [f"{SERVICES}/{NAME}", f"{JOBS}/{NAME}"]


def test_a_worker_that_fails_ends_the_step_with_its_own_error(api: Api) -> None:
    cluster = Cluster(api)
    failed = ended(1, DivergedError.exit_code, "train: the loss is not finite at step 7")
    cluster.sights = [[running(0), running(1)], [running(0), failed], [ended(0, 20, "train: lost"), failed]]
    with cluster.group() as group, pytest.raises(DivergedError, match="worker 1: the loss is not finite at step 7"):
        group.wait()
    assert cluster.deleted


def test_a_worker_that_is_gone_before_its_end_is_lost(api: Api) -> None:
    cluster = Cluster(api)
    cluster.sights = [[running(0), running(1)], [running(0)]]
    with cluster.group() as group, pytest.raises(WorkerLostError, match=r"worker 1 \(pod train-1-1 on node node-1\)"):
        group.wait()
    assert cluster.deleted


def test_all_that_are_gone_are_named_since_a_job_takes_the_others_along(api: Api) -> None:
    cluster = Cluster(api)
    cluster.sights = [[running(0), running(1)], []]
    both = r"^worker 0 \(pod train-1-0 on node node-0\) and worker 1 \(pod train-1-1 on node node-1\) were deleted;"
    with cluster.group() as group, pytest.raises(WorkerLostError, match=both):
        group.wait()


def test_a_worker_that_is_gone_with_one_that_failed_hides_no_error_that_lasts(api: Api) -> None:
    cluster = Cluster(api)
    failed = ended(1, DivergedError.exit_code, "train: the loss is not finite at step 7")
    cluster.sights = [[running(0), running(1)], [failed]]
    with cluster.group() as group, pytest.raises(DivergedError, match="worker 1: the loss is not finite at step 7"):
        group.wait()


@pytest.mark.parametrize("code", [WorkerLostError.exit_code, 143])
def test_a_worker_that_is_gone_is_named_before_those_that_miss_it(api: Api, code: int) -> None:
    """Which say so themselves, or were stopped because their JobSet had failed."""
    cluster = Cluster(api)
    cluster.sights = [[running(0), running(1)], [ended(0, code, "train: a peer went away")]]
    with cluster.group() as group, pytest.raises(WorkerLostError, match=r"^worker 1 \(pod train-1-1 on node node-1\)"):
        group.wait()


def test_a_bug_in_a_worker_is_reported_as_one(api: Api) -> None:
    cluster = Cluster(api)
    cluster.sights = [[running(0), running(1)], [running(0), ended(1, EXIT_BUG, "train: a bug")], [ended(0, 20, "")]]
    with cluster.group() as group, pytest.raises(WorkerLostError, match="this is a bug: report it"):
        group.wait()


def test_a_worker_that_is_gone_after_its_end_is_not_missed(api: Api) -> None:
    cluster = Cluster(api)
    cluster.sights = [[running(0), ended(1)], [running(0)], done()[:1]]
    with cluster.group() as group:
        assert group.wait() == MADE


def test_they_are_deleted_whatever_ends_the_step(api: Api) -> None:
    cluster = Cluster(api)
    with pytest.raises(KeyboardInterrupt), cluster.group():
        raise KeyboardInterrupt
    assert cluster.deleted == [f"{JOBSETS}/{NAME}"]


def test_a_refusal_says_what_to_do_and_leaves_nothing(api: Api) -> None:
    cluster = Cluster(api, jobset=False)
    api.routes[f"POST {JOBS}"] = status(403, "Forbidden", "exceeded quota: gan")
    with (
        pytest.raises(ClusterError, match=r"forbids the workers: .*exceeded quota: gan.*or raise the quota"),
        cluster.group(),
    ):
        pass
    assert cluster.deleted == [f"{SERVICES}/{NAME}"]


def test_an_api_that_is_away_for_a_moment_is_asked_again(api: Api) -> None:
    cluster = Cluster(api)
    away = status(503, "ServiceUnavailable", "starting")
    api.routes[f"GET {IN}/pods/{POD}"] = [away, Said(step_pod())]
    api.routes[f"POST {JOBSETS}"] = [away, Said({}, 201)]
    cluster.there[f"{JOBSETS}/{NAME}"] = {}  # so that its deletion is seen, and not waited for
    cluster.sights = [done()]
    with cluster.group() as group:
        assert group.wait() == MADE


@pytest.mark.parametrize(("jobset", "kind"), [(True, JOBSETS), (False, SERVICES), (False, JOBS)])
def test_workers_that_were_made_though_the_answer_was_lost_are_those_of_the_step(
    jobset: bool, kind: str, api: Api
) -> None:
    cluster = Cluster(api, jobset=jobset)
    cluster.lose_an_answer(kind)
    cluster.sights = [done()]
    with cluster.group() as group:
        assert group.wait() == MADE
    assert len(cluster.made(kind)) == 2
    assert cluster.there == {}


def test_workers_are_deleted_even_if_no_answer_confirmed_their_creation(api: Api) -> None:
    cluster = Cluster(api)
    cluster.lose_an_answer(JOBSETS)

    def stopped(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), cluster.group(between_tries=stopped):
        pytest.fail("the group was entered")
    assert cluster.deleted == [f"{JOBSETS}/{NAME}"]


def test_what_others_made_is_neither_taken_nor_deleted(api: Api) -> None:
    cluster = Cluster(api)
    theirs = {"metadata": {"name": NAME, "ownerReferences": [{"uid": "another"}]}}
    cluster.there = {f"{JOBSETS}/{NAME}": theirs}
    with (
        pytest.raises(ClusterError, match=r"already exists.*whose it is, delete it, and run"),
        cluster.group(),
    ):
        pytest.fail("the group was entered")
    assert cluster.there == {f"{JOBSETS}/{NAME}": theirs}


@pytest.mark.parametrize(("jobset", "job"), [(True, f"{NAME}-workers-0"), (False, NAME)])
def test_why_no_pods_are_created_is_said_once_for_each_reason(
    jobset: bool, job: str, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = Cluster(api, jobset=jobset)
    quota = 'Error creating: pods "{}" is forbidden: exceeded quota: {}'
    cluster.warnings = {job: [quota.format(f"{job}-0-{n}", said) for n, said in enumerate(["gan", "gan", "other"])]}
    cluster.sights = [*[[]] * CHECK_EVERY_POLLS * 3, done()]
    with cluster.group() as group:
        assert group.wait() == MADE
    output = [json.loads(line) for line in capsys.readouterr().err.splitlines() if "have no pod" in line]
    assert [each["reason"] for each in output] == [
        "FailedCreate: Error creating: a pod is forbidden: exceeded quota: gan",
        "FailedCreate: Error creating: a pod is forbidden: exceeded quota: other",
    ]
    assert (output[0]["missing"], output[0]["jobset" if jobset else "job"]) == (2, NAME)


def test_a_step_that_may_not_read_events_says_where_to_look(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(api)
    api.routes[f"GET {IN}/events"] = status(403, "Forbidden", "cannot list events")
    cluster.sights = [*[[running(0)]] * CHECK_EVERY_POLLS, done()]
    with cluster.group() as group:
        assert group.wait() == MADE
    (output,) = [json.loads(line) for line in capsys.readouterr().err.splitlines() if "have no pod" in line]
    assert f"`kubectl --namespace kubeflow describe jobsets,jobs --selector {LABEL}={NAME}`" in output["reason"]


def test_workers_with_pods_are_not_asked_why_they_have_none(api: Api) -> None:
    cluster = Cluster(api)
    cluster.sights = [*[[running(0), running(1)]] * CHECK_EVERY_POLLS * 2, done()]
    with cluster.group() as group:
        assert group.wait() == MADE
    assert api.of(f"GET {JOBSETS}/{NAME}") == []


def test_workers_that_were_deleted_before_they_had_pods_are_not_waited_for(api: Api) -> None:
    cluster = Cluster(api)
    with cluster.group() as group:
        cluster.there.clear()
        with pytest.raises(WorkerLostError, match="deleted before they had pods"):
            group.wait()


def test_workers_that_failed_before_they_had_pods_are_not_waited_for(api: Api) -> None:
    cluster = Cluster(api)
    failed = {"type": "Failed", "status": "True", "reason": "FailedJobs", "message": "jobset failed"}
    with cluster.group() as group:
        cluster.there[f"{JOBSETS}/{NAME}"]["status"] = {"conditions": [failed]}
        with pytest.raises(WorkerLostError, match=r"\(FailedJobs: jobset failed\); run the same"):
            group.wait()


def test_outside_of_a_pod_there_is_nothing_to_copy() -> None:
    with pytest.raises(ConfigError, match=r"GAN_POD and GAN_NAMESPACE are not set. Submit with a profile"):
        WorkerGroup(2, REQUEST, {"GAN_POD": "x"})


def test_a_batch_that_workers_can_t_share_is_refused() -> None:
    config = override(Config(), ["train.batch_size=64"])
    with pytest.raises(ConfigError, match=r"multiple of the 3 workers .*Give --set train.batch_size=66"):
        train_together(3, config, "s3://gan/x", "d-1", None)


def test_a_refused_creation_is_reported_without_a_warning_on_deletion(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = Cluster(api)
    cannot = status(403, "Forbidden", "jobsets is forbidden: gan-run cannot")
    api.routes |= {f"POST {JOBSETS}": cannot, f"DELETE {JOBSETS}/{NAME}": cannot}
    with pytest.raises(ClusterError, match=r"gan-run cannot.*Apply k8s/components/workers"), cluster.group():
        pytest.fail("the group was entered")
    assert "could not be deleted" not in capsys.readouterr().err


def test_workers_that_may_be_created_but_not_deleted_are_reported(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(api)
    api.routes[f"DELETE {JOBSETS}/{NAME}"] = status(403, "Forbidden", "jobsets is forbidden: gan-run cannot delete")
    cluster.sights = [done(), []]
    with cluster.group() as group:
        group.wait()
    (output,) = [line for line in capsys.readouterr().err.splitlines() if "could not be deleted" in line]
    assert "gan-run cannot delete" in output


def test_an_api_that_stays_away_is_given_up_after_five_minutes_of_the_clock(api: Api) -> None:
    """Whatever the requests themselves take: each here takes 70 s."""
    api.routes[f"GET {IN}/pods/{POD}"] = status(503, "ServiceUnavailable", "starting")
    times = itertools.count(step=70)
    settings = kubernetes.client.Configuration(host=api.url)
    settings.retries = False
    client = kubernetes.client.ApiClient(settings)
    asked = KubernetesApi(
        client,
        "kubeflow",
        max_outage_seconds=MAX_OUTAGE_SECONDS,
        sleep=lambda _: None,
        clock=lambda: float(next(times)),
    )
    with pytest.raises(ClusterError, match=r"Kubernetes did not answer for 350 s: .*run the same command again"):
        WorkerGroup(2, REQUEST, ENVIRON, asked)
    assert len(api.of(f"GET {IN}/pods/{POD}")) == 5
