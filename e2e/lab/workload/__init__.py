"""The process that plays every container of the lab.

Pods in the lab have no containers: kwok gives them an address and a phase, and this process answers
on that address as the pod's environment says it should. It knows pods, Services and HTTP; it must
not know canaries, weights or who calls.
"""
