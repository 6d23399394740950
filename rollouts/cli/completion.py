"""`rollouts completion`: scripts by which a shell completes commands and flags, and the answers that they ask for.

Names of Canaries are not completed: each TAB would ask the cluster.
"""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated

import typer

VARIABLE = "_ROLLOUTS_COMPLETE"
"""By which a script asks the program."""
_KUBECTL = f"""#!/bin/sh
# Save it as kubectl_complete-canary, executable, in a folder of PATH: then kubectl completes `kubectl canary`.
words="rollouts"
for word in "$@"; do words="$words $word"; done
COMP_WORDS="$words" COMP_CWORD=$# {VARIABLE}=complete_bash rollouts
echo :4
"""


class Shell(StrEnum):
    """What asks."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    KUBECTL = "kubectl"


def completion(
    shell: Annotated[Shell, typer.Argument(help="bash, zsh or fish; kubectl for its plugin's completion.")],
) -> None:
    """Print a script that completes commands and flags: source <(rollouts completion bash)."""
    if shell is Shell.KUBECTL:
        typer.echo(_KUBECTL, nl=False)
        return
    from typer._completion_shared import get_completion_script

    typer.echo(get_completion_script(prog_name="rollouts", complete_var=VARIABLE, shell=shell))


def answer_shell(app: typer.Typer) -> None:
    """Answer a shell that asks, and exit; return if none does."""
    asked = os.environ.get(VARIABLE)
    if not asked:
        return
    from typer._completion_classes import completion_init
    from typer.completion import shell_complete
    from typer.main import get_command

    completion_init()
    raise SystemExit(shell_complete(get_command(app), {}, "rollouts", VARIABLE, asked))
