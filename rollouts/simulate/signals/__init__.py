"""The ready signals, a file each. docs/simulate.md tells of the format."""
