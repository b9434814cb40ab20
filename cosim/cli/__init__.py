"""The command line: thin wrappers over typed functions."""
