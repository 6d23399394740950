"""What every test run shares: how hypothesis behaves on busy machines."""

from __future__ import annotations

from hypothesis import settings

# The limit on time is pytest's; a slow machine must not turn a right property into a failure.
settings.register_profile("rollouts", deadline=None, print_blob=True)
settings.load_profile("rollouts")
