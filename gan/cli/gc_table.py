"""What `gan gc` found, as a table."""

from __future__ import annotations

from gan.types import Json
from gan.util.formatting import format_bytes


def format_table(details: Json) -> str:
    """A line for each object with its size and why it goes, and the total; then the unreadable records."""
    rows = [(each["kind"], each["id"], format_bytes(each["bytes"]), each["why"]) for each in details["trash"]]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    lines = [
        f"{kind:<{widths[0]}}  {name:<{widths[1]}}  {bytes_:>{widths[2]}}  {why}" for kind, name, bytes_, why in rows
    ]
    total = f"{len(rows)} objects, {format_bytes(details['bytes'])}"
    if not rows:
        lines.append("nothing to delete")
    elif details["deleted"]:
        lines.append(f"deleted: {total}")
    else:
        lines.append(f"would delete: {total}; to delete them, run the same command with --delete")
    if details["unreadable"]:
        lines += ["kept everything that these may refer to, because they can't be read:", *details["unreadable"]]
    return "\n".join(lines)
