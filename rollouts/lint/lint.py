"""All rules over all objects of some files: what there is to say, in the files' order. Pure but for its inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rollouts.api.canary import CanarySpec
from rollouts.api.template import AnalysisTemplateSpec
from rollouts.lint.alert_rules import check_alerts
from rollouts.lint.canary_rules import check_canary
from rollouts.lint.files import Files
from rollouts.lint.finding import Finding, Level
from rollouts.lint.item import Item, item_of
from rollouts.lint.neighbour_rules import check_neighbours
from rollouts.lint.pair_rules import check_names, check_services
from rollouts.lint.schema_rules import check_schema, is_ours, valid_spec
from rollouts.lint.secret_rules import check_secrets
from rollouts.lint.shapes import SHAPES, misshapen
from rollouts.lint.template_rules import check_template
from rollouts.manifests.document import Document

_CONVERTIBLE = frozenset({"flagger.app", "argoproj.io"})


def lint(documents: Sequence[Document], namespace: str, *, strict: bool = False) -> list[Finding]:
    """All findings; with `strict` warnings are errors. `namespace` is of objects that say none."""
    order = {file: index for index, file in enumerate(dict.fromkeys(one.file for one in documents))}
    found = sorted(_all(documents, namespace), key=lambda one: (order[one.file], one.line))
    if strict:
        found = [replace(one, level=Level.ERROR) if one.level is Level.WARNING else one for one in found]
    return found


def _all(documents: Sequence[Document], namespace: str) -> Iterator[Finding]:
    items: list[Item] = []
    for document in documents:
        yield from _keys(document)
        item = item_of(document, namespace)
        if isinstance(item, str):
            yield Finding(document.file, document.line, Level.ERROR, "NoObject", "a document", item)
        else:
            items.append(item)
    sound: list[Item] = []
    for item in items:
        flaws = [*misshapen(item.manifest, SHAPES.get(item.kind, ()))] if not is_ours(item) else []
        yield from (item.finding(Level.ERROR, "WrongShape", f"{field} {what}", field) for field, what in flaws)
        sound += [] if flaws else [item]
    yield from check_names(items)
    yield from _items(sound)


def _items(items: Sequence[Item]) -> Iterator[Finding]:
    files = Files(items)
    canaries: list[tuple[Item, CanarySpec]] = []
    for item in items:
        if item.group in _CONVERTIBLE:
            said = f"{item.manifest['apiVersion']} is not looked at: `rollouts convert` makes objects of ours of it"
            yield item.finding(Level.INFO, "NotOurs", said, "apiVersion")
        if not is_ours(item):
            continue
        yield from check_schema(item)
        spec = valid_spec(item)
        if isinstance(spec, AnalysisTemplateSpec):
            yield from check_template(item, spec)
        if isinstance(spec, CanarySpec):
            canaries.append((item, spec))
        if spec is not None:
            yield from check_secrets(files, item)
    for item, spec in canaries:
        yield from check_canary(files, item, spec)
        yield from check_alerts(files, item, spec)
        yield from check_neighbours(files, item, spec)
    yield from check_services(canaries)


def _keys(document: Document) -> Iterator[Finding]:
    for line, name in document.twice():
        said = f"field {name} stands twice in one object, and of two the last counts: delete one"
        yield Finding(document.file, line, Level.ERROR, "FieldTwice", "a document", said)
