"""What the manifests promise, read from what kubectl builds of them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.multi_worker.manifests import SERVICE_ACCOUNT
from components.runtime import pre_stop_hook
from components.runtime.context import FORCED_EXIT_SECONDS
from pipelines.doctor.permissions import FOR_JOBSETS, FOR_STEPS, FOR_WORKERS, Permission
from pipelines.profiles.profile import load_profile, profile_names
from pipelines.profiles.resources import Resources

Manifest = dict[str, Any]
Build = Callable[[str | Path], list[Manifest]]
OVERLAYS = ("local", "gke-gpu")
K8S = Path(__file__).resolve().parents[2] / "k8s"


def of_kind(objects: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {each["metadata"]["name"]: each for each in objects if each["kind"] == kind}


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest, build: Build) -> list[Manifest]:
    return build(f"overlays/{request.param}")


def test_everything_lies_in_the_namespace_of_runs_and_says_whose_it_is(overlay: list[Manifest]) -> None:
    for each in overlay:
        assert each["metadata"].get("namespace", "kubeflow") == "kubeflow", each
        assert each["metadata"]["labels"]["app.kubernetes.io/part-of"] == "gan-pipelines", each


def rights(role: Manifest) -> set[Permission]:
    return {
        Permission(verb, resource, group, name)
        for rule in role["rules"]
        for verb in rule["verbs"]
        for resource in rule["resources"]
        for group in rule["apiGroups"]
        for name in rule.get("resourceNames", [""])
    }


def test_doctor_asks_for_the_rights_that_the_roles_give(overlay: list[Manifest]) -> None:
    roles = of_kind(overlay, "Role")
    assert rights(roles["gan-step"]) == {*FOR_STEPS}
    assert rights(roles["gan-workers"]) == {*FOR_WORKERS, *FOR_JOBSETS}


def test_the_namespace_enforces_restricted(overlay: list[Manifest]) -> None:
    labels = of_kind(overlay, "Namespace")["kubeflow"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_our_own_pods_would_be_admitted_there_and_write_to_no_root(overlay: list[Manifest]) -> None:
    templates = [each["spec"]["template"]["spec"] for each in overlay if each["kind"] in ("Deployment", "StatefulSet")]
    assert templates
    for pod in templates:
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            context = container["securityContext"]
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert context["allowPrivilegeEscalation"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert not container["image"].endswith((":latest", "/minio"))


def test_no_role_has_a_wildcard_or_reads_a_secret_that_it_does_not_name(overlay: list[Manifest]) -> None:
    roles = of_kind(overlay, "Role")
    assert "gan-step" in roles
    assert not of_kind(overlay, "ClusterRole")
    for role in roles.values():
        for rule in role["rules"]:
            assert "*" not in [*rule["verbs"], *rule["resources"], *rule["apiGroups"]]
            assert "secrets" not in rule["resources"] or (rule["resourceNames"] and rule["verbs"] == ["get"])
            assert not {"pods/exec", "serviceaccounts/token", "rolebindings", "workflows"} & set(rule["resources"])
            assert "pods" not in rule["resources"] or set(rule["verbs"]) <= {"get", "list", "watch"}


def test_alone_the_base_lets_a_step_create_nothing_but_its_own_report(build: Build) -> None:
    rules = [rule for role in of_kind(build("base"), "Role").values() for rule in role["rules"]]
    creating = [rule["resources"] for rule in rules if {"create", "patch", "update", "delete"} & set(rule["verbs"])]
    assert creating == [["workflowtaskresults"]]


def test_workers_get_no_token_and_no_role(overlay: list[Manifest]) -> None:
    assert of_kind(overlay, "ServiceAccount")[SERVICE_ACCOUNT]["automountServiceAccountToken"] is False
    subjects = [each["name"] for binding in of_kind(overlay, "RoleBinding").values() for each in binding["subjects"]]
    assert set(subjects) == {"gan-run", "gan-promote"}
    policy = of_kind(overlay, "ValidatingAdmissionPolicy")["gan-workers"]["spec"]
    accounts = [each for each in policy["validations"] if "serviceAccountName" in each["expression"]]
    assert [each["expression"].rsplit(" == ")[-1] for each in accounts] == [f"'{SERVICE_ACCOUNT}')"]


def test_all_traffic_is_denied_first(overlay: list[Manifest]) -> None:
    deny = of_kind(overlay, "NetworkPolicy")["gan-default-deny"]["spec"]
    assert deny == {
        "podSelector": {
            "matchExpressions": [
                {"key": "app", "operator": "DoesNotExist"},
                {"key": "component", "operator": "DoesNotExist"},
            ]
        },
        "policyTypes": ["Ingress", "Egress"],
    }


def test_only_the_webhook_gets_to_the_internet_and_no_step_to_the_api_server_of_kubeflow(
    overlay: list[Manifest],
) -> None:
    for name, policy in of_kind(overlay, "NetworkPolicy").items():
        for rule in policy["spec"].get("egress", []):
            assert rule["to"], f"{name} allows every destination"
            assert rule["ports"], f"{name} allows every port"
            for peer in rule["to"]:
                assert "0.0.0.0/0" not in str(peer) or name == "gan-webhook"
                if "ml-pipeline" in str(peer):
                    assert {"key": "gan-pipelines/step", "operator": "DoesNotExist"} in policy["spec"]["podSelector"][
                        "matchExpressions"
                    ]


def test_no_step_pushes_out_kubeflow_itself_nor_is_too_low_for_the_autoscaler(overlay: list[Manifest]) -> None:
    classes = of_kind(overlay, "PriorityClass")
    values = {name: each["value"] for name, each in classes.items()}
    assert values["gan-retraining"] < values["gan-interactive"] < 0
    assert all(value > -10 for value in values.values())


def test_limits_are_given_to_nobody_by_default(overlay: list[Manifest]) -> None:
    (of_containers,) = [
        limit for limit in of_kind(overlay, "LimitRange")["gan"]["spec"]["limits"] if limit["type"] == "Container"
    ]
    assert set(of_containers) == {"type", "defaultRequest"}  # a max would become everybody's limit


@pytest.mark.parametrize("profile", profile_names())
def test_what_a_profile_names_is_there(profile: str, build: Build) -> None:
    objects = build("overlays/gke-gpu")
    shape = load_profile(profile)
    assert shape.service_account in of_kind(objects, "ServiceAccount")
    for step in ("preprocess", "train", "evaluate"):
        resources = shape.resources(step)
        if resources.queue:
            assert resources.queue in of_kind(objects, "LocalQueue")
        if resources.priority:
            assert resources.priority in of_kind(objects, "WorkloadPriorityClass")
            assert resources.priority in of_kind(objects, "PriorityClass")
        if resources.accelerator:
            flavors = of_kind(objects, "ResourceFlavor").values()
            assert dict(resources.node_selector) in [each.get("spec", {}).get("nodeLabels") for each in flavors]


def test_each_line_of_the_settings_reaches_the_cluster(build: Build, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(K8S, tmp_path / "k8s"))
    settings = copy / "overlays" / "gke-gpu" / "settings.env"
    lines = [line for line in settings.read_text().splitlines() if line and not line.startswith("#")]
    changed = {line.split("=")[0]: f"changed-{number}" for number, line in enumerate(lines)}
    settings.write_text("".join(f"{key}={value}\n" for key, value in changed.items()))
    text = str(build(copy / "overlays" / "gke-gpu"))
    assert [key for key, value in changed.items() if value not in text] == []
    assert "192.0.2.0" not in text
    assert "settings.env" not in text
    assert "gke-settings" not in text


def test_what_argo_adds_to_pods_is_an_expression_that_it_can_read() -> None:
    """Argo ends an expression at two closing braces, and takes a patch that begins with a brace for JSON."""
    data = yaml.safe_load((K8S / "workflow-controller.yaml").read_text())["data"]
    assert set(data) == {"executor", "mainContainer", "workflowDefaults"}
    patch = yaml.safe_load(data["workflowDefaults"])["spec"]["podSpecPatch"]
    assert patch.index("}}") == len(patch) - 2
    step, others = re.findall(r'"([^"]*)"', patch.split("?")[1])
    assert not step.startswith("{")
    pod = yaml.safe_load(step)
    (launcher,) = pod["initContainers"]
    assert launcher["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    (main,) = pod["containers"]
    assert main["lifecycle"]["preStop"]["exec"]["command"] == ["python3", "-m", pre_stop_hook.__name__]
    longest = max(field.metadata["max_value"] for field in fields(Resources) if field.name == "grace_seconds")
    assert pod["terminationGracePeriodSeconds"] > longest + FORCED_EXIT_SECONDS
    assert yaml.safe_load(others) == {}


def test_no_manifest_touches_a_config_map_of_argo(overlay: list[Manifest]) -> None:
    assert set(of_kind(overlay, "ConfigMap")) <= {"gan-settings", "gan-dashboard", "kfp-launcher"}
