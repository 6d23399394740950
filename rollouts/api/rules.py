"""What the API server checks beyond types: the CEL rules of each model, and which lists are maps.

Each rule says the same as a validator of the model (canary.py, durations.py), in the same words where the validator
has words of ours; tests/api and tests/kube hold one table of bad Canaries against both.
"""

from __future__ import annotations

from rollouts.api import durations
from rollouts.api.canary import NO_SERVICE_NAME, SERVICE_NAME_MAX, SERVICE_NAME_PATTERN
from rollouts.api.schema import Extras, Rule

_A_DURATION = f"self.matches('{durations.PATTERN.replace(chr(92), chr(92) * 2)}')"
_ASCENDING = "self.isSorted() && self.all(w, self.indexOf(w) == self.lastIndexOf(w))"

_TARGET_NAMES_SERVICE = (
    f"size(self.targetRef.name) <= {SERVICE_NAME_MAX} && self.targetRef.name.matches('{SERVICE_NAME_PATTERN}')"
)

EXTRAS = Extras(
    rules={
        "CanarySpec": (Rule(f"has(self.service.name) || ({_TARGET_NAMES_SERVICE})", NO_SERVICE_NAME),),
        "Analysis": (
            Rule(
                "has(self.stepWeight) != has(self.stepWeights)",
                "set exactly one of stepWeight and stepWeights",
            ),
        ),
        "Analysis.stepWeights": (Rule(_ASCENDING, "stepWeights must ascend: each weight greater than the one before"),),
        "Analysis.metrics": (
            Rule("self.all(m, self.exists_one(n, n.name == m.name))", "metrics: each name may stand once"),
        ),
        "ThresholdRange": (
            Rule("has(self.min) || has(self.max)", "thresholdRange needs min, max or both"),
            Rule("!has(self.min) || !has(self.max) || self.min <= self.max", "thresholdRange: min is above max"),
        ),
    },
    map_keys={"CanaryStatus.conditions": "type"},
    pattern_rules={
        SERVICE_NAME_PATTERN: (
            Rule(
                f"self.matches('{SERVICE_NAME_PATTERN}')",
                "write lower-case letters, digits and dashes, a letter first and no dash last",
            ),
        ),
        durations.PATTERN: (
            Rule(_A_DURATION, "write a duration such as 10s or 1m30s"),
            Rule(f"!{_A_DURATION} || duration(self) >= duration('1s')", "too short: the least is 1s"),
        ),
    },
)


def _service_of(canary: str) -> str:
    return f"(has({canary}.spec.service.name) ? {canary}.spec.service.name : {canary}.spec.targetRef.name)"


_NOTHING_MADE = "!has(oldSelf.status) || !has(oldSelf.status.phase) || oldSelf.status.phase == 'Initializing'"
CHANGES = (
    Rule(
        f"{_NOTHING_MADE} || self.spec.targetRef.name == oldSelf.spec.targetRef.name",
        "targetRef.name can't be changed any more: delete this Canary, and make one for the other target",
    ),
    Rule(
        f"{_NOTHING_MADE} || {_service_of('self')} == {_service_of('oldSelf')}",
        "service.name can't be changed any more: delete this Canary, and make one with the other name",
    ),
)
"""Of the whole object, before and after. No model says the same: none knows what the Canary was before. All that was
made bears these names, and would be left without anybody who takes traffic off a bad version."""
