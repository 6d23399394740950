"""Releases of configuration alone, through the real parts: only what a ConfigMap or a Secret holds is changed.

Two applications share them, each with a Canary of its own; one is promoted, the other waits for its approval.
"""
