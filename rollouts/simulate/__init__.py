"""`rollouts simulate`: what a Canary would do on given signals, by the real engine in virtual time."""
