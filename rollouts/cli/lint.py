"""`rollouts lint`: parses words; what it means is rollouts/lint's matter."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class LintOutput(StrEnum):
    """How findings are written."""

    TEXT = "text"
    JSON = "json"


def lint(
    files: Annotated[list[str], typer.Argument(help="YAML files or folders, or - for standard input.")],
    *,
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Of objects that say none.")] = "default",
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Also what is not in the files.")] = False,
    output: Annotated[LintOutput, typer.Option("--output", "-o", help="text or json.")] = LintOutput.TEXT,
) -> None:
    """Check manifests as the API server and the controller would, and against each other. No cluster is needed.

    Exit status: 0 if nothing is wrong, 1 for findings of level error, 2 for input that can't be read.
    """
    from rollouts.lint.lint import lint as find
    from rollouts.lint.render import has_errors, render_json, render_text, summary
    from rollouts.manifests.read import read_all

    documents = read_all(files)
    found = find(documents, namespace, strict=strict)
    render = render_json if output is LintOutput.JSON else render_text
    typer.echo(render(found, verbose=verbose), nl=False)
    if output is LintOutput.TEXT:
        typer.echo(summary(found, len(documents)), err=True)
    if has_errors(found):
        raise SystemExit(1)
