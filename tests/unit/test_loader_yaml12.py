"""Does YAML mean what YAML 1.2 says, and can no file do harm?"""

import math
import time

import pytest

from cosim.errors import ScenarioError
from cosim.scenario.yaml12 import MAX_BYTES, read_bytes, read_text


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("NO", "NO"),
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("y", "y"),
        ("12:30", "12:30"),
        ("1:20:30", "1:20:30"),
        ("2019-04-22", "2019-04-22"),
        ("2019-04-22T00:00:00Z", "2019-04-22T00:00:00Z"),
        ("1_000", "1_000"),
        ("0b101", "0b101"),
        ("=", "="),
        ("1e6", 1e6),
        ("1E-3", 1e-3),
        (".5", 0.5),
        ("6.", 6.0),
        ("-.inf", -math.inf),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("+3", 3),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("'null'", "null"),
        ('"12"', "12"),
        ("!!str 12", "12"),
    ],
)
def test_scalars_follow_the_core_rules(written, meant):
    value = read_text(f"key: {written}\n", "f").data["key"]
    assert value == meant
    assert type(value) is type(meant)


def test_nan_is_a_number_here_and_refused_by_the_model_later():
    assert math.isnan(read_text("key: .nan", "f").data["key"])


def test_places_of_keys_and_values_count_from_one():
    marks = read_text("a:\n  b: [10, 20]\n", "f").marks
    assert (marks.keys["a", "b"].line, marks.keys["a", "b"].column) == (2, 3)
    assert (marks.values["a", "b", 1].line, marks.values["a", "b", 1].column) == (2, 11)


def problems(text):
    with pytest.raises(ScenarioError) as caught:
        read_text(text, "f")
    return [(p.line, p.column, p.path, p.message) for p in caught.value.problems]


def test_all_duplicate_keys_are_reported():
    found = problems("a: 1\na: 2\nb: {c: 1, c: 3}\n")
    assert [row[:3] for row in found] == [(2, 1, "a"), (3, 11, "b.c")]
    assert "first at line 1" in found[0][3]


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: {<<: {b: 1}}", 1, 5, "merge keys"),
        ("a: !!python/object/apply:os.system ['true']", 1, 4, "tag `!!python/object/apply"),
        ("a: 1\nb: !mine 3", 2, 4, "tag `!mine`"),
        ("a: !!binary aGk=", 1, 4, "tag `!!binary`"),
        ("a: !!set {b}", 1, 4, "tag `!!set`"),
        ("a: &x [*x]", 1, 4, "contains itself"),
        ("a: *nowhere", 1, 4, "undefined alias"),
        ("a: 1\n\tb: 2", 2, 1, "indent with spaces"),
        ("a: b: c", 1, 5, "quote a text"),
        ("a: [1, 2", 1, 9, "not valid YAML"),
        ("a: 1\n---\nb: 2", 2, 1, "single document"),
        ("a: \x07", 1, 4, "U+0007"),
        ("", 1, 1, "is empty"),
        ("true: 1", 1, 1, "cannot be a key"),
        ("1.5: 1", 1, 1, "cannot be a key"),
        ("[a]: 1", 1, 1, "cannot be a key"),
        ("a: !!int many", 1, 4, "not a whole number"),
        ("a: !!float many", 1, 4, "not a number"),
        (f"a: {'9' * 5000}", 1, 4, "at most 40 digits"),
        ("a: " + "[" * 5000, 1, 63, "nested deeper"),
    ],
)
def test_what_is_not_plain_data_is_one_located_problem(text, line, column, words):
    found = problems(text)
    assert found[0][:2] == (line, column)
    assert words in found[0][3]
    assert len(found) == 1


def test_a_bomb_of_aliases_is_refused_quickly():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30)]
    start = time.perf_counter()
    assert "unfolds to more" in problems("\n".join(lines))[0][3]
    assert time.perf_counter() - start < 20  # unfolded it would be 10^30 values


def test_aliases_of_modest_size_are_plain_copies():
    data = read_text("a: &x {k: [1]}\nb: *x\n", "f").data
    assert data["a"] == data["b"] == {"k": [1]}


def test_a_huge_file_is_refused_before_it_is_parsed():
    with pytest.raises(ScenarioError, match="bytes; a scenario has at most"):
        read_bytes(b" " * (MAX_BYTES + 1), "f")


def test_bytes_that_are_not_utf8_are_located():
    with pytest.raises(ScenarioError, match=r"f:2:4  is not UTF-8 text \(byte 0xff\)"):
        read_bytes(b"a: 1\nb: \xff\n", "f")


def test_a_byte_order_mark_is_no_part_of_the_first_key():
    assert read_bytes(b"\xef\xbb\xbfname: x", "f").data == {"name": "x"}
