"""The tests: a package, so that tables and doubles can be shared by name."""
