"""Plays one way to leave: installed anew, five Canaries brought to where they are to be, then out, under load."""

from __future__ import annotations

import asyncio
import copy
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from e2e.leaving.cast import STAGE, Role
from e2e.leaving.installation import Installation
from e2e.leaving.judge import LeaveFacts, RoleFacts
from e2e.play.controller import Controller
from e2e.play.installing import DEPLOY
from e2e.play.kubectl import Answer, apply, command, get_objects, kubectl
from e2e.play.scene import Scene
from e2e.play.users_part import Json, Kept, canonical, ours_in, users_part
from e2e.play.waiting import OverdueError, until
from e2e.scenarios.untouched import kept

_READY_WITHIN_S = 90.0
_GONE_WITHIN_S = 60.0
_TAIL_S = 5.0
_HANGING_S = 10.0
"""How long the cluster is left with Canaries that nobody gives back."""
_COMMAND_WITHIN_S = 180.0
_KINDS = (
    "deployments", "services", "configmaps", "secrets", "horizontalpodautoscalers", "poddisruptionbudgets",
    "gateways.networking.istio.io", "virtualservices.networking.istio.io", "destinationrules.networking.istio.io",
)  # fmt: skip
_CLUSTERS = (
    "crd", "namespaces", "clusterroles", "clusterrolebindings", "validatingadmissionpolicies",
    "validatingadmissionpolicybindings", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings",
)  # fmt: skip
_GIVEN_BY_LAB = "kube-root-ca.crt"


@dataclass(frozen=True, slots=True)
class Stay:
    """An installed program with its Canaries."""

    scene: Scene
    roles: Sequence[Role]
    installation: Installation
    version: str
    """What each release brings."""


Way = Callable[[Stay], Awaitable[Answer]]


async def play_way(stay: Stay, name: str) -> LeaveFacts:
    """Be there, and leave. Raises OverdueError if it can't be got there."""
    before = [await _objects(role) for role in stay.roles]
    await stay.installation.install()
    await apply(*(role.canary for role in stay.roles))
    await until(lambda: _all(stay, _at_first), what="all Canaries at rest", within_s=_READY_WITHIN_S)
    if not stay.scene.records():
        stay.scene.start_load()
    for role in stay.roles:
        if role.released:
            words = ("set", "env", f"deployment/{role.released}", f"VERSION={stay.version}")
            await kubectl(*words, f"--namespace={role.namespace}")
    await until(lambda: _all(stay, _there), what="all Canaries where they are to be", within_s=_READY_WITHIN_S)
    await asyncio.sleep(_TAIL_S)
    kubelet = asyncio.create_task(stay.installation.be_its_kubelet())
    began_at_s, overdue = time.time(), ""
    answer = await WAYS[name](stay)
    took_s = time.time() - began_at_s
    try:
        await until(_nothing_left, what="the end of all that was installed", within_s=_GONE_WITHIN_S)
        await asyncio.wait_for(kubelet, _GONE_WITHIN_S)
    except (OverdueError, TimeoutError) as error:
        overdue = f"{error}"
        kubelet.cancel()
    gone_s = time.time() - began_at_s
    await asyncio.sleep(_TAIL_S)
    return LeaveFacts(
        way=name,
        answer=answer,
        took_s=took_s,
        gone_s=gone_s,
        left=tuple(await _left()),
        roles=tuple([await _seen(stay, role, was, began_at_s) for role, was in zip(stay.roles, before, strict=True)]),
        ended_cleanly=stay.installation.ended_cleanly,
        overdue=overdue,
    )


async def _uninstall(_stay: Stay) -> Answer:
    return await command(sys.executable, "-m", "rollouts", "uninstall", "--yes", within_s=_COMMAND_WITHIN_S)


async def _delete_at_once(_stay: Stay) -> Answer:
    return await command("kubectl", "delete", "-k", DEPLOY, within_s=_COMMAND_WITHIN_S)


async def _killed(stay: Stay) -> Answer:
    """Nobody is left to give anything back: what the page on installing says for this case is done."""
    await stay.installation.controller.kill()
    answer = await command("kubectl", "delete", "-k", DEPLOY, "--wait=false", within_s=_COMMAND_WITHIN_S)
    await asyncio.sleep(_HANGING_S)
    lab = stay.scene.lab
    rescuer = Controller(lab, command="controller", kubeconfig=lab["KUBECONFIG"])
    await rescuer.start(settings={"ROLLOUTS_LEASE_S": "0"})
    try:
        await until(_nothing_left, what="the end of all Canaries", within_s=_GONE_WITHIN_S)
    except OverdueError as error:
        return Answer(1, answer.out, f"{answer.said}{error}")
    finally:
        await rescuer.stop()
    return answer


WAYS: Mapping[str, Way] = {"uninstall": _uninstall, "delete at once": _delete_at_once, "killed": _killed}


async def _all(stay: Stay, fits: Callable[[Role, Json], bool]) -> bool:
    found = json.loads(await kubectl("get", "canaries.rollouts.dev", "--all-namespaces", "--output=json"))["items"]
    by_name = {(item["metadata"]["namespace"], item["metadata"]["name"]): item.get("status") or {} for item in found}
    return all(fits(role, by_name.get((role.namespace, role.canary_name), {})) for role in stay.roles)


def _at_first(_role: Role, status: Json) -> bool:
    return status.get("phase") == "Initialized"


def _there(role: Role, status: Json) -> bool:
    return (status.get("phase"), status.get("observedWeight") or 0) == (role.phase, role.weight)


async def _objects(role: Role) -> list[Json]:
    found = await get_objects(role.namespace, _KINDS)
    return [item for item in found if item["metadata"]["name"] not in {_GIVEN_BY_LAB, "kubernetes"}]


async def _seen(stay: Stay, role: Role, before: Sequence[Json], since_s: float) -> RoleFacts:
    now = await _objects(role)
    running = {
        item["metadata"]["name"] for item in now
        if item["kind"] == "Deployment" and (item.get("status") or {}).get("availableReplicas")
    }  # fmt: skip
    expected = [_released(item, role, stay.version) for item in before]
    return RoleFacts(
        role=role,
        records=stay.scene.records_of(role.name, since_s),
        running=frozenset(running),
        before=_kept(expected, role),
        now=_kept(now, role),
        marks=tuple(((item["kind"], item["metadata"]["name"]), mark) for item in now for mark in ours_in(item)),
    )


def _kept(objects: Sequence[Json], role: Role) -> Kept:
    if role.namespace == "default":
        return kept(objects, STAGE)
    return {(item["kind"], item["metadata"]["name"]): canonical(users_part(item)) for item in objects}


def _released(item: Json, role: Role, version: str) -> Json:
    """As its user has it, who has released a version."""
    if (item["kind"], item["metadata"]["name"]) != ("Deployment", role.released):
        return item
    changed = copy.deepcopy(item)
    for entry in changed["spec"]["template"]["spec"]["containers"][0]["env"]:
        if entry["name"] == "VERSION":
            entry["value"] = version
    return changed


async def _left() -> list[str]:
    """What was installed, and is there still."""
    found = (await kubectl("get", ",".join(_CLUSTERS), "--output=name")).split()
    return [name for name in found if "rollouts" in name]


async def _nothing_left() -> bool:
    return not await _left()
