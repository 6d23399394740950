from __future__ import annotations

import json
import subprocess
import sys

import pytest

SCRIPT = """
import structlog
from rollouts.telemetry.logging import set_up_logging
set_up_logging({level!r})
log = structlog.get_logger("x")
log.debug("quiet")
log.warning("loud", canary="shop/app", text="two\\nlines, ä")
try:
    raise ValueError("a defect")
except ValueError:
    log.exception("broken")
"""


def logged(level: str) -> list[dict[str, str]]:
    """What a process with that level writes to stderr."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(level=level)], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


@pytest.mark.parametrize(
    ("level", "events"),
    [("debug", ["quiet", "loud", "broken"]), ("info", ["loud", "broken"]), ("error", ["broken"])],
)
def test_each_line_is_one_object_of_the_level_asked_for(level: str, events: list[str]) -> None:
    """Whatever text or traceback is in it."""
    assert [entry["event"] for entry in logged(level)] == events


def test_a_line_says_when_how_bad_and_what() -> None:
    """Times in UTC, fields as they were given, a defect with its traceback."""
    loud, broken = logged("info")
    assert (loud["level"], loud["canary"], loud["text"]) == ("warning", "shop/app", "two\nlines, ä")
    assert loud["timestamp"].endswith("Z")
    assert "ValueError: a defect" in broken["exception"]
