"""Rules of thumb for placing jobs, each documented in two lines."""
