"""Folder names of policies: whatever a policy is called, its results stay inside the study."""

from __future__ import annotations

import re
from hashlib import blake2b

_SAFE = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_UNSAFE = re.compile(r"[^a-z0-9_-]+")
_DEVICES = frozenset({"con", "prn", "aux", "nul"})


def policy_slug(name: str) -> str:
    """Return a folder name for a policy: its name where that is plain, else made so and hashed.

    ``home`` stays ``home``; ``my_lab:Policy@best.safetensors`` becomes
    ``my_lab-policy-best-safetensors-`` and eight hexadecimal digits, so that no two names share a
    folder, also where capitals make no difference, and none leads out of it.
    """
    if _SAFE.fullmatch(name) and name not in _DEVICES:
        return name
    seal = blake2b(name.encode(), digest_size=4).hexdigest()
    plain = _UNSAFE.sub("-", name.lower()).strip("-_")[:40] or "policy"
    return f"{plain}-{seal}"
