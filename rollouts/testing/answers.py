"""What a scripted Prometheus answers for one metric, as the adapter reads it: values of series, true or not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from rollouts.api.metric import Metric
from rollouts.core.measurement import Outcome, Probe, Signal, Subject
from rollouts.metrics.prometheus_answer import read_answer

_OF_METRICS = frozenset({Signal.SUCCESS_RATE, Signal.DURATION, Signal.CUSTOM})


def probe_of(query: str, metrics: Iterable[Metric]) -> Probe | None:
    """The question of a metric of the user's own that a query is the text of, whatever stands in place of variables."""
    for metric in metrics:
        literal = (re.escape(part.strip()) for part in re.split(r"\{\{.*?\}\}", metric.query))
        if metric.query and re.fullmatch(r"\s*.*?\s*".join(literal), query.strip(), re.DOTALL):
            return Probe(Signal.CUSTOM, Subject.CANARY, metric.window_s, metric.name)
    return None


def told_for(probe: Probe, told: Mapping[str, Sequence[str | float] | None]) -> Outcome | None:
    """The outcome of a metric's probe where the script has one for it: by the metric's name, the values of series."""
    values = told.get(probe.metric or probe.signal)
    if values is None or probe.signal not in _OF_METRICS or probe.subject is not Subject.CANARY:
        return None
    result = [{"metric": {"series": str(index)}, "value": [0, str(value)]} for index, value in enumerate(values)]
    body = {"status": "success", "data": {"resultType": "vector", "result": result}}
    return read_answer(200, json.dumps(body).encode()).outcome
