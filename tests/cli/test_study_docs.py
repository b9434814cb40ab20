"""Can everything that docs/studies.md shows be given to cosim as it stands?"""

import re
import shlex

import pytest

from cosim.cli import main as entry
from cosim.scenario.study_file import ABLATION_NAMES, read_study
from cosim.study.ablations import ABLATIONS
from cosim.study.plan import study_plan


@pytest.fixture(scope="module")
def page(pytestconfig):
    return (pytestconfig.rootpath / "docs" / "studies.md").read_text(encoding="utf-8")


def test_every_command_plans_what_it_says(page, repository_root, tmp_path, monkeypatch):
    monkeypatch.chdir(repository_root)
    lines = [re.split(r"\s{3,}", x)[0] for x in page.splitlines() if x.startswith("cosim ")]
    commands = [line for line in lines if "study.yaml" not in line and "--cluster" not in line]
    assert len(commands) == 5
    for number, line in enumerate(commands):
        words = shlex.split(line)[1:]
        with pytest.raises(SystemExit) as caught:
            entry.main([*words, "--partial", "-q", "--out", str(tmp_path / str(number))])
        assert caught.value.code == 0, line


def test_the_study_file_means_what_the_page_says(page, repository_root, tmp_path):
    (text,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "scenarios").symlink_to(repository_root / "scenarios")
    path = tmp_path / "reports" / "study.yaml"
    path.parent.mkdir()
    path.write_text(text.replace("../scenarios/quickstart.yaml", "base.yaml"), encoding="utf-8")
    base = (repository_root / "scenarios" / "quickstart.yaml").read_bytes()
    (path.parent / "base.yaml").write_bytes(base)
    plan = study_plan(read_study(path))
    assert len(plan.points) == 3 * 4
    assert list(plan.variants) == ["full", "as-is", "double-battery", "no-battery"]


def test_the_table_of_ablations_is_complete(page):
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", page, re.MULTILINE))
    assert rows == {name: ABLATIONS[name].meaning for name in ABLATION_NAMES}
