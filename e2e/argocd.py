"""Renders deploy/argocd/: the Lua files, as the entries of Argo CD's ConfigMap that it reads them from.

A test says when deploy/argocd/argocd-cm.yaml is out of date.
"""

from __future__ import annotations

from pathlib import Path

from e2e.lab.layout import CHECKOUT

FOLDER = CHECKOUT / "deploy" / "argocd"
FILE = FOLDER / "argocd-cm.yaml"
ACTIONS = ("pause", "resume", "promote", "promote-full", "abort", "retry", "approve")
_HEAD = """\
# Made by `make manifests` from the Lua files beside it. Merges into Argo CD's own ConfigMap:
# kubectl -n argocd patch configmap argocd-cm --patch-file deploy/argocd/argocd-cm.yaml
data:
"""
_ENTRY = "resource.customizations"


def config() -> str:
    """The patch, as text."""
    actions = "discovery.lua: |\n" + _indented(_read(FOLDER / "actions" / "discovery.lua"), 2) + "definitions:\n"
    for name in ACTIONS:
        code = _read(FOLDER / "actions" / name / "action.lua")
        actions += f"- name: {name}\n  action.lua: |\n{_indented(code, 4)}"
    health = _read(FOLDER / "health.lua")
    return (
        _HEAD
        + f"  {_ENTRY}.health.rollouts.dev_Canary: |\n{_indented(health, 4)}"
        + f"  {_ENTRY}.actions.rollouts.dev_Canary: |\n{_indented(actions, 4)}"
    )


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _indented(text: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}" if line.strip() else line for line in text.splitlines(keepends=True))
