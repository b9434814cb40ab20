"""Do arrays come back from disk bit for bit, and is a damaged file told from a good one?"""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from cosim.errors import UsageError
from cosim.gym.tensors import DTYPES, from_bytes, to_bytes

HERE = Path("a.safetensors")
SOME = {
    "weights": np.arange(6, dtype=np.float32).reshape(2, 3),
    "step": np.array(3.0, dtype=np.float32),
    "none": np.zeros((0, 4), dtype=np.int64),
}
ANY = st.dictionaries(
    st.text(st.characters(codec="utf-8"), max_size=8).filter(lambda name: name != "__metadata__"),
    st.sampled_from(list(DTYPES.values())).flatmap(
        lambda code: arrays_of.arrays(
            np.dtype(code), arrays_of.array_shapes(min_dims=0, min_side=0, max_side=4)
        )
    ),
    max_size=4,
)


def same(one, other):
    assert set(one) == set(other)
    for name, array in one.items():
        assert other[name].dtype == array.dtype
        assert other[name].shape == array.shape
        assert other[name].tobytes() == array.tobytes()


@given(ANY)
def test_arrays_come_back_bit_for_bit(tensors):
    content = to_bytes(tensors)
    same(tensors, from_bytes(content, HERE))
    assert to_bytes(dict(reversed(tensors.items()))) == content


def test_the_public_library_reads_and_writes_the_same():
    library = pytest.importorskip("safetensors.numpy", reason="needs the extra `learn`")
    same(SOME, library.load(to_bytes(SOME)))
    same(SOME, from_bytes(library.save(SOME, {"made": "elsewhere"}), HERE))


def test_an_array_of_another_type_is_refused():
    with pytest.raises(ValueError, match="array `a` is of type complex128"):
        to_bytes({"a": np.zeros(2, dtype=complex)})


def with_table(change):
    """A file whose table was changed."""
    content = to_bytes(SOME)
    length = int.from_bytes(content[:8], "little")
    table = json.loads(content[8 : 8 + length])
    table = change(table) or table
    text = table if isinstance(table, bytes) else json.dumps(table).encode()
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "does not begin with a table"),
        (b"\xff" * 16, "does not begin with a table"),
        (to_bytes(SOME)[:-1], "beyond the end"),
        (to_bytes(SOME) + b"more", "expected"),
        (with_table(lambda _: b"[1]"), "not a JSON object"),
        (with_table(lambda _: b"{nonsense"), "not JSON"),
        (with_table(lambda _: b"[" * 100_000), "not JSON"),
        (with_table(lambda t: t.update(weights=3)), "lacks one of"),
        (with_table(lambda t: t["weights"].update(dtype="F16")), "of type 'F16'"),
        (with_table(lambda t: t["weights"].update(dtype=["F32"])), r"of type \['F32'\]"),
        (with_table(lambda t: t["weights"].update(shape=[2, -3])), "makes no sense"),
        (with_table(lambda t: t["weights"].update(shape=[2, True])), "makes no sense"),
        (with_table(lambda t: t["weights"].update(data_offsets=[0])), "makes no sense"),
        (with_table(lambda t: t["weights"].update(shape=[10**9, 10**9])), "is not its shape"),
        (with_table(lambda t: t["weights"].update(data_offsets=[900, 924])), "beyond the end"),
    ],
)
def test_a_damaged_file_is_told_in_a_sentence(content, said):
    with pytest.raises(UsageError, match=f"a.safetensors is damaged: .*{said}"):
        from_bytes(content, HERE)
