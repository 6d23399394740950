"""Releases of what is not HTTP at a route of ours, in the real parts: TCP, TLS that the gateway can't read, delegation.

Three Canaries at once: one shares TCP connections between its two copies; one moves the weights in the user's own tls
route, found by SNI; one is reached through the user's root VirtualService. Each is released twice, well and badly.
`kind` says what they are, `runs` plays them, `evidence` is the hook that knows the protocols, `envoy` and `untouched`
read what was seen, and `judge` holds it against what is expected.
"""
