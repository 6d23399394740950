"""The flags that several commands share, called and meant as kubectl's. Nothing here may be slow to import."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

Name = Annotated[str, typer.Argument(help="The Canary: NAME or canary/NAME.", metavar="NAME", show_default=False)]
SomeName = Annotated[
    str, typer.Argument(help="One Canary; without it all of the namespace.", metavar="[NAME]", show_default=False)
]
Namespace = Annotated[
    str, typer.Option("--namespace", "-n", help="Its namespace; by default the context's.", show_default=False)
]
Everywhere = Annotated[bool, typer.Option("--all-namespaces", "-A", help="Those of all namespaces.")]
Labels = Annotated[
    str, typer.Option("--selector", "-l", help="Only those with these labels, as team=a,tier!=b.", show_default=False)
]
Context = Annotated[str, typer.Option("--context", help="The kubeconfig's context.", show_default=False)]
Kubeconfig = Annotated[
    str,
    typer.Option("--kubeconfig", help="Its file; by default KUBECONFIG or ~/.kube/config.", show_default=False),
]


class Form(StrEnum):
    """How objects are written."""

    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


class Data(StrEnum):
    """How what is known is written for programs."""

    JSON = "json"
    YAML = "yaml"


class Told(StrEnum):
    """How the outcome of an action is written for programs."""

    JSON = "json"
    YAML = "yaml"
    NAME = "name"


ObjectForm = Annotated[
    Form | None, typer.Option("--output", "-o", help="wide, json, yaml or name.", show_default=False)
]
DataForm = Annotated[Data | None, typer.Option("--output", "-o", help="json or yaml.", show_default=False)]
ToldForm = Annotated[Told | None, typer.Option("--output", "-o", help="json, yaml or name.", show_default=False)]
