"""Says on each AnalysisTemplate whether the source that it is meant for takes its question, before any Canary uses it.

The question is asked with the template's own defaults. What only a Canary can say, its names and arguments without a
default, is stood in for: taken with those, it is good; rejected with them, that may be their fault, so that the verdict
is left to the Canaries. What is told is asked no more until the template changes, but for what time may mend.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog
from pydantic import ValidationError

from rollouts.api.invalid import explain_invalid
from rollouts.api.metric import Metric
from rollouts.api.resources import ANALYSIS_TEMPLATES, Manifest, ObjectKey
from rollouts.api.status import CONDITION_MAX, REASON_MAX, Condition, ConditionType
from rollouts.api.template import AnalysisTemplateSpec, AnalysisTemplateStatus
from rollouts.api.texts import cut
from rollouts.core.measurement import Outcome, Rejected, Unreachable
from rollouts.engine.ask import ANSWER_MAX_S
from rollouts.engine.custom import CustomMetrics, ask_for_form
from rollouts.engine.mandate import EVERYTHING, Mandate
from rollouts.engine.queue import KeyQueue
from rollouts.engine.recipes import Recipe
from rollouts.engine.template_secrets import read_secrets, secret_values
from rollouts.engine.template_words import needs_a_canary, stand_ins, undeclared
from rollouts.errors import KubeError, SpecInvalid
from rollouts.ports import Clock, Cluster, PatchStatus

_log = structlog.get_logger(__name__)

AGAIN = timedelta(seconds=60)
"""When a template is looked at again that is not good, or of which nothing could be found out."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What the condition Ready is to say."""

    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str


class TemplateKeeper:
    """Writes the statuses of AnalysisTemplates, nothing else. Two processes may do so at a time: they say the same."""

    def __init__(self, cluster: Cluster, custom: CustomMetrics, clock: Clock, mandate: Mandate = EVERYTHING) -> None:
        self._cluster = cluster
        self._custom = custom
        self._clock = clock
        self._mandate = mandate
        self._queue = KeyQueue(clock)

    def add(self, key: ObjectKey) -> None:
        """Look at a template that may have changed."""
        self._queue.add(key)

    def add_all(self) -> None:
        """Look at all templates that are known."""
        for template in self._cluster.list_all(ANALYSIS_TEMPLATES).known:
            self._queue.add(template.key)

    async def run(self) -> None:
        """Look at all templates, and at those that are added, until cancelled."""
        self.add_all()
        while True:
            async with self._queue.take() as key:
                again_at = await self._attempt(key) if self._mandate.holds(key) else None
            if again_at is not None:
                self._queue.add(key, again_at)

    async def look(self, key: ObjectKey) -> datetime | None:
        """Look at one template if that is due; when to look again, if time matters. Raises KubeError."""
        manifest, now = self._cluster.read(ANALYSIS_TEMPLATES, key), self._clock.now()
        if manifest is None or "deletionTimestamp" in manifest["metadata"]:
            return None
        known = _ready_of(manifest)
        if known is not None and known.status == "True":
            return None
        told = _cut(await self._told(manifest, now))
        if known is None or (known.status, known.reason, known.message) != (told.status, told.reason, told.message):
            await self._cluster.write(_render(manifest, known, told, now))
        return None if told.status == "True" or told.reason in _ONLY_BY_AN_EDIT else self._clock.now() + AGAIN

    async def _attempt(self, key: ObjectKey) -> datetime | None:
        try:
            return await self.look(key)
        except KubeError as error:
            _log.warning("template_failure", template=str(key), reason=str(error))
            return self._clock.now() + AGAIN

    async def _told(self, manifest: Manifest, now: datetime) -> _Told:
        try:
            spec = AnalysisTemplateSpec.model_validate(manifest.get("spec") or {})
            if stray := undeclared(spec):
                return _Told("False", "QueryInvalid", f"{{{{ args.{stray} }}}} is no argument: add it to args")
        except ValidationError as invalid:
            return _Told("False", "TemplateInvalid", explain_invalid(invalid))
        except SpecInvalid as invalid:
            return _Told("False", "QueryInvalid", str(invalid))
        return _verdict(spec, await self._asked(ObjectKey.of(manifest), spec, now))

    async def _asked(self, key: ObjectKey, spec: AnalysisTemplateSpec, now: datetime) -> Outcome:
        recipe = Recipe(Metric.model_construct(name="template"), spec, key.namespace, "the query")
        try:
            async with asyncio.timeout(ANSWER_MAX_S):
                data = await read_secrets(self._custom.secrets, spec, key.namespace)
                if isinstance(data, Rejected | Unreachable):
                    return data
                values = secret_values(recipe, data)
                if isinstance(values, Rejected):
                    return values
                question = self._custom.prepared(recipe, stand_ins(spec, values), data, values.values())
                return question if isinstance(question, Rejected) else await ask_for_form(question, recipe.named, now)
        except SpecInvalid as invalid:
            return Rejected(str(invalid), "QueryInvalid")
        except TimeoutError:
            return Unreachable(f"no answer within {ANSWER_MAX_S:g} s")


_ONLY_BY_AN_EDIT = frozenset({"TemplateInvalid", "QueryInvalid", "ArgumentsNeeded"})
"""Reasons that time does not mend."""


def _verdict(spec: AnalysisTemplateSpec, outcome: Outcome) -> _Told:
    match outcome:
        case Rejected(reason, kind) if kind in {"QueryRejected", "QueryInvalid"} and needs_a_canary(spec):
            told = (
                f"with x in place of what only a Canary can say: {reason}; each Canary that uses it is told for itself"
            )
            return _Told("Unknown", "ArgumentsNeeded", told)
        case Rejected(reason, kind):
            return _Told("False", kind or "QueryRejected", reason)
        case Unreachable(reason):
            return _Told("Unknown", "SourceUnreachable", f"{reason}: whether the query is right is not known yet")
        case _:
            return _Told("True", "Accepted", "its source takes the query")


def _cut(told: _Told) -> _Told:
    return _Told(told.status, told.reason[:REASON_MAX], cut(told.message, CONDITION_MAX))


def _ready_of(manifest: Manifest) -> Condition | None:
    """What is told of the template as it is now; None of a status that can't be read: it is written anew."""
    try:
        status = AnalysisTemplateStatus.model_validate(manifest.get("status") or {})
    except ValidationError:
        return None
    if status.observed_generation != manifest["metadata"].get("generation", 0):
        return None
    return next((one for one in status.conditions if one.type == ConditionType.READY), None)


def _render(manifest: Manifest, known: Condition | None, told: _Told, now: datetime) -> PatchStatus:
    metadata, generation = manifest["metadata"], manifest["metadata"].get("generation", 0)
    since = known.last_transition_time if known is not None and known.status == told.status else now
    ready = Condition(
        type=ConditionType.READY, status=told.status, reason=told.reason,
        message=told.message, observed_generation=generation, last_transition_time=since,
    )  # fmt: skip
    status = AnalysisTemplateStatus(observed_generation=generation, conditions=(ready,))
    wire = status.model_dump(mode="json", by_alias=True)
    return PatchStatus(ANALYSIS_TEMPLATES, ObjectKey.of(manifest), metadata["resourceVersion"], wire)
