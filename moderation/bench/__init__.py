"""Benchmarks side by side: our paths against what a user would take instead, on the same clips in the same process."""
