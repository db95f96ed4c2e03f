"""What the result of a step says, in lines for people: `gan-pipelines status` shows them. Each takes its details."""

from __future__ import annotations

from gan.cli.output import score_lines
from gan.types import Json


def decision(details: Json) -> list[str]:
    """Whether there was a reason to train, and the reasons."""
    if "train" not in details:
        return []
    heading = "it was to be trained:" if details["train"] else "nothing new, so nothing was trained:"
    return ["", heading, *(f"  - {reason}" for reason in details["reasons"])]


def scores(details: Json) -> list[str]:
    """The scores as a table."""
    return ["", *score_lines(details)] if details.get("scores") else []


def verdict(details: Json) -> list[str]:
    """What the gate decided, and why it refused."""
    if "passed" not in details:
        return []
    heading = "the gate passed it" if details["passed"] else "the gate refused it"
    return ["", heading, *(f"  - {reason}" for reason in details.get("reasons", []))]


def promotion(details: Json) -> list[str]:
    """The generator that is live now."""
    return [f'{details["live"]} is live under the name "{details["name"]}"'] if details.get("live") else []


def notification(details: Json) -> list[str]:
    """Why nobody was notified; nothing where somebody was."""
    return [f"nobody was notified: {details['why_not']}"] if details.get("why_not") else []
