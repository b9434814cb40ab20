"""What a report says of the sizes that users ask for, and its silence where nobody asks."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from cosim.report.figures_delay import class_labels
from cosim.report.tables import _asked_sizes


def jobs(px):
    count = len(px)
    return SimpleNamespace(
        px_asked=np.array(px, dtype=np.int32),
        class_id=np.array(px, dtype=np.int32) // 512,
        arrival_ns=np.zeros(count, dtype=np.int64),
        deadline_ns=np.full(count, 60 * 10**9),
        images=np.ones(count, dtype=np.int32),
        transferable=np.ones(count, dtype=np.bool_),
    )


def test_shares_and_classes_name_the_sizes():
    case = SimpleNamespace(first=SimpleNamespace(jobs=jobs([512, 512, 512, 1024])))
    assert _asked_sizes(case) == [("Sizes asked for", "75.0 % 512 px, 25.0 % 1024 px")]
    labels = class_labels(case.first.jobs)
    assert [label.rsplit(", ", 1)[1] for label in labels.values()] == ["512 px", "1024 px"]


def test_nothing_is_said_where_nobody_asks():
    case = SimpleNamespace(first=SimpleNamespace(jobs=jobs([0, 0])))
    assert _asked_sizes(case) == []
    assert "px" not in class_labels(case.first.jobs)[0]
