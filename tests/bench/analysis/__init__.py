"""What the sequential judgement finds, misses and costs, in simulated rollouts, beside the rules that others use.

The judge is the shipped one (rollouts/core/evidence); numpy makes the traffic and the rivals. Run it with
`make bench-analysis`; docs/analysis-figures.md is its output.
"""
