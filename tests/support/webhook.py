"""A webhook in the cluster: a pod that prints what is posted to it, and lets the step notify of a run reach it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from support.cluster import Cluster, kubectl

PORT = 8080
PRINTS = f"""
from http.server import BaseHTTPRequestHandler, HTTPServer

class Webhook(BaseHTTPRequestHandler):
    def do_POST(self):
        print(self.rfile.read(int(self.headers["Content-Length"])).decode(), flush=True)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass

HTTPServer(("", {PORT}), Webhook).serve_forever()
"""


@dataclass(frozen=True)
class Webhook:
    """A webhook that is up; `secret` holds its URL, as a profile's notify_secret wants it."""

    name: str
    secret: str

    def messages(self) -> list[str]:
        """The texts that it got, the first one first."""
        return [json.loads(line)["text"] for line in kubectl("logs", self.name).splitlines()]


@contextmanager
def webhook(cluster: Cluster, name: str) -> Iterator[Webhook]:
    """A pod, a service, a secret and a network policy of this name, for as long as it takes."""
    kubectl(
        "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": _objects(cluster, name)})
    )
    try:
        kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=180s")
        yield Webhook(name, name)
    finally:
        kubectl("delete", "--wait=false", f"pod/{name}", f"service/{name}", f"secret/{name}", f"networkpolicy/{name}")


def _objects(cluster: Cluster, name: str) -> list[dict[str, Any]]:
    named = {"metadata": {"name": name, "labels": {"app": name}}}
    ports = [{"protocol": "TCP", "port": PORT}]
    pod = {
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "containers": [
            {
                "name": "main",
                "image": cluster.image,
                "imagePullPolicy": "IfNotPresent",
                "command": ["python3", "-c", PRINTS],
                "readinessProbe": {"tcpSocket": {"port": PORT}},
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    }
    let_in = {
        "podSelector": {"matchLabels": {"gan-pipelines/step": "notify"}},
        "policyTypes": ["Egress"],
        "egress": [{"to": [{"podSelector": {"matchLabels": {"app": name}}}], "ports": ports}],
    }
    return [
        {"apiVersion": "v1", "kind": "Pod", **named, "spec": pod},
        {"apiVersion": "v1", "kind": "Service", **named, "spec": {"selector": {"app": name}, "ports": ports}},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            **named,
            "stringData": {"GAN_WEBHOOK_URL": f"http://{name}:{PORT}/hook"},
        },
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", **named, "spec": let_in},
    ]
