"""What the tests of the repository's own shape share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def repository():
    """The root of the checkout that holds these tests."""
    return Path(__file__).resolve().parents[2]
