"""What goes wrong around a release, done to the real parts in the middle of one.

The user's routing objects are deleted or spoilt, two Canaries want one rule, istiod is away. Each time: a clear
condition, traffic left where it is safe, and the release goes on by itself once all is mended. `mishap` says what is
done and what is expected, `runs` plays it, `judge` looks at what clients got.
"""
