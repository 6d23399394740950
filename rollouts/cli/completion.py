"""`rollouts completion`: scripts by which a shell completes commands and flags, and the answers that they ask for.

Names of Canaries are not completed: each TAB would ask the cluster.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

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


def answer_shell(app: Any, words: Sequence[str]) -> None:
    """Answer a shell that asks, and exit; return if none does.

    It asks at every TAB, and for the script whenever it starts: so the parser, which would load pydantic to read the
    shell's name, is left out where the words can only mean that.
    """
    asked = os.environ.get(VARIABLE)
    if asked:
        from typer._completion_classes import completion_init
        from typer.completion import shell_complete

        completion_init()
        raise SystemExit(shell_complete(app, {}, "rollouts", VARIABLE, asked))
    match list(words):
        case ["completion", shell] if shell in list(Shell):
            completion(Shell(shell))
            raise SystemExit(0)
