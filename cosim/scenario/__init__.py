"""A scenario: the world to simulate, written in YAML, checked and frozen."""
