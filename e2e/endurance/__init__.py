"""Ten releases in a row under 1,000 requests a second: promoted and aborted ones, and not one request that we fail.

The answers of the versions are all good, so every 503, reset or time-out is the doing of the controller, or of the mesh
while it is reconfigured. `runs` plays, `judge` says what is expected of each run and of all together.
"""
