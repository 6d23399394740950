"""Where the sequential judgement loses, from the same figures. Read before you switch it on."""

from __future__ import annotations

from collections.abc import Iterable

from tests.bench.analysis import catalog
from tests.bench.analysis.cells import Results
from tests.bench.analysis.fair import best
from tests.bench.analysis.outcomes import PROMOTED, ROLLED_BACK
from tests.bench.analysis.tables import amount, percent


def losses(results: Results) -> list[str]:
    """One line each."""
    return [f"- {line}" for line in (*_time(results), *_misses(results), *_alarms(results), *_rivals(results))]


def _time(results: Results) -> list[str]:
    healthy = {rps: f"healthy, {rps:g} rps" for rps in catalog.RATES}
    minutes = {rps: results.of(name, "SEQ").minutes_to(PROMOTED) for rps, name in healthy.items()}
    slow = ", ".join(f"{minutes[rps]:.3g} at {rps:g} rps" for rps in (1.0, 10.0, 100.0))
    flagger = results.of(healthy[10.0], "F5").minutes_to(PROMOTED)
    bursty = results.of(catalog.OWN_BURSTS[-1].name, "SEQ").minutes_to(PROMOTED)
    return [
        (
            f"Promotion takes longer: minutes {slow}; Flagger {flagger:.3g}. `promote: time` takes that price off, and "
            "lets small regressions through."
        ),
        f"A bursty service pays for its dispersion: {bursty:.3g} minutes to promote at 1000 rps.",
    ]


def _misses(results: Results) -> list[str]:
    small = ("0.5 %, 10 rps", "0.5 %, 100 rps", "2 %, 1 rps", "p99 400->600 ms, 1 rps")
    few, leak = (
        next(world.name for world in catalog.UNSEEN if word in world.name)
        for word in ("one scrape of ten", "to 1 % in an hour")
    )
    return [
        (
            f"Small regressions at low traffic are missed: {_missed(results, small)}. Rules that find more of them have"
            " the false rollbacks to match, or hold every release."
        ),
        (
            f"The cap holds down failures that come in few scrapes, with none in between: {_missed(results, [few])} are"
            f" missed; A3 misses {_missed(results, [few], 'A3')}, F5 {_missed(results, [few], 'F5')}."
        ),
        (
            f"What is little worse until the promotion is not seen: of leaks to 1 % in an hour"
            f" {_missed(results, [leak])} are missed; A3 misses {_missed(results, [leak], 'A3')}, F5"
            f" {_missed(results, [leak], 'F5')}."
        ),
    ]


def _missed(results: Results, names: Iterable[str], rule: str = "SEQ") -> str:
    shares = {name: percent(1 - results.of(name, rule).rolled_back) for name in names}
    if len(shares) == 1:
        return f"{next(iter(shares.values()))} %"
    return "; ".join(f"{name}: {share} %" for name, share in shares.items())


def _alarms(results: Results) -> list[str]:
    cold = " and ".join(f"{percent(results.of(world.name, 'SEQ').rolled_back)} %" for world in catalog.COLD)
    bursts = ", ".join(
        f"{percent(results.of(world.name, 'SEQ').rolled_back)} % of '{world.name}', "
        f"F5 {percent(results.of(world.name, 'F5').rolled_back)} %"
        for world in (*catalog.OWN_BURSTS, *catalog.ARM_BURSTS)
    )
    return [
        f"Without `warmup` {cold} of the cold starts of 45 s are rolled back (10, 100 rps); counters shrug them off.",
        f"Bursts of one version alone are taken for its fault: {bursts}.",
    ]


def _rivals(results: Results) -> list[str]:
    worse = []
    for name in catalog.FAIR_CELLS:
        ours, (rule, least) = results.of(name, "SEQ").bad_requests, best(results, name, 0.01)
        if least < ours:
            worse.append(f"{name} ({amount(least)} by '{rule}', SEQ {amount(ours)})")
    both = "5 %, primary 1.2 %, 10 rps"
    minutes = {rule: results.of(both, rule).minutes_to(ROLLED_BACK) for rule in ("SEQ", "SEQ-slo", "A3")}
    quick = {rule: amount(results.of("2 %, 10 rps", rule).bad_requests) for rule in ("SEQ", "A0")}
    alarms = percent(results.of("healthy, 10 rps", "A0").rolled_back)
    return [
        f"Some threshold rule lets fewer bad requests pass at: {'; '.join(worse) or 'none of the cells'}.",
        (
            f"Where both versions are bad, blame costs time: {both}: {minutes['SEQ']:.3g} min, against the objective "
            f"alone {minutes['SEQ-slo']:.3g}, A3 {minutes['A3']:.3g}."
        ),
        (
            f"One bad sample is quicker, at {alarms} % false rollbacks: 2 % at 10 rps costs A0 {quick['A0']} bad"
            f" requests, SEQ {quick['SEQ']}."
        ),
        (
            "It needs a sentence of teaching and counts (a gauge such as CPU stays with thresholds), and is cautious:"
            " at its limit a canary fails less often than allowed (second table)."
        ),
    ]
