"""The commands that look, against an API server: what they write, how they end, and what they say where they can't."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import yaml

from rollouts.api.resources import DEPLOYMENTS
from rollouts.cli import exits
from tests.cli.conftest import SHOP, Shop, ago, answering


async def test_get_writes_what_is_asked_for(shop: Shop) -> None:
    """A table, all columns, JSON, YAML, or names; of one or of all; by labels and in all namespaces."""
    shop.write("Progressing", desiredWeight=10, stepIndex=1, lastTransitionTime=ago(90))

    table, wide, name = (
        await shop.cli("get"),
        await shop.cli("get", "-A", "-o", "wide"),
        await shop.cli("get", "-o", "name"),
    )
    one, many = await shop.cli("get", "canary/shop", "-o", "json"), await shop.cli("get", "-l", "team=a", "-o", "yaml")
    none = await shop.cli("get", "-l", "team=b")

    assert [done.code for done in (table, wide, name, one, many, none)] == [0] * 6
    assert table.out.split()[:6] == ["NAME", "PHASE", "WEIGHT", "STEP", "SINCE", "WHY"]
    assert "Progressing   10 %     1/2" in table.out
    assert wide.out.splitlines()[1].startswith("default")
    assert shop.template in wide.out
    assert name.out == "canary.rollouts.dev/shop\n"
    assert json.loads(one.out)["spec"]["service"]["port"] == 80
    assert yaml.safe_load(many.out)["items"][0]["metadata"]["name"] == "shop"
    assert none.out == ""
    assert none.err == "no Canaries in namespace default with labels team=b; -A lists those of all\n"


async def test_describe_says_why_and_what_comes(shop: Shop) -> None:
    """For people, with events; and for programs, with times that can be compared."""
    shop.write("Progressing", desiredWeight=10, stepIndex=1, dwellStartedAt=ago(3))
    shop.tell("Advance", "Weight 0 -> 10 %, step 1 of 2: the canary is ready")

    page, told = await shop.cli("describe", "shop"), await shop.cli("describe", "shop", "-o", "json")

    assert page.code == told.code == 0
    assert "Why:         10 %, step 1 of 2: not judged yet" in page.out
    assert "Weight 0 -> 10 %, step 1 of 2" in page.out
    found = json.loads(told.out)
    assert found["next"][0]["what"] == "10 % is judged"
    assert found["next"][0]["at"] is not None
    assert (found["safe"], found["possible"][0]) == ("abort", "pause")


async def test_events_and_history(shop: Shop) -> None:
    """What people were told, of one or of all; the releases; and where to look no further."""
    empty = await shop.cli("events", "shop")
    shop.write("Failed", startedAt=ago(100), finishedAt=ago(40))
    shop.tell("Rollback", f"Revision {shop.template} at 10 % failed: too many errors; all traffic is on the primary")

    one, every = await shop.cli("events", "shop"), await shop.cli("events", "-A")
    runs, absent = await shop.cli("history", "shop", "-o", "json"), await shop.cli("events", "nobody")

    assert (empty.code, empty.out) == (0, "")
    assert one.out.split()[:4] == ["AGE", "TYPE", "REASON", "MESSAGE"]
    assert every.out.split()[:5] == ["NAMESPACE", "AGE", "TYPE", "CANARY", "REASON"]
    assert [run["outcome"] for run in json.loads(runs.out)] == ["rolled back"]
    assert absent.code == exits.NOT_FOUND


STATUSES = {
    "succeeded": ("Succeeded", {}, 0),
    "initialized": ("Initialized", {}, 0),
    "failed": ("Failed", {}, 1),
    "under way": ("Progressing", {}, 2),
    "of the release before": ("Succeeded", {"lastAppliedSpec": "aaaaaaaaaaaaaaaa"}, 2),
    "with configuration in the revision": (
        "Succeeded", {"lastAppliedSpec": "bbbbbbbbbbbbbbbb", "appliedTemplate": "TEMPLATE"}, 0,
    ),
    "of the spec before": ("Succeeded", {"observedGeneration": 0}, 2),
    "being deleted": ("Terminating", {}, 1),
}  # fmt: skip


@pytest.mark.parametrize(("phase", "changes", "code"), STATUSES.values(), ids=STATUSES.keys())
async def test_status_ends_with_a_code(shop: Shop, phase: str, changes: dict[str, object], code: int) -> None:
    """The code tells how the release of what the target has now stands, never that of the one before."""
    told = {name: shop.template if value == "TEMPLATE" else value for name, value in changes.items()}
    shop.write(phase, **told)

    done = await shop.cli("status", "shop")

    assert done.code == code, done


async def test_status_waits_for_the_release_that_was_just_applied(shop: Shop) -> None:
    """The status still says Succeeded, of the version before: it is waited until the new one is seen, and over."""
    shop.release("shop:2")

    async def go_on() -> None:
        await shop.has_read("has not begun")
        shop.write("Progressing", desiredWeight=10, stepIndex=1)
        shop.write("Succeeded")

    shop.write("Succeeded", lastAppliedSpec="aaaaaaaaaaaaaaaa")
    done, _ = await asyncio.gather(shop.cli("status", "shop", "--watch", "--timeout", "40s"), go_on())

    assert done.code == exits.DONE, done
    assert "has not begun to release the target's new template" in done.out
    assert done.out.splitlines()[-1].startswith("Succeeded: ")


async def test_status_of_a_release_that_is_replaced(shop: Shop) -> None:
    """Another version takes over in mid-run: what was waited for was never promoted, whatever becomes of the other."""
    shop.write("Progressing", desiredWeight=10, stepIndex=1)

    async def replace() -> None:
        await shop.has_read("Progressing")
        shop.release("shop:3")
        shop.write("Succeeded")

    done, _ = await asyncio.gather(shop.cli("status", "shop", "--watch", "--timeout", "40s"), replace())

    assert done.code == exits.FAILED, done
    assert "was replaced by" in done.out


async def test_status_runs_out_of_time(shop: Shop) -> None:
    """What is not over in time has a code of its own, and says where it hangs."""
    shop.write("Waiting", gate={"type": "confirm-rollout", "since": ago(5), "message": "release-manager waits"})

    done = await shop.cli("status", "shop", "--watch", "--timeout", "1s", "-o", "json")

    assert done.code == exits.REFUSED, done
    assert json.loads(done.out)["result"] == "Running"
    assert "release-manager waits" in done.err


async def test_status_of_one_revision_or_time(shop: Shop) -> None:
    """A revision that is named, or a time, narrows which release is meant."""
    shop.write("Succeeded", startedAt=ago(3600))
    other, own = await shop.cli("status", "shop", "--revision", "abcd"), shop.template
    mine = await shop.cli("status", "shop", "--revision", own[:8])
    later, before = (
        await shop.cli("status", "shop", "--since", ago(60)),
        await shop.cli("status", "shop", "--since", ago(7200)),
    )

    assert [done.code for done in (other, mine, later, before)] == [2, 0, 2, 0]


async def test_status_without_an_answer(shop: Shop, tmp_path: Path) -> None:
    """No Canary, flags that can't be meant, and no cluster are told apart from a release that failed."""
    absent, flags = await shop.cli("status", "shpo"), await shop.cli("status", "shop", "--timeout", "soon", "--watch")
    unknown = await shop.cli("status", "shop", "--wacth")
    async with answering(tmp_path, 503, {}) as (cli, _):
        away = await cli("status", "shop")

    assert [done.code for done in (absent, flags, unknown, away)] == [3, 64, 64, 69]
    assert absent.err == "status: there is no Canary 'shpo' in namespace default: did you mean shop?\n"


