"""Runs the pickle of a PyTorch checkpoint, which may make tensors and plain containers only.

A pickle is a program that can call anything it names and change any object it has made. Here it is
scanned before it runs: it may have only the few operations and names that tensors and plain
containers need, and no more of them than a large network has. What it makes is of the types of this
file, which it cannot change; they become dicts and arrays when it has ended.
"""

import collections
import io
import pickle
import pickletools
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np

# What torch.save writes; others could fill the memory, or make objects of other types.
_OPERATIONS = frozenset(
    {
        "PROTO", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2",
        "LONG1", "BINFLOAT", "BINUNICODE", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3",
        "EMPTY_LIST", "APPEND", "APPENDS", "EMPTY_DICT", "SETITEM", "SETITEMS", "BINPUT",
        "LONG_BINPUT", "BINGET", "LONG_BINGET", "GLOBAL", "REDUCE", "BUILD", "BINPERSID",
    }
)  # fmt: skip
# A tensor takes about 40 operations and 170 bytes; the largest encoders have 2,000 tensors.
MAX_OPERATIONS = 500_000
MAX_BYTES = 16 * 2**20


class ForeignNameError(Exception):
    """A pickle has a name that no checkpoint of tensors needs; the argument is the name."""


class Fixed:
    """Base of what a pickle makes and must not change."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> NoReturn:
        """Refuses the operation BUILD, which would set attributes."""
        raise ValueError("it changes an object that is no dict")


class OrderedDict(collections.OrderedDict):
    """A dict of a pickle; torch.save has BUILD set the versions of layers, which are ignored."""

    def __setstate__(self, state: Any) -> None:
        """Ignores the operation BUILD."""


class Function(Fixed):
    """A function that a pickle may call."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable):
        self._function = function

    def __call__(self, *args: Any) -> Any:
        """Calls the function."""
        return self._function(*args)


class Tensor(Fixed):
    """A tensor, copied out of its storage."""

    __slots__ = ("array",)

    def __init__(self, array: np.ndarray):
        self.array = array


def run_pickle(program: bytes, names: Mapping[str, Any], storage: Callable[[Any], Any]) -> Any:
    """Runs a pickle.

    Args:
        program: The pickle.
        names: `module.name` to what stands for it: `OrderedDict` or something `Fixed`.
        storage: Returns the object of a persistent id.

    Returns:
        What it makes, of dicts, lists, tuples, numbers, texts, None and arrays.

    Raises:
        ForeignNameError: If it uses another name.
        ValueError: If it uses another operation, is too large, or makes something else. Damage
            raises other errors too.
    """
    _scan(program, names)
    unpickler = _Unpickler(io.BytesIO(program), names, storage)
    return _plain(unpickler.load(), {})


def _scan(program: bytes, names: Mapping[str, Any]) -> None:
    """Refuses a pickle with other operations and names, or too many."""
    if len(program) > MAX_BYTES:
        raise ValueError(f"its data.pkl has more than {MAX_BYTES >> 20} MiB")
    for count, (operation, argument, _) in enumerate(pickletools.genops(program)):
        if operation.name == "GLOBAL" and argument.replace(" ", ".") not in names:
            raise ForeignNameError(argument.replace(" ", "."))
        if operation.name not in _OPERATIONS:
            raise ValueError(f"{operation.name} is no operation of a checkpoint of tensors")
        if count >= MAX_OPERATIONS:
            raise ValueError(f"its data.pkl has more than {MAX_OPERATIONS} operations")
        # A large index would make a list of that size.
        if operation.name == "LONG_BINPUT" and argument > MAX_OPERATIONS:
            raise ValueError(f"its data.pkl has the index {argument}")


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, names: Mapping[str, Any], storage: Callable[[Any], Any]):
        super().__init__(file)
        self._names = names
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        return self._names[f"{module}.{name}"]

    def persistent_load(self, pid: Any) -> Any:
        return self._storage(pid)


def _plain(value: Any, done: dict[int, Any]) -> Any:
    """Returns an unpickled value with arrays and dicts in the place of the types of this file.

    Args:
        value: The value. Its parts may be shared, but not contain themselves.
        done: Values that were converted before, by their ids.
    """
    if id(value) not in done:
        done[id(value)] = _converted(value, done)
    return done[id(value)]


def _converted(value: Any, done: dict[int, Any]) -> Any:
    if isinstance(value, Tensor):
        return value.array
    if isinstance(value, dict):
        return {_plain(key, done): _plain(item, done) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(item, done) for item in value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError("it holds a value that is no tensor, number or text")
