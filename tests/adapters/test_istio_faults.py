"""Faults in the rules of a VirtualService: which are told, and whose requests they hit."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.resources import Manifest
from rollouts.core.measurement import Subject
from rollouts.core.observed import Fault
from rollouts.traffic.istio_faults import faults_in, side_of_weights


def _faults(*rules: Manifest, of: Subject | None = Subject.BOTH) -> list[Fault]:
    route = {"metadata": {"namespace": "shop", "name": "api"}, "spec": {"http": list(rules)}}
    return list(faults_in(route, lambda _index, _rule: of))


def _words(**fault: Any) -> list[str]:
    return [found.words for found in _faults({"name": "all", "fault": fault})]


@pytest.mark.parametrize(
    ("abort", "words"),
    [
        ({"percentage": {"value": 12.5}, "httpStatus": 555}, ["aborts 12.5 % of its requests with 555"]),
        ({"percent": 7, "httpStatus": 500}, ["aborts 7 % of its requests with 500"]),
        ({"percentage": {"value": 0}, "httpStatus": 500}, []),
        ({"httpStatus": 500}, []),
        ({"percentage": {"value": 50}, "httpStatus": 404}, []),
        ({"percentage": {"value": 50}, "grpcStatus": "UNAVAILABLE"}, []),
        ({"percentage": {"value": "half"}, "httpStatus": 500}, []),
        ({}, []),
    ],
    ids=["percentage", "its older field", "none", "not said", "no failure", "gRPC", "mangled", "empty"],
)
def test_an_abort_is_told_that_fails_requests(abort: Manifest, words: list[str]) -> None:
    """Without a percentage Istio hits none; what is no 5xx is no failure."""
    assert _words(abort=abort) == words


@pytest.mark.parametrize(
    ("delay", "words"),
    [
        ({"percentage": {"value": 100}, "fixedDelay": "7s"}, ["delays 100 % of its requests by 7s"]),
        ({"fixedDelay": "7s"}, []),
        ({"percentage": {"value": 100}}, []),
    ],
    ids=["some", "of nobody", "of no length"],
)
def test_a_delay_is_told(delay: Manifest, words: list[str]) -> None:
    """With how long it is."""
    assert _words(delay=delay) == words


def test_each_names_its_rule_and_what_it_does() -> None:
    """By its name, else by its place; a rule may have both, one that leads elsewhere none of ours."""
    abort = {"percentage": {"value": 1}, "httpStatus": 503}
    delay = {"percentage": {"value": 2}, "fixedDelay": "1s"}
    found = _faults({"name": "one"}, {"fault": {"abort": abort, "delay": delay}}, {"fault": "broken"})

    rule = "http rule 2 of VirtualService shop/api"
    assert found == [
        Fault(rule, "aborts 1 % of its requests with 503", Subject.BOTH, code=503),
        Fault(rule, "delays 2 % of its requests by 1s", Subject.BOTH, delays=True),
    ]
    assert _faults({"fault": {"abort": abort}}, of=None) == []


def test_a_rule_is_whose_requests_it_has() -> None:
    """By what it gives to each."""
    weights = [(1, 1), (1, 0), (0, 1), (0, 0)]
    assert [side_of_weights(*pair) for pair in weights] == [Subject.BOTH, Subject.STABLE, Subject.CANARY, None]
