"""Bad surroundings of a good Canary: a rival, a Prometheus that is not there, a right that is missing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from e2e.first_light.bad_input import Case, plain, play_case, prepare, ready_condition
from e2e.lab.credentials import CONTROLLER
from e2e.play.kubectl import apply, attempt, kubectl
from e2e.play.manifests import moved
from e2e.play.result import Result
from e2e.play.rivals import let_rival_in
from e2e.play.scene import Scene
from e2e.play.waiting import until

_ROLE = "clusterrole/rollouts-controller"
_NOWHERE = "http://127.0.0.1:9"
"""Nothing listens there."""
_WITHIN_S = 60.0


async def play_rivals(scene: Scene) -> list[Result]:
    """Two Canaries on one target: the older goes on, the younger is told so."""
    namespace = "bad-pair"
    await prepare(namespace)
    older = plain("", namespace).canary
    older["metadata"]["name"] = "older-one"
    await apply(older)

    async def serves() -> bool:
        return (await ready_condition(scene, namespace, "older-one")).get("status") == "True"

    await until(serves, what="the older Canary's readiness", within_s=_WITHIN_S)
    younger = moved(older, namespace, "younger-one")
    refused = await let_rival_in(younger)
    case = Case("two Canaries on one target", namespace, younger, ("older-one", "app"))
    results = await play_case(scene, case)
    if refused:
        named = "older-one" in refused
        results.append(
            Result(f"bad input: {case.name}", "its policy refuses it at apply, naming older-one", named, refused)
        )
    condition = await ready_condition(scene, namespace, "older-one")
    detail = f"Ready={condition.get('status')} {condition.get('reason', '')}"
    return [*results, Result(f"bad input: {case.name}", "the older one is unaffected", await serves(), detail)]


async def play_prometheus_absent(scene: Scene) -> list[Result]:
    """The controller is pointed at a Prometheus that does not answer."""
    namespace = "bad-prometheus"
    await prepare(namespace)
    await scene.controller.stop()
    await scene.controller.start(metrics_url=_NOWHERE)
    await scene.controller.become_ready()
    results = await play_case(scene, plain("Prometheus unreachable", namespace, "Prometheus", _NOWHERE))
    await scene.controller.stop()
    await scene.controller.start()
    await scene.controller.become_ready()
    return results


async def play_right_missing(scene: Scene) -> list[Result]:
    """The controller's role lacks one verb on one kind."""
    namespace = "bad-rights"
    await prepare(namespace)
    async with _without_create_deployments(namespace):
        case = plain("RBAC denied for one verb", namespace, "create deployments.apps", "deploy/base/rbac.yaml")
        return await play_case(scene, case)


async def play_kinds_absent(scene: Scene) -> list[Result]:
    """A cluster without Istio; to be played in a lab of profile core, which has no pods either."""
    namespace = "bad-cluster"
    await prepare(namespace, rolled_out=False)
    await scene.controller.start()
    words = ("virtualservices.networking.istio.io", "install Istio's CRDs")
    return await play_case(scene, plain("Istio CRDs absent", namespace, *words))


@asynccontextmanager
async def _without_create_deployments(namespace: str) -> AsyncIterator[None]:
    """Take that right from the controller's role, and give it back."""
    role = json.loads(await kubectl("get", _ROLE, "--output=json"))
    rules = role["rules"]
    changed = [
        {**rule, "verbs": [verb for verb in rule["verbs"] if verb != "create"]}
        if "deployments" in rule["resources"]
        else rule
        for rule in rules
    ]
    await _set_rules(changed)
    try:
        await until(lambda: _is_denied(namespace), what="the right's removal", within_s=10)
        yield
    finally:
        await _set_rules(rules)


async def _set_rules(rules: object) -> None:
    await kubectl("patch", _ROLE, "--type=merge", f"--patch={json.dumps({'rules': rules})}")


async def _is_denied(namespace: str) -> bool:
    question = ("auth", "can-i", "create", "deployments.apps", f"--as={CONTROLLER}", f"--namespace={namespace}")
    return (await attempt(*question)).out.strip() == "no"
