"""Label selectors as a real API server evaluates them in a list: what core/label_selector.py says is the same."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from rollouts.api.resources import Manifest
from rollouts.core.label_selector import in_query, selects
from rollouts.kube.cluster import KubeCluster
from rollouts.kube.requests import list_selected
from rollouts.kube.transport import Transport
from rollouts.ports import Create
from tests.kube.test_real_server import cluster, real, real_clock, space  # noqa: F401 - fixtures
from tests.kube.waiting import CONFIG_MAPS

pytestmark = pytest.mark.kube

KEYS, VALUES = ("app", "tier", "track"), ("a", "b", "")
SELECTORS = 200


def some_selector(random: Random) -> Manifest:
    """One of any shape that the API knows."""
    labels = {key: random.choice(VALUES) for key in random.sample(KEYS, random.randint(0, 2))}
    return {"matchLabels": labels, "matchExpressions": [some_term(random) for _ in range(random.randint(0, 3))]}


def some_term(random: Random) -> dict[str, Any]:
    """One expression; only In and NotIn have values."""
    operator = random.choice(("In", "NotIn", "Exists", "DoesNotExist"))
    values = random.sample(VALUES, random.randint(1, 3)) if operator.endswith("In") else []
    return {"key": random.choice(KEYS), "operator": operator, "values": values}


async def test_every_selector_selects_what_the_server_lists(
    real: Transport,  # noqa: F811
    cluster: KubeCluster,  # noqa: F811
    space: str,  # noqa: F811
) -> None:
    """All combinations of three labels, with and without a value, against two hundred selectors of any shape."""
    choices = [None, *VALUES]
    everyone = {
        f"n{i}-{j}-{k}": {key: value for key, value in zip(KEYS, (one, two, three), strict=True) if value is not None}
        for i, one in enumerate(choices) for j, two in enumerate(choices) for k, three in enumerate(choices)
    }  # fmt: skip
    async with asyncio.TaskGroup() as tasks:
        for name, labels in everyone.items():
            metadata = {"namespace": space, "name": name, "labels": labels}
            tasks.create_task(cluster.write(Create(CONFIG_MAPS, {"metadata": metadata})))
    random = Random(20)
    for _ in range(SELECTORS):
        selector = some_selector(random)
        answer = await real.send(list_selected(CONFIG_MAPS, space, selector=in_query(selector), limit=500))
        listed = {found["metadata"]["name"] for found in answer.manifest()["items"]}
        ours = {name for name, labels in everyone.items() if selects(selector, labels)}
        assert listed - {"kube-root-ca.crt"} == ours, selector
