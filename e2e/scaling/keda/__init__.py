"""KEDA's ScaledObject in the lab, where there is no KEDA: what the controller makes of it, under the shipped role.

The API server gets a kind of that name. Nobody scales by it: where KEDA would, `kubectl scale` gives the primary its
size. Judged is what is written: the primary's copy, its least while a release lasts, and when the user's own is paused.
"""
