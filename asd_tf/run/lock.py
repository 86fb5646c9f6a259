"""A lock on a run folder: one process at a time trains in it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import filelock

from asd_tf.errors import InputError
from asd_tf.files import clear_leftovers
from asd_tf.run.folder import LOCK, check_free


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Locks a run folder, which is made if needed, and clears what a killed process left in it.

    The operating system releases the lock of a process that is killed.

    Raises:
        InputError: If another process holds the lock, or the folder holds something else.
    """
    check_free(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / LOCK)
    try:
        held = lock.acquire(blocking=False)
    except filelock.Timeout:
        raise InputError(
            f"{folder}: another process is training there; wait for it, or choose another --run_dir"
        ) from None
    with held:
        clear_leftovers(folder)
        yield
