"""Faults of the control plane and of the controller itself, each over three Canaries at the same time.

One rests, one releases a good version, one a bad one, all under the same load. What clients of the resting one get is
what the fault alone does to them; the other two are held against it. `python -m e2e.chaos --write` puts what was
measured into docs/reliability.md.
"""
