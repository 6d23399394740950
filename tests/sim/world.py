"""One seed, from nothing to the end: a server, pods, metrics, processes, people, and the judges over all of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

import structlog

from rollouts.api.resources import CANARIES, Manifest, ObjectKey
from rollouts.api.status import Phase
from rollouts.core.measurement import NoData, Outcome, Probe, Signal, Subject, Value
from rollouts.testing.hooks import ScriptedHooks
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.metrics import Health, ScriptedMetrics, answer_of, probes_about
from rollouts.testing.pods import NEVER, PodsController, image_of
from rollouts.testing.virtual_time import VirtualClock, run_virtually
from rollouts.testing.watch import Lateness
from tests.sim.court import Unsafe
from tests.sim.faults import Fates, Fault
from tests.sim.ledger import RUNNING
from tests.sim.liveness import bound_s, unrest, wrong_end
from tests.sim.people import People, Scripts
from tests.sim.plan import GOOD, HEALTH, NAMESPACE, STUCK, CanaryPlan, Happening, Plan, image, kind_of
from tests.sim.process import Outside, Process, SkewedClock
from tests.sim.safety import Safety
from tests.sim.sharing import LEASE_S, RUDE_S, Sharing

POLL_S = 1.0
AFTERWARDS_S = 15.0
"""How long it is watched that what has come to its end stays there."""
SILENT_AFTER_S = 1.5
"""How long the last requests of a canary take after its weight is gone."""


AFFLICTIONS: dict[str, Callable[[Process, float], None]] = {
    "restart": Process.kill, "die": Process.kill, "stop": Process.stop, "cut": Process.cut, "freeze": Process.freeze,
    "blind": Process.blind,
}  # fmt: skip
"""What happens to processes, and for how many seconds."""


@dataclass(slots=True)
class Outcomes:
    """What came of one run."""

    seed: int
    flaws: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    virtual_s: float = 0.0
    crashes: int = 0
    awaited: list[str] = field(default_factory=list)
    """Writes, measurements and calls that the processes awaited."""
    called: str = ""

    @property
    def awaits(self) -> int:
        """How many."""
        return len(self.awaited)

    def command(self) -> str:
        """What repeats it."""
        return self.called or f"python -m tests.sim --first {self.seed} --seeds 1 --trace"


class World:
    """All parts of one run, put together."""

    def __init__(self, plan: Plan, fault: Fault | None = None) -> None:
        self.plan = plan
        self.outcomes = Outcomes(plan.seed, called=plan.called)
        self.clock = VirtualClock()
        self.server = MemoryServer(self.clock.now)
        self.server.journal.limit = plan.rudeness.journal
        self.random = Random(plan.seed + 1)
        self.metrics = ScriptedMetrics()
        self.hooks = ScriptedHooks(self.clock, Random(0))
        self.safety = Safety(plan, lambda: self.clock.elapsed_s, self.note)
        self.server.watchers.append(self.safety.heard)
        self.pods = PodsController(self.server, Random(plan.seed + 2), self._startup_s)
        self.fates = Fates(self.random, plan.rudeness.fault_chance, plan.rudeness.latency_max_s, fault)
        self.processes = [self._process(index, skew_s) for index, skew_s in enumerate(plan.skews_s)]
        if plan.sharing:
            self._judge_sharing()
        self.people = People(self.server, self.pods, Scripts(self.metrics, self.hooks), self.safety, self.note)
        self._zero_since: dict[str, float] = {}

    def note(self, text: str) -> None:
        """One line of the trace."""
        self.outcomes.trace.append(f"{self.clock.elapsed_s:9.3f} {text}")

    def run(self) -> Outcomes:
        """To the end, or to the first flaw."""
        with structlog.testing.capture_logs(processors=[structlog.processors.format_exc_info]) as logs:
            run_virtually(self.clock, self._whole())
        self.outcomes.flaws += self.safety.flaws
        for entry in logs:
            if entry["event"] == "reconcile_defect" or entry.get("kind") == "Unsettled":
                self.outcomes.flaws.append(f"a defect: {entry.get('reason') or entry['exception'][-400:]}")
        self.outcomes.virtual_s = self.clock.elapsed_s
        self.outcomes.awaited = self.fates.awaited
        if 0 < self.plan.awaits_max < self.outcomes.awaits:
            self.outcomes.flaws.append(f"it took {self.outcomes.awaits} awaits, at most {self.plan.awaits_max}")
        self.outcomes.crashes = sum(process.lives - 1 for process in self.processes)
        return self.outcomes

    def _process(self, index: int, skew_s: float) -> Process:
        outside = Outside(self.server, self.metrics, self.hooks, self.safety, self.note)
        process = Process(f"p{index}", outside, SkewedClock(self.clock, skew_s), self.fates, self.plan.sharing)
        rude = self.plan.rudeness
        process.lateness = Lateness(rude.delay_max_s, rude.drop_chance, cut_chance=rude.cut_chance)
        return process

    def _judge_sharing(self) -> None:
        rude, names = self.plan.rudeness, [canary.name for canary in self.plan.canaries]
        calm_s = rude.fault_chance == rude.drop_chance == 0.0
        allowed_s = self.plan.handover_max_s or LEASE_S + (RUDE_S / 5 if calm_s else RUDE_S)
        self.safety.sharing = Sharing(self.safety.court, names, self.processes, allowed_s)
        self.fates.lands = True

    async def _whole(self) -> None:
        asyncio.get_running_loop().set_exception_handler(self._failed)
        self.pods.start()
        for canary in self.plan.canaries:
            self._announce(canary)
            self.people.settle_in(canary)
            self.server.put(canary.workloads, canary.workload(image(canary.name, canary.first, 0)))
            self.server.put(CANARIES, canary.manifest())
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(process.run()) for process in self.processes]
            await self._story()
            for process in running:
                process.cancel()

    async def _story(self) -> None:
        for happening in self.plan.happenings:
            if not await self._pass_until(happening.at_s):
                return
            if happening.what in AFFLICTIONS:
                self._afflict(happening)
            else:
                self.people.do(happening, self.plan.canaries[happening.index])
        if not await self._pass_until(self.plan.calm_at_s):
            return
        self._calm()
        if not await self._rest(strict=False):
            return
        for canary, kind in zip(self.plan.canaries, self.plan.finals, strict=True):
            self.people.last_release(canary, kind)
        if await self._rest(strict=True) and await self._pass_until(self.clock.elapsed_s + AFTERWARDS_S):
            for ledger in self.safety.ledgers.values():
                mail = self.safety.mails[ledger.plan.name]
                found = (unrest(self.server, ledger), wrong_end(self.server, ledger, strict=True))
                self.outcomes.flaws += filter(None, (*found, mail.missing(ledger.meaning)))

    def _afflict(self, happening: Happening) -> None:
        """Something happens to a process."""
        process, for_s = self.processes[happening.index], float(happening.detail or 0)
        self.note(f"{process.life}: {happening.what} {happening.detail}")
        AFFLICTIONS[happening.what](process, for_s)

    def _calm(self) -> None:
        self.note("from here on nothing goes wrong")
        for process in self.processes:
            process.calm()
        for canary in self.plan.canaries:
            self.people.make_good(canary)

    async def _rest(self, *, strict: bool) -> bool:
        """Every Canary comes to its proper end in time."""
        ledgers = self.safety.ledgers.values()
        within_s = max(bound_s(ledger.plan, ledger.meaning) for ledger in ledgers)
        ends_at_s = self.clock.elapsed_s + within_s
        await asyncio.sleep(2 * POLL_S)
        while waits := [text for ledger in ledgers if (text := unrest(self.server, ledger))]:
            if self.clock.elapsed_s > ends_at_s:
                self.outcomes.flaws.append(f"no rest within {within_s:.0f} s: {'; '.join(waits)}")
                return False
            for canary in self.plan.canaries:
                self.people.open_gate(canary)
            if not await self._pass_until(self.clock.elapsed_s + POLL_S):
                return False
        for ledger in ledgers:
            if wrong := wrong_end(self.server, ledger, strict=strict):
                self.outcomes.flaws.append(wrong)
        return not self.outcomes.flaws

    async def _pass_until(self, at_s: float) -> bool:
        """Let time pass; whether all is well so far."""
        while self.clock.elapsed_s < at_s and not self.safety.flaws:
            poll_s = POLL_S / 4 if self.plan.sharing else POLL_S * 5
            await self.clock.sleep(min(poll_s, at_s - self.clock.elapsed_s))
            with contextlib.suppress(Unsafe):
                self.safety.check_put_back()
        return not self.safety.flaws

    def _failed(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A callback of the world raised: a defect of the world itself, or something unsafe in a late write."""
        self.safety.flaws.append(f"{context['message']}: {context.get('exception')!r}")

    def _announce(self, canary: CanaryPlan) -> None:
        for workload, subject in ((canary.name, Subject.CANARY), (f"{canary.name}-primary", Subject.STABLE)):
            self.metrics.announce(NAMESPACE, workload, probes_about(subject), partial(self._answer, workload))

    def _answer(self, workload: str, probe: Probe) -> Outcome:
        """What clients of a workload see: the health of what runs, if it gets requests at all."""
        images = self.pods.ready_images(ObjectKey(NAMESPACE, workload))
        share = self._share(workload)
        if probe.signal is Signal.REQUEST_RATE:
            # A silent version may have become the primary, by a person's action; clients would count its requests.
            counted = workload.endswith("-primary") or _counted(images)
            return Value(5.0 if share and images else 0.0) if counted else NoData()
        if probe.signal is not Signal.SOURCE_ALIVE and not (share and images):
            return NoData()
        worst = max((HEALTH[kind_of(one)] for one in images), key=[*HEALTH.values()].index, default=HEALTH[GOOD])
        return answer_of(worst, probe.signal)

    def _share(self, workload: str) -> bool:
        name, _, primary = workload.partition("-")
        ledger = self.safety.ledgers[name]
        shares = ledger.route.shares if ledger.route is not None else None
        # Blue-green has its testers, who send requests to the canary while it is released.
        tested = ledger.meaning.blue_green and ledger.status.phase in RUNNING | {Phase.PROMOTING}
        if primary or tested or (shares is not None and (shares.everyone or shares.matching or shares.mirror)):
            self._zero_since.pop(workload, None)
            return True
        since = self._zero_since.setdefault(workload, self.clock.elapsed_s)
        return self.clock.elapsed_s - since < SILENT_AFTER_S

    def _startup_s(self, template: Manifest) -> float:
        of = image_of(template)
        if kind_of(of) == STUCK:
            return NEVER
        return next(canary.startup_s for canary in self.plan.canaries if of.startswith(f"{canary.name}:"))


def run(plan: Plan, fault: Fault | None = None) -> Outcomes:
    """One whole run, with one more fault if a test wants it."""
    return World(plan, fault).run()


def _counted(images: list[str]) -> bool:
    """Whether the requests of what runs are counted anywhere."""
    return not any(HEALTH[kind_of(one)] is Health.ABSENT for one in images)