async def test_a_target_that_is_not_there(shop: Shop) -> None:
    """Without its target there is nothing that the status could be behind of."""
    shop.write("Succeeded", lastAppliedSpec="aaaaaaaaaaaaaaaa")
    shop.server.delete(DEPLOYMENTS, SHOP)

    done = await shop.cli("status", "shop")

    assert done.code == exits.DONE, done


REFUSED = {
    "401": (401, {"kind": "Status", "message": "Unauthorized"}, "the API server does not know you (401)"),
    "403": (
        403, {"kind": "Status", "message": 'canaries.rollouts.dev "shop" is forbidden: User "eve" cannot get resource '
              '"canaries" in API group "rollouts.dev" in the namespace "default"'},
        "you lack the right to get canaries.rollouts.dev in namespace default (403)",
    ),
    "404": (
        404, {"kind": "Status", "message": "the server could not find the requested resource"},
        "canaries.rollouts.dev is not served by this cluster",
    ),
    "429": (429, {"kind": "Status"}, "asks to slow down"),
    "503": (503, {"kind": "Status", "message": "etcd is away"}, "no answer from the API server http://127.0.0.1:"),
}  # fmt: skip


@pytest.mark.parametrize(("code", "body", "words"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_refusal_says_what_to_do(tmp_path: Path, code: int, body: dict[str, str], words: str) -> None:
    """What the API server refuses is told with what is missing, and is no traceback."""
    async with answering(tmp_path, code, body) as (cli, _):
        done = await cli("describe", "shop")

    assert done.code == exits.REFUSED
    assert words in done.err
    assert done.err.count("\n") == 1


async def test_names_that_are_near_and_elsewhere(shop: Shop) -> None:
    """A name that does not exist brings near ones, the namespace that has it, or what there is."""
    near, far = await shop.cli("describe", "shopp"), await shop.cli("describe", "zzz")
    elsewhere, kind = await shop.cli("describe", "shop", "-n", "prod"), await shop.cli("get", "deployment/shop")

    assert "did you mean shop?" in near.err
    assert "it has shop" in far.err
    assert "there is one in default: say -n" in elsewhere.err
    assert (kind.code, "that is no Canary" in kind.err) == (exits.REFUSED, True)


async def test_no_kubeconfig_no_context(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a cluster it says which files were looked for; with a wrong context, which there are."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    context, none = await shop.cli("get", "--context", "prod"), await shop.cli("get", "--kubeconfig", "")
    both = await shop.cli("get", "shop", "-A")

    assert "has no context 'prod': choose one by --context (rollouts-embedded)" in context.err
    assert "name a file by --kubeconfig" in none.err
    assert "leave out -A" in both.err
    assert {done.code for done in (context, none, both)} == {exits.REFUSED}
