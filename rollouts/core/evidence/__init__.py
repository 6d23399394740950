"""How much the requests of a run so far say against the canary and for it, at every look, in numbers one can trust.

One Poissonised betting e-process does all: an absolute objective, the canary against the primary, the share of slow
requests. Counts go in tick by tick (`state.absorb`), a three-valued verdict comes out (`assess.assess`), for all
metrics together (`verdict.together`). Knows no metric source, no clock and no step: when the warm-up is over, which
counts belong to which weight and what a verdict leads to is the caller's matter.
"""
