"""What runs inside the lab: `python -m e2e.leaving.inside --mode all --result FILE`, through its `exec`.

Plays each way to leave and writes results and figures to the file; it judges no exit status.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from e2e.leaving.cast import cast
from e2e.leaving.installation import Installation, take_out_the_labs
from e2e.leaving.judge import judge_leaving, leaving_json
from e2e.leaving.runs import WAYS, Stay, play_way
from e2e.play.inside import parts_of, run_play, write_outcome
from e2e.play.kubectl import apply, kubectl
from e2e.play.playbook import Story, play
from e2e.play.result import Json, Result
from e2e.play.scene import Scene, opened

INTERVAL_S = 5.0
RATE_PER_S = 200.0


def main() -> None:
    """Play all ways, or those that are named."""
    result, chosen = parts_of("e2e.leaving.inside", WAYS)
    run_play("leaving", _main(result, chosen))


async def _main(result: Path, chosen: Sequence[str]) -> None:
    results: list[Result] = []
    figures: list[Json] = []
    clients = {role.name: {"Host": role.host} for role in cast()}
    try:
        async with opened(INTERVAL_S, clients, RATE_PER_S) as scene:
            stories = _stories(scene, chosen, results, figures)
            await play(stories, results, announce=lambda story: print(f"-- {story}", flush=True))
    finally:
        write_outcome(result, results, figures)


def _stories(scene: Scene, chosen: Sequence[str], results: list[Result], figures: list[Json]) -> dict[str, Story]:
    roles = cast()

    async def start() -> bool:
        await take_out_the_labs()
        for namespace in sorted({role.namespace for role in roles} - {"default"}):
            await apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        for role in roles:
            await apply(*role.objects)
        for role in roles:
            await kubectl("rollout", "status", "deployment", "--timeout=60s", f"--namespace={role.namespace}")
        return True

    async def leave(number: int, way: str) -> bool:
        installation = Installation(scene.lab, number)
        try:
            facts = await play_way(Stay(scene, roles, installation, version=str(number + 2)), way)
        finally:
            await installation.controller.kill()
        results.extend(judge_leaving(facts))
        figures.append(leaving_json(facts))
        return not facts.overdue

    return {"start": start, **{way: partial(leave, number, way) for number, way in enumerate(chosen)}}


if __name__ == "__main__":
    main()
