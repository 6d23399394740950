"""What can go wrong with the lab, told in one line to the person who started it."""

from __future__ import annotations


class LabError(Exception):
    """The lab could not do what was asked; the message says what to change, in one line."""
