"""A tool that heals itself every ten seconds, beside two Canaries at once: one of subsets, one of a Deployment.

Released by a commit, with all that deploy/ has for such a tool, and then without any of it; by a tool that applies from
the client's side, by one that does on the server, and by one that does as Flux. In the middle of each release somebody
commits another timeout into each VirtualService: that has to come in.
"""

from __future__ import annotations

import asyncio
import copy
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import yaml

from e2e.gitops.flux import EXAMPLE, Kustomization
from e2e.gitops.ignore import CONFIGURED, SHIPPED, Ignored
from e2e.gitops.sync import Sync, install_policy, remove_policy
from e2e.gitops.tool import CLIENT_SIDE, FLUX, SERVER_SIDE, Healed, Tool
from e2e.lab.layout import CHECKOUT
from e2e.play.kubectl import kubectl
from e2e.play.manifests import EXAMPLES, paced
from e2e.play.playbook import Story, play
from e2e.play.result import Json, Result
from e2e.play.scene import Scene, opened
from e2e.play.waiting import OverdueError, until
from e2e.scenarios.stage import Stage

MODE = "drift"
INTERVAL_S = 10.0
LEAST_LOOKS = 4
"""Of each release. A look that heals all objects takes some seconds itself."""
_SUBSETS = Stage("scenario-1", "anything.example", "canary", "v1", INTERVAL_S)
_CLIENTS = {"of subsets": {"Host": _SUBSETS.host}, "of a Deployment": {"Host": "shop.example"}}
_RATE_PER_S = 120.0
_POLICIES = CHECKOUT / "deploy" / "policies"
_CANARIES = ("canary", "app")
_WITHIN_S = 150.0


@dataclass(slots=True)
class Drift:
    """What is played with."""

    scene: Scene
    tool: Tool
    results: list[Result] = field(default_factory=list)
    figures: list[Json] = field(default_factory=list)


def objects_of_git() -> list[Json]:
    """All that is in Git: both applications with their routes, their scaling and their Canaries."""
    files = ("app", "routing", "canary")
    ours = [one for file in files for one in yaml.safe_load_all((EXAMPLES / "gitops" / f"{file}.yaml").read_text())]
    paced_ones = [paced(one, INTERVAL_S) if one["kind"] == "Canary" else one for one in ours]
    return [*map(_sizeless, _SUBSETS.objects), _SUBSETS.canary, *paced_ones]


def _sizeless(manifest: Json) -> Json:
    """Without replicas, as docs/gitops.md has it: who syncs a template sends them along."""
    return {**manifest, "spec": {key: value for key, value in manifest["spec"].items() if key != "replicas"}}


async def play_drift(results: list[Result], figures: list[Json]) -> None:
    """All stories."""
    async with opened(INTERVAL_S, _CLIENTS, _RATE_PER_S) as scene:
        drift = Drift(scene, Tool(CLIENT_SIDE, objects_of_git(), Ignored()), results, figures)
        stories: dict[str, Story] = {"start": partial(_start, drift)}
        for version, (way, tell, words) in enumerate(_STORIES, start=2):
            story = f"{way}, {words}"
            stories[story] = partial(tell, drift, way, story, str(version))
        await play(stories, results, announce=lambda name: print(f"-- {name}", flush=True))


async def _start(drift: Drift) -> bool:
    await drift.tool.first()
    for name in ("appv1", "appv2", "app"):
        await kubectl("rollout", "status", f"deployment/{name}", "--timeout=60s")
    await drift.scene.controller.start()
    await drift.scene.controller.become_ready()
    await until(lambda: _all_in({"Initialized"}), what="both Canaries are Initialized", within_s=_WITHIN_S, every_s=1.0)
    drift.scene.start_load()
    drift.results.append(Result("start", "both Canaries are at rest", ok=True))
    return True


async def _with_deploy(drift: Drift, way: str, story: str, version: str) -> bool:
    await kubectl("apply", "--server-side", f"--kustomize={_POLICIES}")
    await install_policy(Sync(_SUBSETS, _SYNCED[way]))
    drift.tool = await _told_all(way, drift.tool.git.values())
    released = await _release(drift, story, version)
    healed = drift.tool.healed
    drift.results += [
        Result(story, "nothing is reverted", not healed.reverted, _told(healed.reverted) or "0"),
        Result(story, "what each sync did is known", not healed.untold, _told(healed.untold)),
        Result(story, "in the end Git and what stands are one", not await _differs_now(drift), _told(healed.differed)),
    ]
    return released


async def _told_all(way: str, git: Iterable[Json]) -> Tool:
    """A tool that knows what we have for it: deploy/argocd/, or the patches of Flux's example."""
    if way != FLUX:
        return Tool(way, git, _as_shipped())
    tool = Tool(way, git, Ignored(), _flux())
    await tool.look()  # at rest: what it writes on each object when it takes them over is nothing that it reverts
    return tool


def _flux() -> Kustomization:
    """As examples/gitops/ has it."""
    return Kustomization.of(EXAMPLE.read_text(encoding="utf-8"))


def _as_shipped() -> Ignored:
    """What deploy/argocd/ has for an Application and for Argo CD itself."""
    return Ignored.of(SHIPPED.read_text(encoding="utf-8")).configured(CONFIGURED.read_text(encoding="utf-8"))


