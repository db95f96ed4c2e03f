"""What is in the image, and what is not."""

from __future__ import annotations

from typing import Any

from gan import __version__
from support.containers import LOCKED

MEBIBYTE = 1 << 20
OLDEST = 315532800  # 1980-01-01, the time that every file of ours has


def test_the_version_is_told_with_no_place_to_write_at_all(docker: Any, image: Any) -> None:
    nowhere = {**LOCKED, "tmpfs": {}}
    said = docker.containers.run(image.id, ["python", "-m", "gan", "--version"], remove=True, **nowhere)
    assert said.decode().strip() == f"gan {__version__}"


def test_labels_say_which_version_of_which_revision_it_is(image: Any) -> None:
    labels = image.labels
    assert labels["org.opencontainers.image.version"] == __version__
    assert len(labels["org.opencontainers.image.revision"].removesuffix("-dirty")) == 40
    assert labels["org.opencontainers.image.title"] == "gan-pipelines"


def test_the_user_is_a_number_that_kubernetes_can_tell_from_root(image: Any, inside: dict[str, Any]) -> None:
    assert image.attrs["Config"]["User"] == "65532:65532"
    assert (inside["user"], inside["group"]) == (65532, 65532)


def test_a_pod_s_command_runs_as_it_is(image: Any) -> None:
    assert not image.attrs["Config"]["Entrypoint"]


def test_nothing_in_it_builds_or_installs(inside: dict[str, Any]) -> None:
    assert inside["tools"] == []
    assert not inside["pip"]
    assert not inside["tests"]


def test_no_cache_stayed_behind(docker: Any, image: Any) -> None:
    look = [
        "find",
        "/",
        "-xdev",
        "-type",
        "d",
        "-name",
        "*cache*",
        "-path",
        "*pip*",
        "-not",
        "-path",
        "*/site-packages/*",
    ]
    assert docker.containers.run(image.id, look, remove=True, user="0", **LOCKED).decode() == ""


def test_nothing_can_be_written_even_where_the_root_is_not_read_only(inside: dict[str, Any]) -> None:
    assert inside["writable"] == []


def test_every_module_is_compiled_and_none_is_compared_with_its_source(inside: dict[str, Any]) -> None:
    assert inside["bytecode"] >= inside["modules"] > 1000
    assert not inside["bytecode_compared"]


def test_files_have_one_time_so_that_layers_come_out_the_same(inside: dict[str, Any]) -> None:
    assert inside["times"] == [OLDEST]


def test_a_change_of_the_code_makes_a_small_layer(docker: Any, image: Any) -> None:
    (code, dependencies) = [made["Size"] for made in image.history() if made["CreatedBy"].startswith("COPY /made")]
    assert code < 8 * MEBIBYTE < dependencies
