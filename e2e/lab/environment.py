"""The lab's env file and the environment of commands run in the lab. Pure."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def render_env(variables: Mapping[str, str]) -> str:
    """Shell assignments, one a line, quoted where the shell needs it."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


def parse_env(text: str) -> dict[str, str]:
    """The variables that `render_env` wrote."""
    return dict(word.split("=", 1) for word in shlex.split(text))


def inside(outer: Mapping[str, str], lab: Mapping[str, str]) -> dict[str, str]:
    """The environment of a command in the lab: the caller's, with the lab's variables and programs.

    Proxies are left out: none can be reached from there, and everything there is is on loopback.
    """
    kept = {name: value for name, value in outer.items() if not name.lower().endswith("_proxy")}
    path = os.pathsep.join(filter(None, (lab["LAB_PATH"], outer.get("PATH", ""))))
    return {**kept, **lab, "PATH": path}
