"""Which rights the controller used in the plays, and what of the shipped role nobody needed.

The witness is the API server's audit log. Each play leaves behind what it saw; judged is all of it together.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.lab.credentials import CONTROLLER

RIGHTS = Path(".out") / "rights.json"
FORBIDDEN = 403
CREATED = 201
EVERYBODYS = frozenset({"create selfsubjectrulesreviews.authorization.k8s.io", "get /version"})
"""Granted to every authenticated user by Kubernetes itself."""

Used = dict[str, list[int]]
"""A right, as `patch deployments.apps` or `patch canaries.rollouts.dev/status`; how often granted, how often not."""


def read_rights(lines: Iterable[str]) -> Used:
    """What the controller asked for, by an audit log whose last line may be half written."""
    found: Used = {}
    seen: set[str] = set()
    for line in lines:
        if not line.endswith("\n"):
            continue
        event = json.loads(line)
        # A watch is logged when it starts and when it ends.
        if event["user"]["username"] != CONTROLLER or event["auditID"] in seen:
            continue
        seen.add(event["auditID"])
        code = (event.get("responseStatus") or {}).get("code")
        for right in _rights(event, code):
            found.setdefault(right, [0, 0])[code == FORBIDDEN] += 1
    return found


def _rights(event: Mapping[str, Any], code: int | None) -> list[str]:
    """Server-side apply of what is not there yet takes the right to create it too; logged is one patch."""
    right = _right(event)
    made = event["verb"] == "patch" and code == CREATED
    return [right, f"create {right.removeprefix('patch ')}"] if made else [right]


def _right(event: Mapping[str, Any]) -> str:
    target = event.get("objectRef")
    if not target:
        return f"{event['verb']} {event['requestURI'].partition('?')[0]}"
    return f"{event['verb']} {_named(target.get('apiGroup', ''), target['resource'], target.get('subresource', ''))}"


def _named(group: str, resource: str, subresource: str = "") -> str:
    return resource + (f".{group}" if group else "") + (f"/{subresource}" if subresource else "")


def granted_by(rules: Iterable[Mapping[str, Any]]) -> set[str]:
    """The rights of a role, one by one. It has no wildcards: a test sees to that."""
    return {
        f"{verb} {_named(group, *resource.split('/', 1))}"
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def granted_to_controller(documents: Iterable[Mapping[str, Any]]) -> set[str]:
    """The rights that manifests give the controller: by its name, or with all service accounts."""
    known = [*documents]
    roles = {(one["kind"], one["metadata"]["name"]): one for one in known if one["kind"] in {"Role", "ClusterRole"}}
    bound = [
        one["roleRef"]
        for one in known
        if one["kind"] in {"RoleBinding", "ClusterRoleBinding"}
        and any(_is_controller(subject) for subject in one["subjects"])
    ]
    return {right for ref in bound for right in granted_by(roles[ref["kind"], ref["name"]]["rules"])}


def _is_controller(subject: Mapping[str, str]) -> bool:
    if subject["kind"] == "Group":
        return subject["name"] == "system:serviceaccounts"
    return f"system:serviceaccount:{subject.get('namespace')}:{subject['name']}" == CONTROLLER


def add_up(all_used: Iterable[Used]) -> Used:
    """Several of them as one."""
    total: Used = {}
    for used in all_used:
        for right, (granted, refused) in used.items():
            counts = total.setdefault(right, [0, 0])
            counts[0] += granted
            counts[1] += refused
    return total


def remember(file: Path, play: str, used: Used) -> None:
    """Keep what one play saw, in place of what it saw the last time."""
    known: dict[str, Used] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({**known, play: dict(sorted(used.items()))}, indent=1) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The rights that were used, against those of the role."""

    missing: tuple[str, ...]
    """Refused, and in no rule."""
    unused: tuple[str, ...]
    """In the role, and nobody asked for it."""
    beyond: tuple[str, ...]
    """Granted, and neither by the role nor to everybody: then the account had another one too."""
    taken_away: tuple[str, ...]
    """Refused, though the role has it: by a play that takes it away to see what becomes of it."""

    @property
    def ok(self) -> bool:
        """Whether the role is what was used: nothing missing, nothing too many."""
        return not (self.missing or self.unused or self.beyond)


def judge(used: Used, granted: set[str]) -> Verdict:
    """Compare."""
    refused = {right for right, (_, count) in used.items() if count}
    allowed = {right for right, (count, _) in used.items() if count}
    return Verdict(
        missing=tuple(sorted(refused - granted)),
        unused=tuple(sorted(granted - allowed)),
        beyond=tuple(sorted(allowed - granted - EVERYBODYS)),
        taken_away=tuple(sorted(refused & granted)),
    )
