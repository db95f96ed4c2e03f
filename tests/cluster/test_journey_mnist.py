"""The same journey with the real MNIST, whose files lie in the store: 70,000 images, made small."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from support.cluster import Cluster, Told
from support.run_lifecycle import TRAINING, details


@pytest.fixture(scope="module")
def trained(cluster: Cluster, shared_store: str, real_data: Path) -> Told:
    source = f"{shared_store}-mnist"
    bucket, _, prefix = source.removeprefix("s3://").partition("/")
    s3 = boto3.client(
        "s3",
        endpoint_url=cluster.s3_endpoint,
        region_name="us-east-1",
        aws_access_key_id=cluster.keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=cluster.keys["AWS_SECRET_ACCESS_KEY"],
    )
    for file in (real_data / "mnist").iterdir():
        s3.upload_file(str(file), bucket, f"{prefix}/{file.name}")
    return cluster.wait(cluster.submit(shared_store, f"data.source={source}", config="mnist"))


def test_mnist_is_trained_judged_and_promoted(trained: Told) -> None:
    assert trained.exit_code == 0, trained.stdout + trained.stderr
    assert tuple(each["step"] for each in trained.record["steps"]) == TRAINING
    prepared = details(trained.record, "preprocess")["examples"]
    assert (prepared["train"], prepared["test"]) == (60_000, 10_000), prepared
    assert details(trained.record, "gate")["passed"]
    assert details(trained.record, "promote")["name"] == "mnist"
