"""A store for one module of tests: like that of the cluster, beside it, and nobody else is hurt when it is down."""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from support import disruption
from support.cluster import NAMESPACE, Cluster, kubectl, kubectl_json, within_reach

PORT = 9000


@dataclass(frozen=True)
class OwnStore:
    """The name of its stateful set, service, network policy and secret with its keys; `uri` is a place in it."""

    name: str
    uri: str

    @property
    def workload(self) -> str:
        """What runs it."""
        return f"statefulset/{self.name}"

    @contextlib.contextmanager
    def seen(self, cluster: Cluster) -> Iterator[Cluster]:
        """The cluster as somebody sees it whose store this is."""
        with within_reach(self.name, PORT) as endpoint:
            yield dataclasses.replace(cluster, s3_endpoint=endpoint)


@contextlib.contextmanager
def own_store() -> Iterator[OwnStore]:
    """A store that is there and empty; it goes afterwards with all that it holds."""
    made = OwnStore(f"gan-disruption-{secrets.token_hex(3)}", "s3://gan/disruption")
    try:
        _make(made.name)
        yield made
    finally:
        kubectl("delete", "statefulset,service,networkpolicy,secret", made.name, "--ignore-not-found")
        kubectl("delete", "pvc", f"data-{made.name}-0", "--ignore-not-found", "--wait=false")


def _make(name: str) -> None:
    """The cluster's store under another name. The label `app` keeps its pod out of the policies for pods of runs."""
    labels = {"app": name}
    spec = kubectl_json("get", "statefulset", "gan-s3")["spec"]
    spec |= {"serviceName": name, "selector": {"matchLabels": labels}}
    spec["template"]["metadata"] = {"labels": labels}
    claim = spec["volumeClaimTemplates"][0]
    claim["spec"]["resources"] = {"requests": {"storage": "1Gi"}}
    spec["volumeClaimTemplates"] = [{"metadata": {"name": claim["metadata"]["name"]}, "spec": claim["spec"]}]
    steps = {"podSelector": {"matchLabels": {"app.kubernetes.io/part-of": "gan-pipelines"}}, "policyTypes": ["Egress"]}
    out = [{"to": [{"podSelector": {"matchLabels": labels}}], "ports": [{"port": PORT}]}]
    disruption.put("Service", name, spec={"selector": labels, "ports": [{"port": PORT}]})
    disruption.put("NetworkPolicy", name, "networking.k8s.io/v1", spec={**steps, "egress": out})
    disruption.put("StatefulSet", name, "apps/v1", spec=spec)
    disruption.put_store_secret(name, AWS_ENDPOINT_URL=f"http://{name}.{NAMESPACE}:{PORT}")
    kubectl("rollout", "status", f"statefulset/{name}", "--timeout=240s")
