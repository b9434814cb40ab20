"""Where dear things are kept, and that a changed kernel is noticed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cosim.cache import cache_folder, kernel_folder, kernels_are_compiled


def test_the_users_choice_of_folder_wins(tmp_path, monkeypatch):
    monkeypatch.setenv("COSIM_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("COSIM_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "cosim"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "cosim"


def test_kernels_are_kept_in_a_folder_named_after_their_source():
    folder = kernel_folder()
    assert folder.name.startswith("kernels-")
    assert len(folder.name) == len("kernels-") + 16
    assert isinstance(kernels_are_compiled(), bool)


def test_asking_whether_kernels_are_compiled_does_not_load_the_compiler():
    code = (
        "import sys, cosim.cache as c; c.kernels_are_compiled(); sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
