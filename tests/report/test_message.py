from __future__ import annotations

import dataclasses
import re

import pytest

from gan.errors import ConfigError
from gan.report.message import EVENTS, Notification, check, message

WHOLE = Notification(
    event="promoted",
    name="faces",
    store="s3://gan/faces",
    execution="0c1d",
    reasons=("3 images came",),
    run_id="faces-1",
    generator_id="gen-2",
    live="gen-2",
    label="fid[faces-cnn:1a2b3c]",
    fid=12.345678,
    live_fid=13.5,
    report="s3://gan/faces/runs/faces-1/report.html",
)


def test_a_promotion_in_full() -> None:
    assert message(WHOLE).splitlines() == [
        ":white_check_mark: *faces*: gen-2 went live",
        "fid[faces-cnn:1a2b3c] 12.35, the one before 13.5",
        "• 3 images came",
        "run faces-1, report s3://gan/faces/runs/faces-1/report.html",
        "execution 0c1d",
    ]


def test_a_training_that_was_not_healthy_is_named() -> None:
    ill = dataclasses.replace(WHOLE, health=("collapsed at step 300: image_spread is 0.004, below 0.02",))
    assert (
        ":warning: the training was collapsed at step 300: image_spread is 0.004, below 0.02"
        in message(ill).splitlines()
    )
    assert message(ill, "{% for each in health %}{{ each }}{% endfor %}").startswith("collapsed")


def test_the_least_that_can_be_told() -> None:
    assert message(Notification("nothing new", "faces", reasons=("the data are those of the live generator",))) == (
        ":zzz: *faces*: nothing new, so nothing was trained\n• the data are those of the live generator"
    )
    assert message(Notification("failed", "faces", step="train", reasons=("loss is nan",))).startswith(
        ":rotating_light: *faces*: the run failed in train\n"
    )
    assert message(Notification("refused", "faces", generator_id="gen-3")) == ":no_entry: *faces*: gen-3 was refused"


def test_what_an_error_says_is_no_markup() -> None:
    text = message(Notification("failed", "faces", reasons=("no <!channel> & no <https://x|y>",)))
    assert "no &lt;!channel&gt; &amp; no &lt;https://x|y&gt;" in text


def test_words_of_ones_own() -> None:
    template = "{{ name }}: {{ event }}{% if fid is not none %} ({{ '%.1f'|format(fid) }}){% endif %} <{{ store }}>"
    check(template)
    assert message(WHOLE, template) == "faces: promoted (12.3) <s3://gan/faces>"
    assert message(Notification("failed", "faces"), template) == "faces: failed <>"


@pytest.mark.parametrize(
    "template",
    [
        "{{ nme }}",
        "{% if event %}",
        "{{ '%.1f'|format(fid) }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ 1 / 0 }}",
        "{{ reasons[99].x }}",
    ],
)
def test_a_template_that_fails_for_some_event_is_refused_beforehand(template: str) -> None:
    with pytest.raises(ConfigError, match=r"retrain.message is not a valid template: .*It may use: event"):
        check(template)


def test_the_one_that_comes_along_fits_every_event() -> None:
    for event in EVENTS:
        assert re.search(r"\*faces\*", message(Notification(event, "faces")))
