"""Reads PyTorch checkpoints (zip archives, written by torch.save since 1.6) without PyTorch."""

import math
import pickle
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from asd_tf.checkpoints.torch_pickle import (
    MAX_BYTES,
    Fixed,
    ForeignNameError,
    Function,
    OrderedDict,
    Tensor,
    run_pickle,
)
from asd_tf.errors import InputError

# Type of the stored values per class of storage. bfloat16 is the upper half of a float32.
_DTYPES = {
    "FloatStorage": "f4",
    "DoubleStorage": "f8",
    "HalfStorage": "f2",
    "BFloat16Storage": "u2",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}

# Views of one storage are copied: tied weights twice, and bfloat16 takes twice its size.
_MAX_COPIES = 4
_MAX_DIMENSIONS = 8

# Errors that damaged input raises.
_DAMAGE = (
    pickle.UnpicklingError, EOFError, KeyError, IndexError, TypeError, ValueError, AttributeError,
    OverflowError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def read_torch_zip(path: Path) -> Any:
    """Reads a checkpoint.

    Args:
        path: The file.

    Returns:
        The saved object, made of dicts, lists, tuples, numbers, strings, None, and numpy arrays in
        place of tensors; bfloat16 becomes float32. It takes at most a few times the memory that
        the file takes on disk.

    Raises:
        InputError: If the file is missing or damaged, has the format before 1.6, or needs more than
            tensors and plain containers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _Checkpoint(path, archive).read()
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except zipfile.BadZipFile:
        raise InputError(
            f"{path}: is not a complete zip archive, as torch.save writes; download it again"
        ) from None


class _Kind(Fixed):
    """A class of storage, named in the pickle."""

    __slots__ = ("name",)

    def __init__(self, name: str):
        self.name = name


class _Storage(Fixed):
    """The values [n] that tensors are views of."""

    __slots__ = ("is_bfloat16", "values")

    def __init__(self, values: np.ndarray, is_bfloat16: bool):
        self.values = values
        self.is_bfloat16 = is_bfloat16


class _Checkpoint:
    """An open archive."""

    def __init__(self, path: Path, archive: zipfile.ZipFile):
        self._path = path
        self._archive = archive
        names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(names) != 1:
            raise InputError(f"{path}: holds no data.pkl, so it is not a checkpoint of PyTorch")
        self._root = names[0].removesuffix("/data.pkl")
        self._storages: dict[str, _Storage] = {}
        # Storages are not compressed, so all of them together are smaller than the file.
        self._unread = path.stat().st_size
        self._uncopied = _MAX_COPIES * self._unread

    def read(self) -> Any:
        """Runs the pickle."""
        names = {
            "collections.OrderedDict": OrderedDict,
            "torch._utils._rebuild_tensor_v2": Function(self._tensor),
            "torch._utils._rebuild_parameter": Function(_parameter),
            **{f"torch.{name}": _Kind(name) for name in _DTYPES},
        }
        try:
            self._order = ">" if self._start_of("byteorder", 16) == b"big" else "<"
            return run_pickle(self._start_of("data.pkl", MAX_BYTES + 1), names, self._storage)
        except ForeignNameError as error:
            raise InputError(
                f"{self._path}: wants to run {error}, which no checkpoint of tensors needs; "
                "it is not opened"
            ) from None
        except _DAMAGE as error:
            raise InputError(f"{self._path}: is damaged: {_one_line(error)}") from None

    def _storage(self, pid: Any) -> _Storage:
        """Returns the storage of a persistent id."""
        word, kind, key, _, count = pid
        if word != "storage" or not isinstance(kind, _Kind) or not isinstance(key, str):
            raise ValueError("a reference is not to a storage")
        if key not in self._storages:
            values = self._values(kind, key, count)
            self._storages[key] = _Storage(values, kind.name == "BFloat16Storage")
        return self._storages[key]

    def _values(self, kind: _Kind, key: str, count: int) -> np.ndarray:
        """Reads the values [count] of a storage."""
        dtype = np.dtype(_DTYPES[kind.name]).newbyteorder(self._order)
        # Checked before reading: a small archive can claim a large storage.
        info = self._archive.getinfo(f"{self._root}/data/{key}")
        if info.file_size != count * dtype.itemsize or info.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"storage {key} has {info.file_size} bytes for {count} values")
        self._unread -= info.file_size
        if self._unread < 0:
            raise ValueError("its storages are larger than the file")
        values = np.frombuffer(self._archive.read(info), dtype)
        if values.shape != (count,):
            raise ValueError(f"storage {key} has {values.size} values for {count}")
        return values

    def _tensor(self, storage: _Storage, offset: int, shape: Any, strides: Any, *_: Any) -> Tensor:
        """Copies a tensor out of its storage."""
        if not isinstance(storage, _Storage):
            raise ValueError("a tensor has no storage")
        view = _view(storage.values, offset, shape, strides)
        self._uncopied -= view.size * (4 if storage.is_bfloat16 else view.itemsize)
        if self._uncopied < 0:
            raise ValueError("its tensors are larger than the file")
        if storage.is_bfloat16:
            return Tensor((view.astype(np.uint32) << 16).view(np.float32))
        return Tensor(view.astype(view.dtype.newbyteorder("=")))

    def _start_of(self, name: str, size: int) -> bytes:
        """Returns at most the first `size` bytes of a file; none if it is missing."""
        try:
            with self._archive.open(f"{self._root}/{name}") as file:
                return file.read(size)
        except KeyError:
            return b""


def _view(values: np.ndarray, offset: int, shape: Any, strides: Any) -> np.ndarray:
    """Returns a view of the values [n] after checking that it lies within them."""
    if len(shape) != len(strides) or len(shape) > _MAX_DIMENSIONS:
        raise ValueError(f"a tensor has {len(shape)} sizes and {len(strides)} strides")
    if not all(isinstance(n, int) and n >= 0 for n in (offset, *shape, *strides)):
        raise ValueError("a size, stride or offset of a tensor is no number")
    count = math.prod(shape)
    if not count:
        return np.zeros(shape, values.dtype)
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if count > values.size or last >= values.size:
        raise ValueError(f"a tensor {tuple(shape)} does not fit its storage")
    return np.lib.stride_tricks.as_strided(
        values[offset:], shape, [step * values.itemsize for step in strides], writeable=False
    )


def _parameter(tensor: Any, *_: Any) -> Tensor:
    """Returns the tensor of a parameter."""
    if not isinstance(tensor, Tensor):
        raise ValueError("a parameter is no tensor")
    return tensor


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
