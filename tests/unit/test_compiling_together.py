"""Do processes that compile the same function at once leave code that later ones can trust?"""

import subprocess
import sys
import textwrap

WORK = """
    import sys, time
    from pathlib import Path
    from numba.core.caching import IndexDataCacheFile
    from cosim.world import compiled

    folder = Path(sys.argv[1])
    compiled.kernel_folder = lambda: folder
    save_index = IndexDataCacheFile._save_index

    def slowly(self, overloads):
        time.sleep(float(sys.argv[2]))  # the other process reads the index in the meantime
        save_index(self, overloads)

    IndexDataCacheFile._save_index = slowly

    from adding import add

    twice = compiled.compiled(add)
    (folder / sys.argv[3]).touch()
    while len(list(folder.glob("ready-*"))) < 2:
        time.sleep(0.01)
    for word in sys.argv[4:]:
        print(twice({"int": 20, "float": 0.25}[word]))
    print(sum(twice.stats.cache_hits.values()))
    """
ADDING = """
    def add(value):
        return value + value
    """


def start(tmp_path, delay_s, name, *words):
    arguments = [tmp_path / "work.py", tmp_path / "kernels", delay_s, name, *words]
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )


def told(process):
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return out.split()


def test_two_processes_at_once_keep_the_code_of_both(tmp_path, monkeypatch, pytestconfig):
    monkeypatch.setenv("PYTHONPATH", f"{pytestconfig.rootpath}:{tmp_path}")
    (tmp_path / "work.py").write_text(textwrap.dedent(WORK), encoding="utf-8")
    (tmp_path / "adding.py").write_text(textwrap.dedent(ADDING), encoding="utf-8")
    (tmp_path / "kernels").mkdir()
    both = [
        start(tmp_path, 1.5, "ready-int", "int"),
        start(tmp_path, 1.5, "ready-float", "float"),
    ]
    assert sorted(map(told, both)) == [["0.5", "0"], ["40", "0"]]
    assert told(start(tmp_path, 0, "ready-int", "int", "float")) == ["40", "0.5", "2"]
