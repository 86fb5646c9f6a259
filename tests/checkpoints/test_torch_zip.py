"""PyTorch checkpoints must be read without running code, and refused if damaged."""

import tracemalloc
import zipfile

import numpy as np
import pytest
from published import GOLDEN
from torch_archive import write_torch_zip

from asd_tf.checkpoints.torch_zip import read_torch_zip
from asd_tf.errors import InputError


def test_values_and_tensors_come_back(tmp_path):
    """Config values and tensors must be read as PyTorch wrote them."""
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
    """Tensors beyond their storage must be refused."""
    of_one_tensor(tmp_path / "x.pt", view, count)
    with pytest.raises(InputError, match=r"x\.pt: is damaged"):
        read_torch_zip(tmp_path / "x.pt")


@pytest.mark.parametrize(
    "name", ["os system", "posix system", "builtins eval", "torch load", "torch._utils _rebuild",
             "collections namedtuple", "numpy.core.multiarray _reconstruct"]
)  # fmt: skip
def test_programs_are_not_run(tmp_path, name):
    """A checkpoint must not be able to run code."""
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
    with pytest.raises(InputError, match=r"cut\.pt: is not a complete zip archive"):
        read_torch_zip(cut)
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(InputError, match="not a checkpoint of PyTorch"):
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


TENSOR = (
    b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage"
    b"\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x06tQ%bK\x00(K\x06t(K\x01t\x89NtR"
)


@pytest.mark.parametrize(
    ("before", "changed"),
    [
        (b"\x80\x02" + TENSOR % b"}X\x06\x00\x00\x00values(K\x01K\x02tsb", "a storage"),
        (b"\x80\x02" + TENSOR % b"" + b"(K\x01(K\x09tNI01\nN\x89tb", "a tensor, as numpy has it"),
        (b"\x80\x02" + TENSOR % b"" + b"}X\x05\x00\x00\x00arrayK\x01sb", "a tensor"),
        (b"\x80\x02ctorch\nFloatStorage\n}X\x04\x00\x00\x00nameX\x0d\x00\x00\x00DoubleStoragesb",
         "a kind of storage"),
        (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}X\x01\x00\x00\x00xK\x01sb", "a function"),
        (b"\x80\x02ccollections\nOrderedDict\n}X\x01\x00\x00\x00xK\x01sb", "a type"),
    ],
)  # fmt: skip
def test_a_pickle_changes_nothing_but_dicts(tmp_path, before, changed):
    """BUILD must be refused on whatever a pickle has made, other than a dict."""
    write_torch_zip(tmp_path / "x.pt", np.arange(6, dtype=np.float32), before + b".")
    with pytest.raises(InputError, match=r"x\.pt: is damaged"):
        read_torch_zip(tmp_path / "x.pt")


def test_the_state_of_a_dict_is_ignored(tmp_path):
    """torch.save stores attributes of dicts, which must neither be needed nor set."""
    program = b"\x80\x02ccollections\nOrderedDict\n)R}X\x04\x00\x00\x00keysK\x01sb."
    write_torch_zip(tmp_path / "x.pt", {}, program)
    found = read_torch_zip(tmp_path / "x.pt")
    assert found == {} and type(found) is dict and callable(found.keys)


def write_deflated(path, program):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", program)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (b"\x80\x02" + b"]" * 17 * 2**20, "more than 16 MiB"),
        (b"\x80\x02" + b"]" * 600_000, "more than 500000 operations"),
        (b"\x80\x02Nr\xff\xff\xff\x0f.", "the index 268435455"),
        (b"\x80\x02X\xff\xff\xff\x7f.", "is damaged"),
        (b"\x80\x04\x8d\xff\xff\xff\xff\x00\x00\x00\x00.", "is damaged"),
        (b"\x80\x02" + b"(" * 200_000 + b"t" * 200_000 + b".", "is damaged"),
        (b"\x80\x02]q\x00h\x00a.", "is damaged"),  # a list that contains itself
        (b"\x80\x02]q\x00" + b"h\x00h\x00\x86q\x00" * 100 + b".", None),  # 2^100 paths to one list
    ],
)
def test_pickles_take_little_memory(tmp_path, program, message):
    """A small file must not be able to fill the memory, or to take forever."""
    write_deflated(tmp_path / "x.pt", program)
    tracemalloc.start()
    try:
        if message is None:
            read_torch_zip(tmp_path / "x.pt")
        else:
            with pytest.raises(InputError, match=message):
                read_torch_zip(tmp_path / "x.pt")
        assert tracemalloc.get_traced_memory()[1] < 100 * 2**20
    finally:
        tracemalloc.stop()


def test_storages_and_tensors_are_not_larger_than_the_file(tmp_path):
    """Compressed storages, and a storage that is copied into many tensors, must be refused."""
    zeros = np.zeros(2**18, np.float32)
    write_torch_zip(tmp_path / "plain.pt", zeros)
    with zipfile.ZipFile(tmp_path / "plain.pt") as plain:
        parts = {name: plain.read(name) for name in plain.namelist()}
    with zipfile.ZipFile(tmp_path / "small.pt", "w", zipfile.ZIP_DEFLATED) as small:
        for name, part in parts.items():
            small.writestr(name, part)
    with pytest.raises(InputError, match="storage 0 has 1048576 bytes"):
        read_torch_zip(tmp_path / "small.pt")
    one = parts["archive/data.pkl"][2:-1]
    write_torch_zip(tmp_path / "many.pt", zeros, b"\x80\x02(" + one * 50 + b"t.")
    with pytest.raises(InputError, match="its tensors are larger than the file"):
        read_torch_zip(tmp_path / "many.pt")


@pytest.mark.parametrize("seed", range(3))
def test_flipped_bits_are_one_line(tmp_path, seed):
    """A pickle with a flipped bit must be read, or refused with one line."""
    with zipfile.ZipFile(GOLDEN / "ced_tiny.pt") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    program, rng = parts.pop("ced_tiny/data.pkl"), np.random.default_rng(seed)
    for bit in rng.integers(8 * len(program), size=60):
        flipped = bytearray(program)
        flipped[bit // 8] ^= 1 << bit % 8
        with zipfile.ZipFile(tmp_path / "x.pt", "w") as archive:
            for name, part in {**parts, "ced_tiny/data.pkl": bytes(flipped)}.items():
                archive.writestr(name, part)
        try:
            read_torch_zip(tmp_path / "x.pt")
        except InputError as error:
            assert "\n" not in str(error) and "x.pt" in str(error)