async def _without(drift: Drift, way: str, story: str, version: str) -> bool:
    bare = replace(_flux(), patches=()) if way == FLUX else None
    drift.tool = Tool(way, [_sized(one) for one in drift.tool.git.values()], Ignored(), bare)
    await remove_policy(Sync(_SUBSETS, _SYNCED[way]))
    released = await _release(drift, story, version)
    reverted = drift.tool.healed.reverted
    for part in (".weight", ".replicas", "Service app .spec.selector"):
        found = any(part in name for name in reverted)
        drift.results.append(Result(story, f"it reverts {part.strip('.')}", found, _told(reverted) or "nothing"))
    return released


_STORIES = (
    (CLIENT_SIDE, _with_deploy, "with deploy/"),
    (SERVER_SIDE, _with_deploy, "with deploy/"),
    (FLUX, _with_deploy, "with deploy/"),
    (CLIENT_SIDE, _without, "without it"),
    (SERVER_SIDE, _without, "without it"),
    (FLUX, _without, "without it"),
)
_SYNCED = {CLIENT_SIDE: CLIENT_SIDE, SERVER_SIDE: SERVER_SIDE, FLUX: SERVER_SIDE}
"""As which way of e2e/gitops/sync.py each applies, where the policy is asked whether it is at work."""

"""In this order: whoever takes replicas out of Git that were applied has them set to one, by Kubernetes' own rules."""


async def _release(drift: Drift, story: str, version: str) -> bool:
    """Both at once, by a commit; and a timeout in the middle, which tells of the version."""
    waits, subset = f"{version}0s", "appv2" if int(version) % 2 == 0 else "appv1"
    tool, began_s, overdue = drift.tool, time.time(), ""
    before, tool.healed = await _promoted(), Healed()
    async with tool.at_work():
        tool.commit(*(_versioned(tool.git["Deployment", name], version) for name in (subset, "app")))
        try:
            await until(
                lambda: _all_in({"Progressing"}), what="both releases are under way", within_s=_WITHIN_S, every_s=1.0
            )
            tool.commit(*(_timed(tool.git["VirtualService", name], waits) for name in _CANARIES))
            await until(
                lambda: _all_promoted(before), what="both releases are promoted", within_s=_WITHIN_S, every_s=1.0
            )
            await asyncio.sleep(INTERVAL_S + 1)
        except OverdueError as error:
            overdue = str(error)
    took_s, landed = time.time() - began_s, await _timeouts()
    failed = [record for record in drift.scene.records(began_s) if record.failed]
    drift.results += [
        Result(story, "both releases are promoted", not overdue, overdue or f"{took_s:.0f} s"),
        Result(story, "the tool has looked often enough", tool.healed.looks >= LEAST_LOOKS, f"{tool.healed.looks}"),
        Result(story, "another timeout comes in, in mid-release", landed == {waits}, ", ".join(sorted(landed))),
    ]
    drift.figures.append({
        "run": story, "lasted_s": round(took_s, 1), "looks": tool.healed.looks,
        "differed": tool.healed.differed, "reverted": tool.healed.reverted,
        "requests": len(drift.scene.records(began_s)), "errors": len(failed),
    })  # fmt: skip
    return not overdue


def _sized(manifest: Json) -> Json:
    """As most people write it."""
    return {**manifest, "spec": {**manifest["spec"], "replicas": 2}} if manifest["kind"] == "Deployment" else manifest


def _versioned(deployment: Json, version: str) -> Json:
    changed = copy.deepcopy(deployment)
    for entry in changed["spec"]["template"]["spec"]["containers"][0]["env"]:
        if entry["name"] == "VERSION":
            entry["value"] = version
    return changed


def _timed(route: Json, waits: str) -> Json:
    changed = copy.deepcopy(route)
    changed["spec"]["http"][-1]["timeout"] = waits
    return changed


async def _timeouts() -> set[str]:
    """Of the last rule of each VirtualService, as it stands."""
    found = await _stored("virtualservices", _CANARIES)
    return {str(one["spec"]["http"][-1].get("timeout", "none")) for one in found}


async def _differs_now(drift: Drift) -> bool:
    drift.tool.healed.differed = {}
    await drift.tool.look()
    return bool(drift.tool.healed.differed)


async def _all_in(phases: set[str]) -> bool:
    found = await _stored("canaries.rollouts.dev", _CANARIES)
    return len(found) == len(_CANARIES) and all((one.get("status") or {}).get("phase") in phases for one in found)


async def _promoted() -> dict[str, str]:
    found = await _stored("canaries.rollouts.dev", _CANARIES)
    return {one["metadata"]["name"]: one["status"].get("lastPromotedSpec", "") for one in found}


async def _all_promoted(before: Mapping[str, str]) -> bool:
    now = await _promoted()
    return all(now[name] != before[name] for name in before) and await _all_in({"Succeeded"})


async def _stored(kind: str, names: tuple[str, ...]) -> list[Json]:
    told = json.loads(await kubectl("get", kind, *names, "--output=json"))
    return list(told["items"])


def _told(counts: Mapping[str, int]) -> str:
    return "; ".join(f"{name} ({times})" for name, times in sorted(counts.items()))


def drift_lines(run: Json) -> list[str]:
    """The figures of one run, for people."""
    errors = f"{run['errors']} errors of {run['requests']} requests"
    head = f"{run['run']}: {run['lasted_s']:.1f} s, {run['looks']} looks, {errors}"
    times = sum(run["reverted"].values())
    return [
        head,
        *(f"    differed in {count} looks: {name}" for name, count in sorted(run["differed"].items())),
        f"    reverted: {times}",
        *(f"        {count} times {name}" for name, count in sorted(run["reverted"].items())),
    ]
