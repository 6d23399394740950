"""`rollouts convert`: parses words; what it means is rollouts/convert's matter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def convert(
    files: Annotated[list[str], typer.Argument(help="YAML files or folders, or - for standard input.")],
    *,
    out: Annotated[Path | None, typer.Option(help="Folder for one file an object. Default: standard output.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit status 1 if anything was not converted.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Also what is not needed.")] = False,
) -> None:
    """Convert objects of Flagger and Argo Rollouts. What can't be is told on stderr, and above each object.

    Exit status: 0, 1 with --strict if anything was not converted, 2 for input that can't be read.
    """
    from rollouts.convert.convert import convert as converted
    from rollouts.convert.convert import is_whole
    from rollouts.convert.render import render_yaml, report
    from rollouts.convert.write import write_files
    from rollouts.manifests.read import read_all

    sources = converted(read_all(files))
    for line in report(sources, verbose=verbose):
        typer.echo(line, err=True)
    if out is None:
        typer.echo(render_yaml(sources), nl=False)
    else:
        for path in write_files(sources, out):
            typer.echo(str(path))
    if strict and not is_whole(sources):
        raise SystemExit(1)
