"""What the model alone can tell of a window: that its cron and its zone exist."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from rollouts.api.canary import CanarySpec
from rollouts.api.invalid import explain_invalid
from tests.api.canaries import good_spec

GOOD = {"schedule": "0 9 * * MON-FRI", "duration": "8h"}


def _spec(**window: Any) -> CanarySpec:
    return CanarySpec.model_validate(good_spec() | {"windows": [GOOD | window]})


@pytest.mark.parametrize(
    ("window", "says"),
    [
        ({"schedule": "61 9 * * *"}, "schedule: bad minute in '61 9 * * *': write five fields of cron, such as"),
        ({"schedule": "0 9 * * 9"}, "schedule: bad day-of-week in"),
        ({"schedule": "0 9 30 2 *"}, "schedule: bad day-of-month in"),
        ({"schedule": "* * */20 * 1L"}, "schedule: '* * */20 * 1L' never comes: there is no such day"),
        ({"schedule": ""}, "schedule: write five fields of cron"),
        ({"timeZone": "Europe/Berln"}, "timeZone: there is no time zone 'Europe/Berln': write a name such as"),
        ({"timeZone": "Europe"}, "timeZone: there is no time zone 'Europe'"),
        ({"timeZone": "../etc/passwd"}, "timeZone: there is no time zone"),
        ({"timeZone": ""}, "timeZone: there is no time zone"),
        ({"duration": "168h1s"}, "duration: at most 168h"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_wrong_is_said_with_the_way_out(window: dict[str, str], says: str) -> None:
    """In the words of the condition SpecInvalid."""
    with pytest.raises(ValidationError) as refused:
        _spec(**window)
    assert says in explain_invalid(refused.value)


def test_defaults_are_the_plain_ones() -> None:
    """In UTC, allowing, and a release that has begun is held."""
    spec = _spec(duration="168h")
    assert (spec.windows[0].time_zone, spec.windows[0].effect, spec.on_close) == ("UTC", "allow", "hold")
    assert spec.windows[0].duration_s == 7 * 86400
