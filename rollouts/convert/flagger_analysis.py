"""The `analysis` of a Canary of Flagger's: schedule, matches, cookies, and who is asked and told."""

from __future__ import annotations

from typing import Any

from rollouts.convert.flagger_hooks import alerts_of, hooks_of
from rollouts.convert.flagger_metrics import metrics_of
from rollouts.convert.inputs import Inputs, Source
from rollouts.convert.istio_words import request_match
from rollouts.convert.ledger import Cursor, copied
from rollouts.convert.words import duration, seconds

LEAST_INTERVAL_S = 10.0
EVIDENCE = {"name": "request-success-rate", "thresholdRange": {"min": 99}}
NO_EVIDENCE = (
    "metrics: request-success-rate of at least 99 %, since nothing is promoted here without evidence: "
    "put in its place what tells a good release from a bad one"
)
_COOKIE = (
    "cookieName", "primaryCookieName", "maxAge", "domain", "path", "httpOnly", "secure", "partitioned", "sameSite",
)  # fmt: skip


def analysis_of(inputs: Inputs, canary: Source, source: Cursor) -> tuple[dict[str, Any], bool]:
    """The same in our words, and whether the canary gets no more requests than it was to get."""
    out: dict[str, Any] = _interval(source)
    if source.has("threshold"):
        wanted = source.number("threshold") or 0
        if wanted < 1:
            source.changed("one failed check ends a release, as there", "threshold")
        out["threshold"] = _at_most(source.at("threshold"), max(1, wanted), 1000)
    out |= _schedule(source)
    matches = [match for one in source.items("match") if (match := request_match(one)) is not None]
    is_safe = bool(matches) or not source.items("match")
    out |= {"match": matches} if matches else {}
    out |= _mirror(source, has_match=bool(source.items("match")))
    out |= _affinity(source, out)
    _readiness(source)
    out["metrics"] = metrics_of(inputs, canary, source)
    out |= hooks_of(source)
    out |= alerts_of(source)
    if not out["metrics"] and all(hook.get("type", "rollout") != "rollout" for hook in out.get("webhooks", ())):
        out["metrics"] = [EVIDENCE]
        source.added(NO_EVIDENCE)
    return {name: value for name, value in out.items() if value != []}, is_safe


def _interval(source: Cursor) -> dict[str, Any]:
    text = source.text("interval")
    if not text:
        return {}
    length_s = seconds(text)
    if length_s is None or length_s < 1:
        source.changed("it is a duration of a second or more, such as 1m", "interval")
        return {"interval": duration(max(LEAST_INTERVAL_S, length_s or 60.0))}
    if length_s < LEAST_INTERVAL_S:
        source.changed("there none is below 10s, and here this is meant", "interval")
    return {"interval": text}


def _schedule(source: Cursor) -> dict[str, Any]:
    """Iterations before weights, one size before a list: as Flagger chooses where several are set."""
    if (source.number("iterations") or 0) > 0:
        for name in ("stepWeight", "stepWeights", "maxWeight", "stepWeightPromotion"):
            source.needless("iterations decide, and nothing is shared by weight", name)
        return {"iterations": _at_most(source.at("iterations"), source.number("iterations") or 1, 1000)}
    source.needless("none are made", "iterations")
    step = source.number("stepWeight") or 0
    if step <= 0 and not source.items("stepWeights"):
        source.lost("it adds nothing: set stepWeight, stepWeights or iterations", "stepWeight")
        source.added("iterations: 10, since no schedule is set that ever ends")
        return {"iterations": 10}
    out = _one_size(source, step) if step > 0 else _listed(source)
    back = source.number("stepWeightPromotion") or 0
    if back > 0:
        out["stepWeightPromotion"] = _at_most(source.at("stepWeightPromotion"), back, 100)
    else:
        source.needless("all goes back at once", "stepWeightPromotion")
    return out


def _one_size(source: Cursor, step: int) -> dict[str, Any]:
    source.needless("stepWeight decides", "stepWeights")
    out = {"stepWeight": _at_most(source.at("stepWeight"), step, 100)}
    most = source.number("maxWeight")
    if most is not None and 0 < most < 100:
        out["maxWeight"] = most
        if most % step:
            reason = f"the last step is {most} and not {-(-most // step) * step}: maxWeight is never overshot here"
            source.changed(reason, "maxWeight")
    elif most is not None:
        source.needless("it is all there is", "maxWeight")
    return out


def _listed(source: Cursor) -> dict[str, Any]:
    source.needless("stepWeights decide", "stepWeight")
    source.needless("the last of stepWeights is the greatest", "maxWeight")
    weights: list[int] = []
    for one in source.items("stepWeights"):
        weight = _at_most(one, one.number() or 0, 100)
        if weight > max(weights, default=0):
            weights.append(weight)
        else:
            one.lost("each weight is greater than the one before")
    return {"stepWeights": weights}


def _at_most(source: Cursor, number: int, most: int) -> int:
    if number > most:
        source.changed(f"{most} is the most")
    return min(number, most)


def _mirror(source: Cursor, *, has_match: bool) -> dict[str, Any]:
    if source.at("mirror").value is not True:
        source.needless("nothing is copied", "mirror")
        source.needless("nothing is copied", "mirrorWeight")
        return {}
    if has_match:
        source.lost("requests that match reach the canary itself: there they are not copied either", "mirror")
        source.lost("with match nothing is copied", "mirrorWeight")
        return {}
    out: dict[str, Any] = {"mirror": source.take("mirror")}
    weight = source.number("mirrorWeight") or 0
    if 0 < weight <= 100:
        out["mirrorWeight"] = weight
    else:
        source.needless("all requests are copied", "mirrorWeight")
    return out


def _affinity(source: Cursor, out: dict[str, Any]) -> dict[str, Any]:
    if not source.has("sessionAffinity"):
        return {}
    if "iterations" in out or "match" in out:
        source.lost("it goes with weights and without match: else nobody is drawn by chance", "sessionAffinity")
        return {}
    cookie = copied(source.at("sessionAffinity"), _COOKIE)
    return {"sessionAffinity": cookie} if cookie.get("cookieName") else {}


def _readiness(source: Cursor) -> None:
    for name in ("primaryReadyThreshold", "canaryReadyThreshold"):
        if source.at(name).value == 100:
            source.needless("all pods, as here", name)
        else:
            source.lost("pods that are not ready are a signal of their own here, and hold up no check", name)
