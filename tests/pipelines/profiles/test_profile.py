from __future__ import annotations

from pathlib import Path

import pytest

from components.registry import STEPS
from gan.errors import ConfigError, NotFoundError
from pipelines.profiles.profile import Profile, load_profile, profile_names
from pipelines.profiles.resources import Resources, Toleration

GPU_STEPS = {"reference", "train", "evaluate", "remeasure", "trial"}


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_shipped_profiles() -> None:
    assert set(profile_names()) == {"local", "cpu-small", "gpu-t4", "gpu-l4", "gpu-a100-spot"}
    for name in profile_names():
        profile = load_profile(name)
        assert profile.name == name
        assert profile.about
        with_gpu = {step for step in STEPS if profile.resources(step).accelerator}
        assert with_gpu == (GPU_STEPS if name.startswith("gpu-") else set())


def test_a_step_gets_the_default_but_for_its_own_keys() -> None:
    profile = Profile("p", default=Resources(cpu="2", memory="4Gi"), steps={"train": {"memory": "8Gi"}})
    assert profile.resources("train") == Resources(cpu="2", memory="8Gi")
    assert profile.resources("gate") == Resources(cpu="2", memory="4Gi")


def test_a_file_extends_a_shipped_profile_key_by_key(tmp_path: Path) -> None:
    text = """
    extends: gpu-t4
    service_account: trainer
    store_secret: null
    default: {priority: gan-interactive}
    steps: {train: {accelerator_count: 2, workers: 4}}
    """
    mine, shipped = load_profile(write(tmp_path, text)), load_profile("gpu-t4")
    assert (mine.name, mine.service_account, mine.store_secret) == ("mine", "trainer", None)
    train = mine.resources("train")
    assert (train.accelerator_count, train.workers, train.priority) == (2, 4, "gan-interactive")
    assert train.node_selector == shipped.resources("train").node_selector
    assert train.tolerations == (Toleration("nvidia.com/gpu"),)
    assert mine.resources("evaluate").accelerator_count == 1
    assert mine.resources("gate").cpu == shipped.resources("gate").cpu


def test_a_file_stands_alone_without_extends(tmp_path: Path) -> None:
    profile = load_profile(write(tmp_path, "name: two-cores\ndefault: {cpu: 2}"))
    assert profile == Profile("two-cores", default=Resources(cpu="2"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "profile mine must be a mapping"),
        ("a: [", "is not valid YAML"),
        ("defaults: {}", 'did you mean "default"?'),
        ("name: a/b", "the name of a profile must be 1 to 100 letters"),
        ("default: {cpus: 2}", 'did you mean "cpu"?'),
        ("default: 2", "profile mine: default must be a mapping"),
        ("default: {memory: lots}", "profile mine: memory must be a size"),
        ("steps: [train]", "profile mine: steps must be a mapping"),
        ("steps: {trainn: {}}", 'did you mean "train"?'),
        ("steps: {train: 2}", "profile mine, step train must be a mapping"),
        ("steps: {train: {memry: 2Gi}}", 'did you mean "memory"?'),
        ("steps: {train: {memory: lots}}", "profile mine, step train: memory must be a size"),
        ("steps: {gate: {workers: 2}}", "only train takes several workers"),
        ("extends: gpu-t5", 'did you mean "gpu-t4"?'),
        ("{extends: gpu-t4, steps: {train: null}}", "profile mine, step train must be a mapping"),
        ("{extends: gpu-t4, default: []}", "profile mine: default must be a mapping"),
    ],
)
def test_what_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_profile(write(tmp_path, text))
    assert message in str(caught.value)


def test_an_unknown_profile_names_the_nearest_and_the_way_out() -> None:
    with pytest.raises(NotFoundError, match='unknown profile "gpu-l5"; did you mean "gpu-l4"') as caught:
        load_profile("gpu-l5")
    assert "path of a YAML file" in str(caught.value)


def test_a_file_that_can_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="can't read the profile"):
        load_profile(str(path))


def test_the_webhooks_secret_must_be_able_to_name_a_volume() -> None:
    with pytest.raises(ConfigError, match=r'notify_secret must be at most 63 small letters.*; got "team.webhook"'):
        Profile("p", notify_secret="team.webhook")  # noqa: S106
