"""Traces: measured weather, prices, carbon and requests, with their provenance."""
