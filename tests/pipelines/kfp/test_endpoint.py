from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gan.errors import ConfigError
from pipelines.kfp.endpoint import Address, find


def test_a_flag_goes_before_the_environment(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.touch()
    environment = {"KFP_HOST": "http://a:1/", "KFP_NAMESPACE": "team-a", "KFP_TOKEN_FILE": str(token)}
    assert find(environment=environment) == Address("http://a:1", "team-a", token)
    assert find(host="https://b/kfp", namespace="n", environment=environment) == Address("https://b/kfp", "n", token)
    assert find(port_forward=True, environment={"KFP_HOST": "http://a:1"}) == Address(port_forward=True)
    assert find(host="http://a:1", environment={}).namespace == "kubeflow"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "Give --host URL, set KFP_HOST, or give --port-forward"),
        ({"host": "127.0.0.1:8888"}, "--host must be a URL such as http://127.0.0.1:8888; got"),
        ({"host": "http://a", "port_forward": True}, "--port-forward provides its own host"),
        ({"host": "http://a", "namespace": "A b"}, "--namespace must be the name"),
        ({"host": "http://a", "token_file": "/no/such/file"}, "--token-file: there is no file /no/such/file"),
        ({"host": "http://a", "ca_file": "/no/such/file"}, "--ca-file: there is no file"),
    ],
)
def test_what_is_wrong_is_said(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        find(**given, environment={})


@pytest.mark.parametrize(
    "host",
    [
        "https://me:s3cret@a",
        "me:s3cret@kfp.example.com:8888",
        "http:/me:s3cret@a",
        "https://me:s3/cret@a",
        "https://me:s3://cret@a",
        "s3cret@a/kfp",
    ],
)
def test_a_password_is_refused_and_not_repeated(host: str) -> None:
    for given, environment in (({"host": host}, {}), ({}, {"KFP_HOST": host})):
        with pytest.raises(ConfigError, match="must hold no @, as with a user and password") as caught:
            find(**given, environment=environment)  # type: ignore[arg-type]
        assert "cret" not in str(caught.value)
    with pytest.raises(ConfigError, match="must hold no @") as caught:
        find(host=host, port_forward=True, environment={})
    assert "cret" not in str(caught.value)
