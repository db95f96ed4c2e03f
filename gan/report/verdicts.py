"""The gate's verdict for the page. Pure."""

from __future__ import annotations

from gan.report.data import CheckRow, Verdict
from gan.types import Json
from gan.util.formatting import format_value


def verdict(record: Json, *, live: bool) -> Verdict:
    """The gate's verdict.

    Args:
        record: runs/<run_id>/verdicts/<name>.json.
        live: whether the judged generator is the live one now.
    """
    return Verdict(
        name=record["name"],
        generator_id=record["generator_id"],
        passed=bool(record["passed"]),
        live=live,
        reasons=tuple(map(str, record["reasons"])),
        notes=tuple(map(str, record.get("notes", ()))),
        checks=tuple(
            CheckRow(
                each["name"].replace("_", " "),
                format_value(each["value"], absent="missing"),
                str(each["allowed"]),
                bool(each["passed"]),
            )
            for each in record["checks"]
        ),
    )
