"""Training on real digits through Kubeflow: pods of our image, artifacts in the store, a verdict, a live generator."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from gan.store import Store, alias
from support.cluster import Cluster, Told, within_reach
from support.run_lifecycle import MADE, TRAINING, Trip, details, follow, step

STEPS = "train.steps=600"
"""Some seconds, so that there is time to look."""


@pytest.fixture(scope="module")
def journey_store() -> str:
    """A place where nothing is made yet, and nothing live to be measured against."""
    return f"s3://gan/tests/journey-{secrets.token_hex(4)}"


@pytest.fixture(scope="module")
def trip(cluster: Cluster, journey_store: str) -> Trip:
    return follow(cluster, cluster.submit(journey_store, STEPS))


@pytest.fixture(scope="module")
def again(cluster: Cluster, journey_store: str, trip: Trip) -> Told:
    return cluster.wait(cluster.submit(journey_store, STEPS))


def test_the_run_succeeds_step_after_step(trip: Trip) -> None:
    assert trip.ended.exit_code == 0, trip.ended.stdout + trip.ended.stderr
    assert trip.ended.record["state"] == "SUCCEEDED"
    steps = trip.ended.record["steps"]
    assert tuple(each["step"] for each in steps) == TRAINING
    assert {each["state"] for each in steps} == {"done"}
    assert all(each["node"] and each["seconds"] > 0 and each["tries"] == len(each["attempts"]) for each in steps)


def test_status_shows_a_run_in_progress(trip: Trip) -> None:
    assert trip.early.exit_code == 19
    assert trip.early.record["state"] in ("PENDING", "RUNNING")
    assert not any(each["state"] == "done" for each in trip.early.record["steps"])
    assert trip.training.exit_code == 19
    assert step(trip.training.record, "preprocess")["state"] == "done"
    train = step(trip.training.record, "train")
    assert (train["state"], bool(train["node"]), train["tries"]) == ("running", True, 1), train


def test_pods_are_of_our_image_and_as_the_service_account_of_the_profile(cluster: Cluster, trip: Trip) -> None:
    pods = cluster.pods(trip.run)
    assert {pod["metadata"]["labels"]["gan-pipelines/step"] for pod in pods} == set(TRAINING)
    assert {pod["spec"]["serviceAccountName"] for pod in pods} == {"gan-run"}
    mains = [each for pod in pods for each in pod["spec"]["containers"] if each["name"] == "main"]
    assert {each["image"] for each in mains} == {cluster.image}


def test_what_it_made_is_in_the_store_and_live(
    cluster: Cluster, journey_store: str, trip: Trip, open_here: Callable[[str], Store]
) -> None:
    found = cluster.command("inspect", "--store", journey_store, program="gan").record["objects"]
    kinds = {each["id"]: each["kind"] for each in found}
    expected = {"preprocess": "dataset", "reference": "reference", "train": "run", "export": "generator"}
    assert {name: kinds.get(trip.step(name)["id"]) for name in expected} == expected
    live = alias.read_live(open_here(journey_store), "digits").live
    assert live == trip.step("promote")["id"] == trip.step("export")["id"]
    cluster.command("verify", "--store", journey_store, program="gan")


def test_status_shows_scores_and_verdict(trip: Trip) -> None:
    judged = details(trip.ended.record, "gate")
    assert judged["passed"], judged
    assert details(trip.ended.record, "evaluate")["scores"]["fid"]["value"] > 0


def test_logs_follow_a_step_from_before_it_began_until_it_has_ended(cluster: Cluster, trip: Trip) -> None:
    shown = [line for line in trip.log.stderr.splitlines() if "has printed nothing yet" not in line]
    assert any('"checkpoint saved", "step": 600' in line for line in shown), shown
    afterwards = cluster.command("logs", trip.run, "--step", "train")
    assert afterwards.stderr.splitlines() == shown
    assert afterwards.record["lines"] == trip.log.record["lines"] == len(shown)


def test_kubeflow_keeps_what_its_ui_shows(kubeflow_artifacts: Callable[[str], set[str]], trip: Trip) -> None:
    found = kubeflow_artifacts(trip.run)
    wanted = {"train/samples", "train/curves", "evaluate/histogram", "gate/verdict", "promote/summary", "report/page"}
    assert wanted <= found, found


def test_operators_have_the_figures_of_each_step(trip: Trip) -> None:
    """Those of the last run of the name: other tests' runs have the same."""
    assert trip.ended.exit_code == 0
    with within_reach("gan-pushgateway", 9091) as gateway:
        told = requests.get(f"{gateway}/metrics", timeout=30).text
    figures = {
        (metric.name, metric.labels["step"]): metric.value
        for family in text_string_to_metric_families(told)
        for metric in family.samples
        if metric.labels.get("job") == "gan-pipelines" and metric.labels.get("name") in ("digits", "")
    }
    assert {step for name, step in figures if name == "gan_step_exit_code"} >= {*TRAINING} - {"promote", "report"}
    assert figures["gan_verdict_passed", "gate"] in (0, 1)
    assert figures["gan_train_images_per_second", "train"] > 0
    assert figures["gan_score", "evaluate"] >= 0


def test_the_same_again_finds_everything_in_the_store(trip: Trip, again: Told) -> None:
    assert again.exit_code == 0, again.stdout + again.stderr
    for name in MADE:
        found = step(again.record, name)
        assert (found["state"], found["id"]) == ("in the store already", trip.step(name)["id"])
    took, takes = (each.record["details"]["train"]["seconds"] for each in (trip.ended, again))
    assert takes < took
