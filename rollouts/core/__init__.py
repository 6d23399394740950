"""The judgement: pure functions over frozen values. No I/O, async, clock, logging or randomness."""
