"""The work file: results beside a file that is not complete yet, kept when the process is killed.

It is named `.NAME.part` and lies beside the file NAME. Its first line names the command that it
belongs to. Each other line is a batch of rows under a key, which names everything that the rows
depend on. A line has a checksum in front and is on the disk before the next batch is begun; what a
kill left of a line is cut off.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import filelock

from asd_tf.errors import InputError
from asd_tf.files import clear_parts_of

Row = Sequence[Any]

_FORMAT = "asd_tf rows 1"
_MAX_HEADER = 2**20


class WorkFile:
    """An open work file; `opened` locks it and checks it.

    Attributes:
        is_foreign: Whether there was one of another command, which was discarded.
    """

    def __init__(self, path: Path, command: Mapping[str, Any]):
        self._path = path
        self._places: dict[str, int] = {}
        self._file: BinaryIO = path.open("a+b")
        self.is_foreign = False
        self._read({"format": _FORMAT, "command": dict(command)})

    @classmethod
    @contextlib.contextmanager
    def opened(cls, output: str | os.PathLike, command: Mapping[str, Any]) -> Iterator["WorkFile"]:
        """Opens the work file of a file, or makes one; without a batch it is removed at the end.

        Args:
            output: The file that the rows are for; of a link, what it leads to.
            command: What all batches depend on: JSON values.

        Raises:
            InputError: If another process writes the same file, or the work file is none.
        """
        output = Path(output).resolve()
        output.parent.mkdir(parents=True, exist_ok=True)
        path = output.with_name(f".{output.name}.part")
        lock = filelock.FileLock(f"{path}.lock")
        try:
            lock.acquire(blocking=False)
        except filelock.Timeout:
            raise InputError(f"{output}: another process is writing it; wait for it") from None
        work = None
        try:
            clear_parts_of(output)
            work = cls(path, command)
            yield work
        finally:
            if work is not None:
                work.close()
            # Removed while it is held: who opened it before cannot get it either.
            Path(lock.lock_file).unlink(missing_ok=True)
            lock.release()

    def __contains__(self, key: str) -> bool:
        """Returns whether the rows of a batch are there."""
        return key in self._places

    def __len__(self) -> int:
        """Returns the number of batches."""
        return len(self._places)

    def rows(self, key: str) -> list[Row]:
        """Returns the rows of a batch, as they were appended.

        Raises:
            InputError: If something else has changed the file meanwhile.
        """
        self._file.seek(self._places[key])
        content = _content(self._file.readline())
        if content is None:
            raise InputError(f"{self._path}: has changed while it was used; give the command again")
        return content["rows"]

    def append(self, key: str, rows: Sequence[Row]) -> None:
        """Keeps the rows of a batch: they are on the disk when this returns.

        Args:
            key: Names all that the rows depend on, beside the command.
            rows: Their values, which JSON must know.
        """
        self._places[key] = self._write({"key": key, "rows": rows})

    def remove(self) -> None:
        """Removes the file; its rows are no longer needed."""
        self._places.clear()

    def close(self) -> None:
        """Closes the file, and removes it if it holds no batch."""
        self._file.close()
        if not self._places:
            self._path.unlink(missing_ok=True)

    def _write(self, content: Mapping[str, Any]) -> int:
        start = self._file.seek(0, os.SEEK_END)
        self._file.write(_line(content))
        self._file.flush()
        os.fsync(self._file.fileno())
        return start

    def _read(self, header: Mapping[str, Any]) -> None:
        """Finds the batches, or makes a file of another command, or of none yet, a new one."""
        self._file.seek(0)
        line = self._file.readline(_MAX_HEADER)
        found = _content(line)
        if found == header:
            self._find_batches()
            return
        is_ours = found is not None and found.get("format") == header["format"]
        if not is_ours and not _line(header).startswith(line):  # a kill may leave a part of a line
            raise InputError(f"{self._path}: is no work file of asd-score; move it away")
        self.is_foreign = is_ours
        self._file.truncate(0)
        self._write(header)

    def _find_batches(self) -> None:
        while True:
            start = self._file.tell()
            content = _content(self._file.readline())
            if content is None:
                self._file.truncate(start)
                return
            self._places[content["key"]] = start


def _line(content: Mapping[str, Any]) -> bytes:
    text = json.dumps(content, separators=(",", ":")).encode()
    return _checksum(text) + b" " + text + b"\n"


def _content(line: bytes) -> dict[str, Any] | None:
    """Returns the content of a line; None if it is not whole."""
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != _checksum(text):
        return None
    return json.loads(text)


def _checksum(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest()[:16].encode()
