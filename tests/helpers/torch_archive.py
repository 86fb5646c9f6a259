"""Writes PyTorch checkpoints without PyTorch, as torch.save does."""

import struct
import zipfile
from pathlib import Path

import numpy as np

_STORAGES = {"f4": "FloatStorage", "f2": "HalfStorage", "i8": "LongStorage"}


def write_torch_zip(path: Path, value, program: bytes | None = None) -> None:
    """Writes a checkpoint.

    Args:
        path: The file.
        value: Of dicts, tuples, strings, numbers, None and numpy arrays.
        program: A pickle in the place of that of `value`.
    """
    arrays = []
    pickled = b"\x80\x02" + _pickled(value, arrays) + b"."
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled if program is None else program)
        archive.writestr("archive/byteorder", "little")
        for key, array in enumerate(arrays):
            archive.writestr(f"archive/data/{key}", array.tobytes())
        archive.writestr("archive/version", "3\n")


def _pickled(value, arrays: list[np.ndarray]) -> bytes:
    """Returns the operations that put a value on the stack."""
    match value:
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            return b"J" + struct.pack("<i", value)
        case float():
            return b"G" + struct.pack(">d", value)
        case str():
            return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
        case tuple():
            return b"(" + b"".join(_pickled(item, arrays) for item in value) + b"t"
        case dict():
            items = [_pickled(item, arrays) for pair in value.items() for item in pair]
            return b"}(" + b"".join(items) + b"u"
        case np.ndarray():
            return _tensor(value, arrays)
    raise TypeError(f"{type(value)} is not written")


def _tensor(array: np.ndarray, arrays: list[np.ndarray]) -> bytes:
    array = array.copy(order="C")
    kind = _STORAGES[array.dtype.str[1:]]
    storage = _pickled("storage", arrays) + f"ctorch\n{kind}\n".encode()
    storage += _pickled(str(len(arrays)), arrays) + _pickled("cpu", arrays)
    storage += _pickled(array.size, arrays)
    strides = tuple(step // array.itemsize for step in array.strides)
    arrays.append(array)
    view = _pickled(0, arrays) + _pickled(array.shape, arrays) + _pickled(strides, arrays)
    hooks = b"ccollections\nOrderedDict\n)R"
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n((" + storage + b"tQ" + view + b"\x89" + hooks + b"tR"
    )
