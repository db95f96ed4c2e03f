"""The words that a webhook gets of a run: a Jinja template over plain facts, escaped as Slack wants it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gan.errors import ConfigError

EVENTS = PROMOTED, REFUSED, FAILED, NOTHING_NEW = "promoted", "refused", "failed", "nothing new"

TEMPLATE = """\
{%- if event == "promoted" -%}
:white_check_mark: *{{ name }}*: {{ generator_id }} went live
{%- elif event == "refused" -%}
:no_entry: *{{ name }}*: {{ generator_id }} was refused
{%- elif event == "failed" -%}
:rotating_light: *{{ name }}*: the run failed{{ " in " ~ step if step }}
{%- else -%}
:zzz: *{{ name }}*: nothing new, so nothing was trained
{%- endif %}
{%- if fid is not none %}
{{ label }} {{ "%.4g"|format(fid) }}
{%- if live_fid is not none %}, the one before {{ "%.4g"|format(live_fid) }}{% endif %}
{%- endif %}
{%- for reason in reasons %}
• {{ reason }}
{%- endfor %}
{%- if run_id %}
run {{ run_id }}{{ ", report " ~ report if report }}
{%- endif %}
{%- if execution %}
execution {{ execution }}
{%- endif %}
"""


@dataclass(frozen=True)
class Notification:
    """What a template may say.

    Attributes:
        event: one of EVENTS.
        name: the promoted name.
        store: the store's URI.
        execution: Kubeflow's id of the run of the pipeline; empty on a machine without it.
        step: the step that failed; empty where none did.
        exit_code: its exit code, as `gan.errors` lists them; None where none is known.
        reasons: why it was promoted or refused, why nothing was trained, or the error: one sentence each.
        run_id: the training run; empty where none was trained.
        generator_id: the generator that was judged; empty where none was.
        live: the generator that is live now; empty for none.
        label, fid: the score of the new generator; None where it was not scored.
        live_fid: the FID of the generator that was live, measured alike; None where it was not.
        report: the URI of the report; empty where there is none.
    """

    event: str
    name: str
    store: str = ""
    execution: str = ""
    step: str = ""
    exit_code: int | None = None
    reasons: tuple[str, ...] = field(default=())
    run_id: str = ""
    generator_id: str = ""
    live: str = ""
    label: str = ""
    fid: float | None = None
    live_fid: float | None = None
    report: str = ""


def message(facts: Notification, template: str | None = None) -> str:
    """The text for the facts; None takes the template that comes along.

    Raises:
        ConfigError: the template is wrong: its syntax, or a name that there is none of.
    """
    import jinja2
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(undefined=jinja2.StrictUndefined, finalize=_escaped)
    try:
        return environment.from_string(template or TEMPLATE).render(_values(facts)).strip()
    except (jinja2.TemplateError, ArithmeticError, TypeError, ValueError, LookupError, AttributeError) as error:
        known = ", ".join(item.name for item in dataclasses.fields(Notification))
        raise ConfigError(
            f"retrain.message is no template that can be filled in: {error}. It may use: {known}; "
            "set it to null for the one that comes along"
        ) from None


def check(template: str) -> None:
    """Make sure that a template can be filled in whatever happens.

    Raises:
        ConfigError: it can't; see `message`.
    """
    whole = Notification(
        "promoted", "faces", "s3://b", "e", "train", 8, ("r",), "r1", "g1", "g0", "fid[x:1]", 1.5, 2.5, "u"
    )
    for event in EVENTS:
        message(dataclasses.replace(whole, event=event), template)
        message(Notification(event, "faces"), template)


def _values(facts: Notification) -> Mapping[str, Any]:
    return {**dataclasses.asdict(facts), "reasons": list(facts.reasons)}


def _escaped(value: Any) -> Any:
    """What a store or an error says must not become a link or a mention: <!channel> would wake everybody."""
    if isinstance(value, str):
        return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return value
