from __future__ import annotations

import pytest

from rollouts.core.in_force import Counted, Expected, InForce, Kind, NotInForce, Unknown, Verdict, compare

TENTH = Expected(0.1)
WORDS = "the canary got {} of {} requests ({} %) in 60 s, {} % are asked for"


@pytest.mark.parametrize(
    ("expected", "canary", "primary", "verdict"),
    [
        pytest.param(TENTH, 240, 2160, InForce, id="just so"),
        pytest.param(TENTH, 12, 2388, NotInForce, id="hardly any"),
        pytest.param(TENTH, 0, 2400, NotInForce, id="none"),
        pytest.param(TENTH, 62, 2338, InForce, id="half of it, less what chance can do"),
        pytest.param(TENTH, 61, 2339, NotInForce, id="one less"),
        pytest.param(TENTH, 809, 1591, InForce, id="three times as many, and what chance can do"),
        pytest.param(TENTH, 810, 1590, NotInForce, id="one more"),
        pytest.param(Expected(0.1, unlimited=True), 2400, 0, InForce, id="others call it too"),
        pytest.param(TENTH, 0, 100, NotInForce, id="ten would be just enough to tell"),
        pytest.param(TENTH, 1, 99, InForce, id="one of ten"),
        pytest.param(TENTH, 0, 99, Unknown, id="too few"),
        pytest.param(TENTH, 0, 0, Unknown, id="none at all"),
        pytest.param(Expected(0.01), 400, 100, NotInForce, id="far too many for a small share"),
        pytest.param(Expected(0.01), 0, 100, Unknown, id="a small share of few"),
        pytest.param(Expected(1.0), 100, 0, InForce, id="all"),
        pytest.param(Expected(1.0), 49, 51, NotInForce, id="less than half of all"),
        pytest.param(Expected(0.9), 1000, 0, InForce, id="all where most are asked for"),
        pytest.param(Expected(0.1, Kind.SOME), 1, 10000, InForce, id="some"),
        pytest.param(Expected(0.1, Kind.SOME), 10000, 1, InForce, id="more than some"),
        pytest.param(Expected(0.1, Kind.SOME), 0, 100, NotInForce, id="not even some"),
        pytest.param(Expected(0.1, Kind.SOME), 0, 99, Unknown, id="perhaps some later"),
        pytest.param(Expected(0.5, Kind.COPIES), 3, 100, InForce, id="copies"),
        pytest.param(Expected(0.5, Kind.COPIES), 0, 20, NotInForce, id="no copies"),
        pytest.param(Expected(0.5, Kind.COPIES), 0, 19, Unknown, id="too few to copy"),
        pytest.param(Expected(0.5, Kind.PERHAPS), 1, 1000, InForce, id="one that matches"),
        pytest.param(Expected(0.5, Kind.PERHAPS), 0, 1000, Unknown, id="none that matches"),
    ],
)
def test_what_counts_say(expected: Expected, canary: float, primary: float, verdict: type[Verdict]) -> None:
    """Within the band, outside it, or not enough to tell."""
    assert isinstance(compare(expected, Counted(canary, primary, 60)), verdict)


def test_it_is_said_with_its_numbers() -> None:
    """And where to look."""
    counted = Counted(12.2, 2387.8, 60)
    assert compare(TENTH, counted).message == (
        WORDS.format("12", "2,400", "0.5", "10") + ": something leads past the routes: another VirtualService, a "
        "gateway's route, or clients without a sidecar (istioctl proxy-config routes shows it)"
    )
    assert compare(TENTH, Counted(900, 100, 60)).message == (
        WORDS.format("900", "1,000", "90.0", "10") + ": something else leads to the canary, or clients call its own "
        "Service: if that is meant, set analysis.shareCheck to some"
    )
    assert compare(TENTH, Counted(0, 0, 60)).message == WORDS.format("0", "0", "0.0", "10") + ": too few to tell"
    copies = compare(Expected(0.5, Kind.COPIES), Counted(50, 100, 60)).message
    assert copies == "the canary got 50 copies of 100 requests in 60 s, of 50 % are asked for"
    matching = compare(Expected(0.5, Kind.PERHAPS), Counted(0, 100, 60)).message
    assert matching.endswith("50 % of those that match are asked for; whether any matched is not counted")
