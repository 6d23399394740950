"""From the objects of some files to ours, in an order in which each finds what it needs of the others."""

from __future__ import annotations

from collections.abc import Sequence

from rollouts.convert.argo_checks import argument_value
from rollouts.convert.argo_parts import CLUSTER_TEMPLATE, TEMPLATE
from rollouts.convert.argo_rollout import convert_rollout, convert_scaler
from rollouts.convert.argo_templates import convert_argo_template
from rollouts.convert.flagger_canary import convert_canary
from rollouts.convert.flagger_hooks import convert_provider
from rollouts.convert.flagger_metrics import convert_template
from rollouts.convert.inputs import ARGO, FLAGGER, Inputs, Source
from rollouts.convert.ledger import Outcome
from rollouts.manifests.document import Document

_RUNS = "it is a run of something, and not its description: each Canary has its results in its own status"
_NOTHING = {
    "AnalysisRun": _RUNS,
    "Experiment": "no further copies are started beside the canary: compare: primary holds it against what serves",
}
_AS_IT_IS = "it is neither Flagger's nor Argo's to convert, and stays as it is: it is not written out"


def convert(documents: Sequence[Document]) -> list[Source]:
    """Each object with what is made of it and with what is to be said. Raises SpecInvalid for what is no object."""
    inputs = Inputs(documents)
    for one in inputs.of(FLAGGER, "Canary"):
        convert_canary(inputs, one)
    for one in inputs.of(FLAGGER, "MetricTemplate"):
        convert_template(inputs, one)
    for one in inputs.of(FLAGGER, "AlertProvider"):
        convert_provider(inputs, one)
    _argo(inputs)
    for one in inputs.sources:
        _others(one)
        one.root.ledger.close(one.root.value)
    return inputs.sources


def _argo(inputs: Inputs) -> None:
    home = next((one.namespace for one in inputs.of(ARGO, "Rollout")), "")
    for one in inputs.of(ARGO, "Rollout"):
        convert_rollout(inputs, one, home)
    given = _agreed(inputs)
    for one in inputs.of(ARGO, TEMPLATE, CLUSTER_TEMPLATE):
        convert_argo_template(inputs, one, home, given)
    for group, kind in (("autoscaling", "HorizontalPodAutoscaler"), ("keda.sh", "ScaledObject")):
        for one in inputs.of(group, kind):
            convert_scaler(inputs, one)


def _agreed(inputs: Inputs) -> dict[str, str]:
    """Arguments to which all Rollouts of the files give one value."""
    values: dict[str, set[str]] = {}
    for one in inputs.of(ARGO, "Rollout"):
        canary, blue = one.spec.at("strategy", "canary"), one.spec.at("strategy", "blueGreen")
        analyses = [canary.at("analysis"), blue.at("prePromotionAnalysis"), blue.at("postPromotionAnalysis")]
        analyses += [step.at("analysis") for step in canary.items("steps")]
        for argument in (argument for analysis in analyses for argument in analysis.items("args")):
            if (value := argument_value(one, argument)) is not None:
                values.setdefault(str(argument.at("name").value), set()).add(value)
    return {name: next(iter(found)) for name, found in values.items() if len(found) == 1}


def _others(source: Source) -> None:
    """What is none of the kinds that are converted; also what was changed beside them, and is written whole."""
    if source.group not in {FLAGGER, ARGO}:
        spoken = {note.path for note in source.root.ledger.notes}
        if source.made or () in spoken:
            source.root.ledger.used.add(())
            source.root.needless("the controller writes its own", "status")
        else:
            source.root.needless(_AS_IT_IS)
        return
    known = {"Canary", "MetricTemplate", "AlertProvider"} if source.group == FLAGGER else {"Rollout", TEMPLATE,
                                                                                          CLUSTER_TEMPLATE}  # fmt: skip
    if source.kind not in known:
        source.root.lost(_NOTHING.get(source.kind, f"{source.kind} is no kind that this version converts"))


def is_whole(sources: Sequence[Source]) -> bool:
    """Whether all that was asked for is done."""
    return all(note.outcome is not Outcome.LOST for one in sources for note in one.root.ledger.notes)
