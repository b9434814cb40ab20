"""Makers of traces: the index of what is on the shelf, and one file per public source."""
