"""What the tests here share: commands, given in an empty folder."""

import pytest

from cosim.cli import main as entry


@pytest.fixture
def cosim(tmp_path, monkeypatch, capsys):
    """Run a command in an empty folder; returns (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        with pytest.raises(SystemExit) as caught:
            entry.main(list(map(str, arguments)))
        shown = capsys.readouterr()
        return caught.value.code, shown.out, shown.err

    return run
