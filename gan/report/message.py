"""The text of a webhook message about a run: a Jinja template, escaped for Slack."""

from __future__ import annotations

import dataclasses
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
    """The variables of a template.

    Attributes:
        event: one of EVENTS.
        name: the promoted name.
        store: the store's URI.
        execution: Kubeflow's id of the pipeline run; empty without Kubeflow.
        step: the step that failed, or empty.
        exit_code: its exit code (see `gan.errors`); None if unknown.
        reasons: why it was promoted or refused, why nothing was trained, or the error: one sentence each.
        run_id: the training run; empty if nothing was trained.
        generator_id: the generator that was judged, or empty.
        live: the generator that is live now, or empty.
        label, fid: the score of the new generator; `fid` is None if it was not scored.
        live_fid: the FID of the generator that was live before, under the same identity, or None.
        report: the URI of the report, or empty.
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


def message(notification: Notification, template: str | None = None) -> str:
    """The text of a notification; the default template if `template` is None.

    Raises:
        ConfigError: the template has a syntax error or an unknown variable.
    """
    import jinja2
    from jinja2.sandbox import SandboxedEnvironment

    variables = {**dataclasses.asdict(notification), "reasons": list(notification.reasons)}
    environment = SandboxedEnvironment(undefined=jinja2.StrictUndefined, finalize=_escaped)
    try:
        return environment.from_string(template or TEMPLATE).render(variables).strip()
    except (jinja2.TemplateError, ArithmeticError, TypeError, ValueError, LookupError, AttributeError) as error:
        known = ", ".join(item.name for item in dataclasses.fields(Notification))
        raise ConfigError(
            f"retrain.message is not a valid template: {error}. It may use: {known}; "
            "set it to null for the default template"
        ) from None


def check(template: str) -> None:
    """Check that a template can be rendered for every event.

    Raises:
        ConfigError: see `message`.
    """
    complete = Notification(
        "promoted", "faces", "s3://b", "e", "train", 8, ("r",), "r1", "g1", "g0", "fid[x:1]", 1.5, 2.5, "u"
    )
    for event in EVENTS:
        message(dataclasses.replace(complete, event=event), template)
        message(Notification(event, "faces"), template)


def _escaped(value: Any) -> Any:
    """Escape text so that it can't become a link or a mention: <!channel> would notify everybody."""
    if isinstance(value, str):
        return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return value
