"""The conformance suite for authors of policies: does a plug-in keep the contract of the seam?

    import cosim

    def test_my_policy():
        cosim.check_policy("my_package:MyPolicy")

The policy plays a short, lively world several times. It must have the methods, decide the same
again, return what can be put into force, leave what it is shown as it is, look at no clock on the
wall, and above all not know the future: everything that is not public at a slot's beginning is
changed behind its back, and its decision of that slot must stay the same.
"""

from __future__ import annotations

from cosim.check.findings import Finding
from cosim.check.suite import check_policy, find_faults

__all__ = ["Finding", "check_policy", "find_faults"]
