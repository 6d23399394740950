"""Releases that are judged by real metrics, in the real parts: evidence, its absence, and sources that fail or lie.

`plan` says what is released and how it is to end, `stories` and `runs` play it. `counts` knows from the workload
server's own log what was shown to each scrape, `replay` what the shipped statistics make of that, `totals` what the
clients got; `judge` and `judge_counts` hold the controller against them. `liar` stands in front of Prometheus.
"""
