"""PyTorch checkpoints (zip archives, as torch.save writes since 1.6) without PyTorch.

A pickle is a program: it may call whatever it names. Here it may name no more than the few things
that tensors and plain containers are made of, and what it names is not PyTorch but this file.
"""

import collections
import dataclasses
import math
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from asd_tf.errors import InputError

# Stored values of a kind of storage. bfloat16 is the upper half of a float32.
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

# What unpickling raises when its input is not what a pickler wrote.
_DAMAGE = (
    pickle.UnpicklingError, EOFError, KeyError, IndexError, TypeError, ValueError, AttributeError,
    OverflowError, MemoryError, UnicodeDecodeError, zipfile.BadZipFile, NotImplementedError,
)  # fmt: skip


def read_torch_zip(path: Path) -> Any:
    """Reads a checkpoint.

    Args:
        path: The file.

    Returns:
        What was saved, of dicts, lists, tuples, numbers, strings, None, and numpy arrays for
        tensors; bfloat16 becomes float32.

    Raises:
        InputError: If the file is missing, damaged, of the format before 1.6, or wants more than
            tensors and plain containers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _Checkpoint(path, archive).read()
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except zipfile.BadZipFile:
        raise InputError(
            f"{path}: is no whole zip archive, which PyTorch's checkpoints are; download it again"
        ) from None


@dataclasses.dataclass(frozen=True)
class _Kind:
    """A class of storage, named in the pickle."""

    name: str


@dataclasses.dataclass(frozen=True)
class _Storage:
    """The values that tensors are views of, [n]."""

    values: np.ndarray
    is_bfloat16: bool


class _Checkpoint:
    """An open archive."""

    def __init__(self, path: Path, archive: zipfile.ZipFile):
        self._path = path
        self._archive = archive
        names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(names) != 1:
            raise InputError(f"{path}: holds no data.pkl, so it is no checkpoint of PyTorch")
        self._root = names[0].removesuffix("/data.pkl")
        self._order = ">" if self._text("byteorder") == "big" else "<"
        self._storages: dict[str, _Storage] = {}

    def read(self) -> Any:
        """Unpickles."""
        with self._archive.open(f"{self._root}/data.pkl") as file:
            try:
                return _Unpickler(file, self).load()
            except _DAMAGE as error:
                raise InputError(f"{self._path}: is damaged: {_one_line(error)}") from None

    def refuse(self, name: str) -> None:
        """Refuses a checkpoint for a name in it.

        Raises:
            InputError: Always.
        """
        raise InputError(
            f"{self._path}: wants to run {name}, which no checkpoint of tensors needs; "
            "it is not opened"
        )

    def storage(self, kind: _Kind, key: str, count: int) -> _Storage:
        """Reads a storage, once."""
        if key not in self._storages:
            dtype = np.dtype(_DTYPES[kind.name]).newbyteorder(self._order)
            # The size is compared before reading: a small archive can claim a lot.
            info = self._archive.getinfo(f"{self._root}/data/{key}")
            if info.file_size != count * dtype.itemsize or info.compress_size != info.file_size:
                raise ValueError(f"storage {key} has {info.file_size} bytes for {count} values")
            values = np.frombuffer(self._archive.read(info), dtype)
            self._storages[key] = _Storage(values, kind.name == "BFloat16Storage")
        return self._storages[key]

    def _text(self, name: str) -> str:
        try:
            return self._archive.read(f"{self._root}/{name}").decode()
        except KeyError:
            return ""


class _Unpickler(pickle.Unpickler):
    """Makes tensors and plain containers, and nothing else."""

    def __init__(self, file, checkpoint: _Checkpoint):
        super().__init__(file)
        self._checkpoint = checkpoint

    def find_class(self, module: str, name: str) -> Any:
        """Gives what stands for a name, if it is allowed."""
        if module == "torch" and name in _DTYPES:
            return _Kind(name)
        allowed = {
            ("collections", "OrderedDict"): collections.OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            ("torch._utils", "_rebuild_parameter"): _parameter,
        }
        if (module, name) not in allowed:
            self._checkpoint.refuse(f"{module}.{name}")
        return allowed[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        """Gives the storage of an id."""
        word, kind, key, _, count = pid
        if word != "storage" or not isinstance(kind, _Kind):
            raise ValueError("it refers to what is no storage")
        return self._checkpoint.storage(kind, key, count)


def _tensor(storage: _Storage, offset: int, shape, strides, *_) -> np.ndarray:
    """Copies a tensor out of its storage."""
    count, values = math.prod(shape), storage.values
    if not isinstance(storage, _Storage) or len(shape) != len(strides):
        raise ValueError("it holds a tensor of no storage")
    if min((offset, *shape, *strides)) < 0 or count > values.size:
        raise ValueError(f"it holds a tensor {tuple(shape)} that does not fit its storage")
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if count and last >= values.size:
        raise ValueError(f"it holds a tensor {tuple(shape)} that does not fit its storage")
    if not count:
        return np.zeros(shape, values.dtype)
    view = np.lib.stride_tricks.as_strided(
        values[offset:], shape, [step * values.itemsize for step in strides], writeable=False
    )
    if storage.is_bfloat16:
        return (view.astype(np.uint32) << 16).view(np.float32)
    return view.astype(values.dtype.newbyteorder("="))


def _parameter(tensor: np.ndarray, *_) -> np.ndarray:
    """A parameter is its tensor."""
    return tensor


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
