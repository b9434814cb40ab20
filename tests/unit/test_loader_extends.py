"""Do scenarios inherit as written, and never from where they must not?"""

import pytest

from cosim.errors import ScenarioError
from cosim.scenario.load import load_scenario


@pytest.fixture
def write(tmp_path, tiny):
    """Write a YAML into a folder of depth three, beside a copy of the tiny scenario."""
    folder = tmp_path / "outer" / "middle" / "inner"
    folder.mkdir(parents=True)
    (folder / "tiny.yaml").write_text(tiny.read_text())

    def put(text, name="child.yaml", where="."):
        path = folder / where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return put


def complaint(path, overrides=()):
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path, overrides)
    return caught.value.problems


def test_a_child_changes_only_what_it_says(write, tiny):
    base = load_scenario(tiny).scenario
    text = "extends: tiny.yaml\nname: child\nsites: {north: {gpus: {count: 7}}}\n"
    child = load_scenario(write(text)).scenario
    assert child.sites["north"].gpus.count == 7
    changed = {"sites": {**base.sites}, "name": "child"}
    north = base.sites["north"]
    changed["sites"]["north"] = north.model_copy(
        update={"gpus": north.gpus.model_copy(update={"count": 7})}
    )
    # south extends north, and inherits its change
    south = base.sites["south"]
    changed["sites"]["south"] = south.model_copy(
        update={"gpus": south.gpus.model_copy(update={"count": 7})}
    )
    assert child == base.model_copy(update=changed)


def test_lists_replace_and_null_removes(write):
    text = "extends: tiny.yaml\nseeds: [9]\nsites: {north: {battery: null}}\n"
    scenario = load_scenario(write(text)).scenario
    assert scenario.seeds == (9,)
    assert scenario.sites["north"].battery is None


def test_null_of_a_required_key_is_reported_where_it_is_written(write):
    found = complaint(write("extends: tiny.yaml\nworkload: null\n"))
    assert [(p.line, p.path) for p in found] == [(2, "workload")]


def test_another_kind_keeps_only_the_keys_that_it_knows(write):
    battery = "sites: {north: {battery: {kind: ideal, capacity_kwh: 5}}}"
    delay = "workload: {delay: {kind: lognormal, median_s: 60, sigma: 1}}"
    loaded = load_scenario(
        write(f"extends: tiny.yaml\n{battery}\n{delay}\n"),
    )
    north = loaded.scenario.sites["north"].battery
    assert (north.kind, north.capacity_kwh, north.charge_kw_max) == ("ideal", 5, 1)
    assert loaded.resolved["workload"]["delay"] == {
        "kind": "lognormal",
        "median_s": 60,
        "sigma": 1,
    }


def test_files_chain(write):
    write("extends: tiny.yaml\nreplicas: 3\nscale: 2\n", "a.yaml")
    scenario = load_scenario(write("extends: ./a.yaml\nscale: 3\n", "b.yaml")).scenario
    assert (scenario.replicas, scenario.scale) == (3, 3)


def test_a_base_may_lie_two_folders_up_and_no_further(write):
    write("extends: inner/tiny.yaml\n", "up1.yaml", "..")
    write("extends: middle/up1.yaml\n", "up2.yaml", "../..")
    assert load_scenario(write("extends: ../../up2.yaml\n")).scenario.name == "tiny"
    write("extends: outer/up2.yaml\n", "up3.yaml", "../../..")
    found = complaint(write("extends: ../../../up3.yaml\n"))
    assert "leaves the folder" in found[0].message
    assert (found[0].line, found[0].column) == (1, 10)


@pytest.mark.parametrize(
    "named",
    [
        "/etc/base.yaml",
        "https://example.org/base.yaml",
        "file:///etc/base.yaml",
        "C:/base.yaml",
        "..\\\\base.yaml",
        "//host/base.yaml",
        "base.txt",
        "[a.yaml]",
        "3",
        "''",
    ],
)
def test_what_is_no_relative_yaml_is_refused(write, named):
    found = complaint(write(f"name: x\nextends: {named}\n"))
    assert "allowed: a relative path of a .yaml file" in found[0].message
    assert found[0].line == 2


def test_a_link_does_not_lead_out(write, tmp_path, tiny):
    far = tmp_path / "far.yaml"
    far.write_text(tiny.read_text())
    child = write("extends: link.yaml\n")
    (child.parent / "link.yaml").symlink_to(far)
    assert "leaves the folder" in complaint(child)[0].message


def test_a_missing_base_names_the_nearest_file(write):
    assert "did you mean `tiny.yaml`?" in complaint(write("extends: tinny.yaml\n"))[0].message


def test_a_circle_of_files_is_shown(write):
    write("extends: b.yaml\n", "a.yaml")
    found = complaint(write("extends: a.yaml\n", "b.yaml"))
    assert "b.yaml → a.yaml → b.yaml" in found[0].message


def test_mistakes_in_a_base_are_located_in_the_base(write):
    write("extends: inner/tiny.yaml\nreplicas: 0\n", "base.yaml", "..")
    found = complaint(write("extends: ../base.yaml\nscale: -1\n"))
    assert [(p.file.rsplit("/", 1)[1], p.line, p.path) for p in found] == [
        ("base.yaml", 2, "replicas"),
        ("child.yaml", 2, "scale"),
    ]


def test_a_base_elsewhere_cannot_name_files_beside_itself(write):
    carbon = "{sites: {north: {grid: {carbon: './own.csv:g_kwh'}}}, extends: inner/tiny.yaml}"
    write(carbon, "base.yaml", "..")
    found = complaint(write("extends: ../base.yaml\n"))
    assert found[0].path == "sites.north.grid.carbon"
    assert "keep both YAML files in one folder" in found[0].message


def test_a_site_extends_its_sibling_in_any_order(write, tiny):
    text = tiny.read_text().replace("  south:", "  first: {extends: south}\n  south:")
    sites = load_scenario(write(text)).scenario.sites
    assert sites["first"] == sites["south"]
    assert list(sites) == ["north", "first", "south"]


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("sooth", "no site `sooth` — did you mean `north`?"),
        ("south", "south → south"),
        ("east", "east → south → east"),
        ("3", "no site `3`"),
    ],
)
def test_siblings_that_lead_nowhere_are_located(write, tiny, named, words):
    text = tiny.read_text().replace("extends: north", f"extends: {named}")
    text = text.replace("  south:", "  east: {extends: south}\n  south:")
    found = [p for p in complaint(write(text)) if p.path.endswith("extends")]
    assert len(found) == 1
    assert words in found[0].message
    assert (found[0].line, found[0].column) == (20, 14)
