"""The stories, by their names: the scene is set, four versions are released, and all programs go."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

from e2e.first_light.ending import end_controller
from e2e.lab.layout import CHECKOUT, Layout
from e2e.people import plan
from e2e.people.judge import judge_clients, judge_release, judge_secrets
from e2e.people.people import DEVELOPER, RIGHTS, account, person
from e2e.people.report import release_json
from e2e.people.runs import Play, play_release
from e2e.people.slack import SECRET
from e2e.people.ways import LACKS_APPROVE, forge
from e2e.play.application import scaled_down
from e2e.play.controller import Controller
from e2e.play.kubectl import apply, kubectl
from e2e.play.manifests import example
from e2e.play.result import Result
from e2e.play.waiting import until
from e2e.play.witnesses import poll_envoy

Story = Callable[[Play], Awaitable[bool]]
"""Plays, notes its results, and says whether the next story finds the scene as it needs it."""
SERVER_LISTEN = "127.0.0.1:8096"
_SHIPPED = ("server.yaml", "policies/intents.yaml")
_INITIALIZED_WITHIN_S = 60.0
_IN_FORCE_WITHIN_S = 30.0


async def start(play: Play) -> bool:
    """The accounts, the policy, both programs, the application at rest; and clients."""
    layout, began_at_s = Layout(Path(play.scene.lab["LAB_DIR"])), time.time()
    for file in _SHIPPED:
        # By the way that `kubectl apply -k deploy/` takes, where that has brought them already.
        await kubectl("apply", f"--filename={CHECKOUT / 'deploy' / file}")
    await apply(*(part for name, verbs in RIGHTS.items() for part in account(name, verbs)))
    for name in RIGHTS:
        play.people[name] = await person(layout, name)
    await _start_programs(play, layout)
    await apply(*plan.provider(play.address))
    await apply(example("deployment"), example("gateway"), plan.canary())
    looking = asyncio.ensure_future(poll_envoy(play.scene.lab["ENVOY_ADMIN_URL"], play.scene.journal))
    await until(
        lambda: _initialized(play),
        what="Initialized, and Envoy's routes to the primary",
        within_s=_INITIALIZED_WITHIN_S,
    )
    looking.cancel()
    await until(lambda: _held(play), what="the policy in force", within_s=_IN_FORCE_WITHIN_S)
    detail = f"after {time.time() - began_at_s:.1f} s"
    play.results.append(Result("start", "Initialized, and the policy is in force", ok=True, detail=detail))
    play.scene.start_load()
    play.loaded_at_s = time.time()
    return True


async def _start_programs(play: Play, layout: Layout) -> None:
    """The controller signs links, the server believes them: both read one key."""
    key_file = layout.run / "link.key"
    key_file.touch(mode=0o600)
    key_file.write_text(f"{secrets.token_hex(32)}\n", encoding="utf-8")
    account_of_server = await person(layout, "rollouts-server", "rollouts-system")
    play.people["server"] = account_of_server
    play.server_url = f"http://{SERVER_LISTEN}"
    settings = {"ROLLOUTS_EXTERNAL_URL": play.server_url, "ROLLOUTS_LINK_KEY_FILE": str(key_file)}
    play.server = Controller(
        play.scene.lab, command="server", listen=SERVER_LISTEN, kubeconfig=str(account_of_server.kubeconfig)
    )
    for program in (play.scene.controller, play.server):
        await program.start(settings=settings)
        await program.become_ready()


async def _initialized(play: Play) -> bool:
    shown = play.scene.journal.envoy
    routed = bool(shown) and shown[-1].weight_percent == 0
    return play.scene.journal.phase == "Initialized" and routed and await scaled_down(play.scene)


async def _held(play: Play) -> bool:
    """Whether what nobody granted is refused: a policy takes a moment until the API server goes by it."""
    developer = play.people[DEVELOPER]
    code, said = await forge(developer, developer.user, "none", "--dry-run=server")
    return code != 0 and LACKS_APPROVE[0] in said


async def _released(release: plan.Release, play: Play) -> bool:
    """Play it and judge it; whether it came to its end."""
    facts = await play_release(play, release)
    play.releases.append(facts)
    results = judge_release(facts)
    play.results.extend(results)
    play.figures.append(release_json(facts))
    for result in results:
        if not result.ok:
            print(f"   FAILED {result.expected} [{result.detail}]", flush=True)
    return not facts.overdue


async def end(play: Play) -> bool:
    """Both programs go, and their logs are read."""
    play.results.append(judge_clients(play.scene.records(play.loaded_at_s), play.releases))
    play.results.extend(await end_controller(play.scene.controller))
    logs = play.scene.controller.log
    text = await asyncio.to_thread(logs.read_text, encoding="utf-8", errors="replace")
    if play.server is not None:
        play.results.extend(replace(result, story="server") for result in await end_controller(play.server))
        text += await asyncio.to_thread(play.server.log.read_text, encoding="utf-8", errors="replace")
    key = (Layout(Path(play.scene.lab["LAB_DIR"])).run / "link.key").read_text(encoding="utf-8").strip()
    known = [SECRET, key, *(one.token for one in play.people.values()), *_signed(play)]
    play.results.append(judge_secrets(text, known))
    return True


def _signed(play: Play) -> list[str]:
    """What stands for the links that were sent: whoever has one may use it."""
    links = (url for one in play.slack.messages for title, url in one.links.items() if title != "Canary")
    return [url.rpartition("/")[2] for url in links]


STORIES: Mapping[str, Story] = MappingProxyType({
    release.name: partial(_released, release) for release in plan.RELEASES
})  # fmt: skip
