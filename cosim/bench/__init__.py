"""Benchmarks: the same work by every engine, and the proof that it is the same."""
