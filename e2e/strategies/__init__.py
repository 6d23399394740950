"""Each strategy in the lab: what two kinds of clients, side by side, really get while versions are released by it.

    python -m e2e.strategies                all stories: `make lab-strategies`
    python -m e2e.strategies --only "A/B"   those stories, and what they need before and after

One kind of clients sends the header that the examples match on, the other does not. The application and its gateway
are those of examples/first-light; before each release a person applies another of examples/strategies. `runs` plays
and records, `judge_*` judge from the records alone. `gates` plays the receivers of webhooks, `kills` kills the
controller, `browsers` keep cookies.
"""
