"""What policies read from the bounds of job classes."""

from __future__ import annotations

import math

import numpy as np

from cosim.decision import ClassInfo
from policies.classes import patience_s, typical_images


def test_patience_is_the_middle_of_the_least_patient_bin_even_if_it_begins_at_zero(make_world):
    bins = [(0.0, 90.0), (90.0, 150.0), (150.0, math.inf)]
    rows = tuple(ClassInfo("c", lo, hi, True, 1, 1, 1.0) for lo, hi in bins)
    assert patience_s(make_world(classes=rows)) == 45.0


def test_an_endless_bin_alone_counts_from_its_beginning(make_world):
    rows = (ClassInfo("c", 60.0, math.inf, True, 1, 1, 1.0),)
    assert patience_s(make_world(classes=rows)) == 60.0


def test_typical_images_are_the_middle_of_the_bin(make_world):
    rows = tuple(
        ClassInfo("c", 60.0, 90.0, True, lo, hi, mean)
        for lo, hi, mean in [(1, 1, 1.0), (2, 8, 5.0)]
    )
    assert np.array_equal(typical_images(make_world(classes=rows)), [1.0, 5.0])
