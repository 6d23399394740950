"""`python -m rollouts` is the command `rollouts`."""

from __future__ import annotations

from rollouts.cli.main import run

if __name__ == "__main__":
    run()
