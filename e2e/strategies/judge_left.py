"""What is expected of a DaemonSet whose Canary was deleted: it runs on its nodes by itself, and answers. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from e2e.play.given_back import GivenBack, judge_given_back
from e2e.play.result import Result

COPIES = ("DaemonSet app-primary", "Service app-canary", "Service app-primary")


@dataclass(frozen=True, slots=True)
class PodsSeen:
    """A DaemonSet's pods, as Kubernetes counts them."""

    nodes: int
    """How many the cluster has."""
    wanted: int
    updated: int
    """Of its present template."""
    available: int
    tied_to: str
    """The one node that its template names; empty if the scheduler decides."""


def read_pods(daemon_set: Mapping[str, Any], nodes: int) -> PodsSeen:
    """What counts of a DaemonSet. Counts that are not of its present template are none."""
    status = daemon_set.get("status") or {}
    if status.get("observedGeneration") != daemon_set["metadata"]["generation"]:
        status = {}
    return PodsSeen(
        nodes=nodes,
        wanted=status.get("desiredNumberScheduled", 0),
        updated=status.get("updatedNumberScheduled", 0),
        available=status.get("numberAvailable", 0),
        tied_to=daemon_set["spec"]["template"]["spec"].get("nodeName", ""),
    )


def judge_left(facts: GivenBack, pods: PodsSeen) -> Iterator[Result]:
    """Every expectation of it."""
    yield from judge_given_back(facts, COPIES)
    whole = pods.nodes == pods.wanted == pods.updated == pods.available > 0
    detail = f"{pods.available} available of {pods.wanted} on {pods.nodes} nodes, {pods.updated} of its template"
    tied = f", tied to node {pods.tied_to}" if pods.tied_to else ""
    yield Result(facts.story, "a pod of the target is on each node", whole and not pods.tied_to, detail + tied)
