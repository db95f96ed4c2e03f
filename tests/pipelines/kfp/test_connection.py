from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.api_errors import ApiStatusError
from gan.errors import ClusterError, NotFoundError
from pipelines.kfp.api_errors import UnsureError
from pipelines.kfp.connection import MaxOutage, connect
from pipelines.kfp.endpoint import Address
from support import kfp_api, servers
from support.clock import Clock
from support.kfp_api import LOST, Api, Said

RUN = "GET /apis/v2beta1/runs/r1"
FOUND = Said({"run_id": "r1", "state": "RUNNING"})


def max_outage(clock: Clock) -> MaxOutage:
    return MaxOutage(clock=clock, sleep=clock.sleep)


@pytest.fixture
def api() -> Iterator[Api]:
    with kfp_api.serve({RUN: FOUND}) as served:
        yield served


def get_run(api: Api, **named: Any) -> Any:
    clock = Clock()
    with connect(Address(api.url), max_outage(clock)) as connection:
        return connection.call(connection.runs.run_service_get_run, "r1", **named)


def test_a_run_is_read_and_the_version_known(api: Api) -> None:
    with connect(Address(api.url)) as connection:
        run = connection.call(connection.runs.run_service_get_run, "r1")
        assert (run.run_id, run.state) == ("r1", "RUNNING")
        assert (connection.version, connection.multi_user, connection.api_namespace) == ("2.17.0", False, None)
        assert connection.namespace == "kubeflow"


def test_requests_to_a_multi_user_backend_name_the_namespace(api: Api) -> None:
    api.routes["GET /apis/v2beta1/healthz"] = Said({"multi_user": True})
    with connect(Address(api.url, namespace="team-a")) as connection:
        assert connection.api_namespace == "team-a"


@pytest.mark.parametrize("passing", [kfp_api.error(503, "restarting"), kfp_api.error(502, ""), LOST], ids=str)
def test_what_passes_is_asked_again(api: Api, passing: Said) -> None:
    api.routes[RUN] = [passing, passing, passing, FOUND]
    assert get_run(api).state == "RUNNING"
    assert len(api.of(RUN)) == 4


def test_a_lasting_outage_is_reported_after_the_deadline(api: Api) -> None:
    api.routes[RUN] = kfp_api.error(503, "no healthy upstream")
    with pytest.raises(ClusterError, match=r"answers 503 \(no healthy upstream\); look at its pods"):
        get_run(api)
    assert len(api.of(RUN)) > 10


def test_an_error_of_the_api_itself_is_doubted_soon(api: Api) -> None:
    api.routes[RUN] = kfp_api.error(500, "InternalServerError: lost the database")
    with pytest.raises(ClusterError, match="lost the database"):
        get_run(api)
    assert len(api.of(RUN)) == 3


def test_what_may_not_be_done_twice_is_not_asked_again_where_it_may_have_been_done(api: Api) -> None:
    api.routes[RUN] = [LOST, FOUND]
    with pytest.raises(UnsureError, match="the answer was lost"):
        get_run(api, repeatable=False)
    assert len(api.of(RUN)) == 1


def test_what_was_never_seen_is_asked_again_though_it_may_not_be_done_twice(api: Api) -> None:
    api.routes[RUN] = [kfp_api.error(429, "slow down"), FOUND]
    assert get_run(api, repeatable=False).state == "RUNNING"


def test_no_such_run(api: Api) -> None:
    api.routes[RUN] = kfp_api.error(404, "ResourceNotFoundError: Run r1 not found", 5)
    with pytest.raises(NotFoundError, match="Run r1 not found"):
        get_run(api)


def test_a_request_that_the_api_refuses(api: Api) -> None:
    api.routes[RUN] = kfp_api.error(400, "InvalidInputError: no such thing", 3)
    with pytest.raises(ApiStatusError, match=r"refuses the request \(400\): InvalidInputError") as caught:
        get_run(api)
    assert caught.value.status == 400


