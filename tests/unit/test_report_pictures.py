"""Where there is no browser, does the message say what to do?"""

import pytest

from cosim.errors import UsageError
from cosim.report.browser import browsing, find_browser


def test_without_a_browser_it_says_which_were_looked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("COSIM_BROWSER", raising=False)
    with pytest.raises(UsageError, match=r"none of chromium, .*COSIM_BROWSER="), browsing():
        pass


def test_the_variable_names_the_browser(monkeypatch, tmp_path):
    program = tmp_path / "mine"
    program.write_text("#!/bin/sh\nexit 0\n")
    monkeypatch.setenv("COSIM_BROWSER", str(program))
    assert find_browser() is None
    with pytest.raises(UsageError, match="is no program"), browsing():
        pass
    program.chmod(0o755)
    assert find_browser() == str(program)


def test_a_browser_that_ends_at_once_is_told_in_words(monkeypatch, tmp_path):
    program = tmp_path / "mine"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    monkeypatch.setenv("COSIM_BROWSER", str(program))
    with pytest.raises(UsageError, match="the browser has ended"), browsing():
        pass
