"""Exit codes of the commands. Scripts rely on them: docs/cli.md has the table, and a test holds it against these."""

from __future__ import annotations

DONE = 0
FAILED = 1
"""The release failed, an action was refused, or what was to be shown is not as expected."""
REFUSED = 2
"""Flags that can't be meant, no cluster, no right: nothing was done. Of `status`: not over, or not in time."""
NOT_FOUND = 3
"""There is no such Canary."""
USAGE = 64
"""Of `status`, where 2 says something else: flags that can't be meant."""
UNREACHED = 69
"""Of `status`: no answer about the release: no cluster, no right, no Canaries installed."""
INTERRUPTED = 130
"""By Ctrl-C."""
