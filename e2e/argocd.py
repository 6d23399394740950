"""Renders deploy/argocd/: the Lua files, as the entries of Argo CD's ConfigMap that it reads them from.

A test says when deploy/argocd/argocd-cm.yaml is out of date.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from e2e.lab.layout import CHECKOUT

FOLDER = CHECKOUT / "deploy" / "argocd"
FILE = FOLDER / "argocd-cm.yaml"
ACTIONS = ("pause", "resume", "promote", "promote-full", "abort", "retry", "approve")
_HEAD = """\
# Made by `make manifests` from the Lua files beside it and from crds/. Merges into Argo CD's own ConfigMap:
# kubectl -n argocd patch configmap argocd-cm --patch-file deploy/argocd/argocd-cm.yaml
data:
"""
_ENTRY = "resource.customizations"
KINDS = ("Canary", "AnalysisTemplate", "AlertProvider")


def config() -> str:
    """The patch, as text."""
    actions = "discovery.lua: |\n" + _indented(_read(FOLDER / "actions" / "discovery.lua"), 2) + "definitions:\n"
    for name in ACTIONS:
        actions += f"- name: {name}\n  action.lua: |\n{_indented(code_of(name), 4)}"
    health = _read(FOLDER / "health.lua")
    return (
        _HEAD
        + f"  {_ENTRY}.health.rollouts.dev_Canary: |\n{_indented(health, 4)}"
        + f"  {_ENTRY}.actions.rollouts.dev_Canary: |\n{_indented(actions, 4)}"
        + "".join(_defaults_entry(kind) for kind in KINDS)
    )


def code_of(name: str) -> str:
    """The Lua of an action: they differ in what is asked for alone."""
    verb, full = name.removesuffix("-full"), name.endswith("-full")
    asked = f'local verb, full = "{verb}", {str(full).lower()}'
    return _read(FOLDER / "actions" / "action.lua").replace("local verb, full = VERB, FULL", asked)


def _defaults_entry(kind: str) -> str:
    """Argo CD compares a list of a kind that it has no types of as one value: what the API server fills in within one
    would be a difference for ever. Left out is only what is as the server fills it in.
    """
    found = [f"- {json.dumps(one)}\n" for one in defaults_in_lists(kind)]
    text = f"jqPathExpressions:\n{''.join(found)}"
    return f"  {_ENTRY}.ignoreDifferences.rollouts.dev_{kind}: |\n{_indented(text, 4)}" if found else ""


def defaults_in_lists(kind: str) -> list[str]:
    """Of the defaults within lists of a kind's spec, each as a jq path to where it stands and is just that."""
    definition = yaml.safe_load(_read(CHECKOUT / "crds" / f"{kind.lower()}.yaml"))
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    # What is in another one comes first: without its own defaults it may be what is filled in itself.
    return sorted(_defaults(schema, ".spec"), key=lambda path: -path.count("[]"))


def _defaults(schema: dict[str, Any], path: str) -> Iterator[str]:
    if "default" in schema and "[]" in path:
        yield f"{path} | select(. == {json.dumps(schema['default'])})"
    for name, part in (schema.get("properties") or {}).items():
        yield from _defaults(part, f"{path}.{name}")
    if "items" in schema:
        yield from _defaults(schema["items"], f"{path}[]?")


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _indented(text: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}" if line.strip() else line for line in text.splitlines(keepends=True))
