"""The shell around the judgement: gathers what is observed, makes decisions true, and sleeps in between."""
