"""What the tests here share: the tiny scenario and the checkout."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def repository_root():
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def tiny(repository_root):
    """A scenario of two sites and ninety minutes that needs no trace."""
    return repository_root / "tests" / "data" / "tiny.yaml"
