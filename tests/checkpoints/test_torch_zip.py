"""Reading PyTorch's checkpoints: nothing in them is run, and nothing broken gets through."""

import zipfile

import numpy as np
import pytest
from published import GOLDEN
from torch_archive import write_torch_zip

from asd_tf.checkpoints.torch_zip import read_torch_zip
from asd_tf.errors import InputError


def test_values_and_tensors_come_back(tmp_path):
    """A config value or a transposed tensor that is read wrong would spoil the network silently."""
    rng = np.random.default_rng(0)
    value = {
        "cfg": {"depth": 12, "rate": 0.05, "norm": True, "name": "gelu", "none": None},
        "sizes": (1, 2),
        "model": {
            "plain": rng.normal(size=(3, 4)).astype(np.float32),
            "half": rng.normal(size=5).astype(np.float16),
            "count": np.array(70000000000),
            "empty": np.zeros((0, 3), np.float32),
        },
    }
    write_torch_zip(tmp_path / "x.pt", value)
    found = read_torch_zip(tmp_path / "x.pt")
    assert found["cfg"] == value["cfg"]
    assert found["sizes"] == (1, 2)
    for name, array in value["model"].items():
        np.testing.assert_array_equal(found["model"][name], array)
        assert found["model"][name].dtype == array.dtype


def of_one_tensor(path, view, count=6):
    """Writes a tensor whose offset, shape and strides are given as a pickle."""
    program = (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage"
        b"\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK" + bytes([count]) + b"tQ" + view
        + b"\x89NtR."
    )  # fmt: skip
    write_torch_zip(path, np.arange(6, dtype=np.float32), program)


def test_strided_views_are_copied_out_of_their_storage(tmp_path):
    """Transposed tensors and slices share storages in real checkpoints."""
    of_one_tensor(tmp_path / "x.pt", b"K\x01(K\x02K\x02t(K\x01K\x02t")
    np.testing.assert_array_equal(read_torch_zip(tmp_path / "x.pt"), [[1, 3], [2, 4]])


@pytest.mark.parametrize(
    ("view", "count"),
    [
        (b"K\x02(K\x05t(K\x01t", 6),  # behind the end
        (b"J\xff\xff\xff\xff(K\x02t(K\x01t", 6),  # before the start
        (b"K\x05(K\x03t(J\xff\xff\xff\xfft", 6),  # backwards
        (b"K\x00(J\xff\xff\xff\x7ft(K\x00t", 6),  # one value many times
        (b"K\x00(K\x06t(K\x01t", 7),  # a storage that is longer than its file
        (b"NNN", 6),
    ],
)
def test_tensors_that_reach_beyond_their_storage_are_refused(tmp_path, view, count):
    """They would show whatever lies beside it in memory."""
    of_one_tensor(tmp_path / "x.pt", view, count)
    with pytest.raises(InputError, match=r"x\.pt: is damaged"):
        read_torch_zip(tmp_path / "x.pt")


@pytest.mark.parametrize(
    "name", ["os system", "posix system", "builtins eval", "torch load", "torch._utils _rebuild",
             "collections namedtuple", "numpy.core.multiarray _reconstruct"]
)  # fmt: skip
def test_programs_are_not_run(tmp_path, name):
    """A checkpoint from the internet must not be able to take the machine over."""
    module, attribute = name.split()
    done = tmp_path / "done"
    program = f"c{module}\n{attribute}\n(S'touch {done}'\ntR.".encode()
    write_torch_zip(tmp_path / "x.pt", {}, program)
    with pytest.raises(InputError, match=f"wants to run {module}.{attribute}"):
        read_torch_zip(tmp_path / "x.pt")
    assert not done.exists()


def test_what_is_no_checkpoint_is_refused(tmp_path):
    whole = (GOLDEN / "beats_tiny.pt").read_bytes()
    cut = tmp_path / "cut.pt"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"cut\.pt: is no whole zip archive"):
        read_torch_zip(cut)
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(InputError, match="no checkpoint of PyTorch"):
        read_torch_zip(other)
    flipped = bytearray(whole)
    flipped[whole.index(b"beats_tiny/data/3") + 2000] ^= 1
    (tmp_path / "flipped.pt").write_bytes(flipped)
    with pytest.raises(InputError, match=r"flipped\.pt: is damaged"):
        read_torch_zip(tmp_path / "flipped.pt")
    with pytest.raises(InputError, match="there is no such file"):
        read_torch_zip(tmp_path / "missing.pt")


@pytest.mark.parametrize("program", [b"", b"\x80\x02", b".", b"(t(t.", b"N", b"\x80\x02}b.", b"0.",
                                     b"\x8c", b"h\x05.", b"\xff."])  # fmt: skip
def test_broken_pickles_are_one_line(tmp_path, program):
    write_torch_zip(tmp_path / "x.pt", {}, program)
    try:
        value = read_torch_zip(tmp_path / "x.pt")
    except InputError as error:
        assert "\n" not in str(error) and "x.pt" in str(error)
    else:
        assert value == ()
