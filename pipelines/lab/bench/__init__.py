"""Benchmarks that a user can run: each pairs a part of the river with its floor, in the same run on the same cores."""