def token(claims: dict[str, Any]) -> str:
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, claims, 1)
    )


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (None, "it wants a token; give --token-file"),
        ("wrong", "is wrong, or meant for another audience"),
        (token({"exp": 4_102_444_800}), "is wrong, or meant for another audience"),
        (token({"exp": 1_000_000_000}), "expired at 2001-09-09 01:46:40 UTC; write a new one"),
    ],
)
def test_a_token_that_does_not_do(api: Api, tmp_path: Path, written: str | None, said: str) -> None:
    api.routes["GET /apis/v2beta1/healthz"] = kfp_api.error(401, "Unauthorized", 16)
    path = tmp_path / "token"
    if written:
        path.write_text(written)
    with (
        pytest.raises(ClusterError, match=said) as caught,
        connect(Address(api.url, token_file=path if written else None), max_outage(Clock())),
    ):
        pass
    assert caught.value.exit_code == 16
    assert len(api.asked) == 1


def test_a_token_is_read_anew_for_each_request(api: Api, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first\n")
    with connect(Address(api.url, token_file=path)) as connection:
        path.write_text("second\n")
        connection.call(connection.runs.run_service_get_run, "r1")
        assert api.asked[0].headers["Authorization"] == "Bearer first"
        assert api.asked[-1].headers["Authorization"] == "Bearer second"
        path.write_text("two words")
        with pytest.raises(ClusterError, match="must hold a token, one word"):
            connection.call(connection.runs.run_service_get_run, "r1")
        path.unlink()
        with pytest.raises(ClusterError, match="can't be read"):
            connection.call(connection.runs.run_service_get_run, "r1")


def test_forbidden(api: Api) -> None:
    api.routes[RUN] = kfp_api.error(403, "User 'eve' is not authorized", 7)
    with pytest.raises(ClusterError, match=r"forbids this in the namespace kubeflow \(User 'eve' is not"):
        get_run(api)


def refused(address: Address) -> str:
    clock = Clock()
    with pytest.raises(ClusterError) as caught, connect(address, max_outage(clock)):
        pass
    assert clock.now <= 10
    return str(caught.value)


def test_nothing_listens() -> None:
    assert "can't be reached: nothing listens there" in refused(Address(f"http://127.0.0.1:{servers.free_port()}"))


def test_no_such_host() -> None:
    assert "can't be reached: " in refused(Address("http://no-such-host.invalid:8888"))


def test_tls_where_there_is_none(api: Api) -> None:
    output = refused(Address(api.url.replace("http:", "https:")))
    assert output.startswith("no TLS connection to https://127.0.0.1")
    assert "--ca-file" in output


def test_an_old_backend(api: Api) -> None:
    del api.routes["GET /apis/v2beta1/healthz"]
    api.routes["GET /apis/v1beta1/healthz"] = Said({"tag_name": "1.8.5"})
    assert "is Kubeflow Pipelines 1.8.5, and the oldest supported is 2.14" in refused(Address(api.url))
    api.routes["GET /apis/v2beta1/healthz"] = Said({})
    api.routes["GET /apis/v1beta1/healthz"] = Said({"tag_name": "2.5.0"})
    assert "is Kubeflow Pipelines 2.5.0" in refused(Address(api.url))


def test_a_backend_that_gives_no_version_will_do(api: Api) -> None:
    del api.routes["GET /apis/v1beta1/healthz"]
    with connect(Address(api.url)) as connection:
        assert connection.version is None


def test_another_service(api: Api) -> None:
    api.routes.clear()
    assert "has no API of Kubeflow Pipelines 2" in refused(Address(api.url))
    page = Said(b"<html>Log in", kind="text/html; charset=utf-8")
    api.routes["GET /apis/v2beta1/healthz"] = page
    assert "answers with text/html where" in refused(Address(api.url))
    api.routes["GET /apis/v2beta1/healthz"] = Said({}, 302, headers={"Location": "https://login.example"})
    assert "redirects to https://login.example, perhaps to log in" in refused(Address(api.url))
