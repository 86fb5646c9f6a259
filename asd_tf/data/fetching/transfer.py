"""Fetches files over HTTP, whole and checked, though servers cut, stall or send wrong data."""

import contextlib
import dataclasses
import email.message
import hashlib
import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from asd_tf import __version__
from asd_tf.errors import InputError

_BLOCK = 2**18
_MAX_JSON_BYTES = 2**24

# Failed attempts are counted from the last one that brought this many new bytes, so that a download
# over a bad line ends well and one from a bad server ends at all.
_MIN_NEW_BYTES = 2**20

_RETRIED = (429, 500, 502, 503, 504)
_LONGEST_WAIT = 60.0


@dataclasses.dataclass(frozen=True)
class Patience:
    """How long to wait for a server, and how often to try again.

    Attributes:
        timeout: Seconds without data after which a connection is given up.
        attempts: Attempts in a row without progress after which a download is given up.
        pause: Seconds before the second attempt; doubled before each further one.
    """

    timeout: float = 60.0
    attempts: int = 5
    pause: float = 1.0


class _CutError(Exception):
    """The connection broke, and another attempt may succeed.

    Attributes:
        wait: Seconds to wait that the server asks for.
    """

    def __init__(self, reason: str, wait: float = 0.0):
        super().__init__(reason)
        self.wait = wait


class _NoSuchRangeError(_CutError):
    """The server's file ends before the partial one."""


def fetch_json(url: str, patience: Patience) -> Any:
    """Reads a JSON document.

    Raises:
        InputError: If the server does not answer, or not with JSON.
    """

    def attempt() -> bytes:
        with _open(url, patience.timeout) as response:
            return _read(response, _MAX_JSON_BYTES)

    try:
        return json.loads(_retry(url, attempt, lambda: 0, patience))
    except ValueError:
        raise InputError(f"{url}: the answer is not JSON") from None


def fetch(
    url: str,
    path: Path,
    patience: Patience,
    size: int | None = None,
    md5: str | None = None,
    max_size: int | None = None,
    progress: Callable[[int], None] = lambda position: None,
) -> None:
    """Fetches a file; it gets its name only when it is whole and its checksum is right.

    Until then it is `<name>.part`, which a later call continues. The checksum makes this safe: a
    part of another version is detected, removed and fetched again from its beginning.

    Args:
        url: Address of the file.
        path: Where to write the file; an existing one is replaced.
        patience: How long to wait for the server.
        size: Length of the file in bytes, if it is known.
        md5: Checksum of the file, if it is known.
        max_size: Limit to the length in bytes, where `size` is not known.
        progress: Called after each block with the position in the file in bytes.

    Raises:
        InputError: If the server does not answer, has no such file, or has another one.
    """
    part = path.with_name(path.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    if size is None:
        part.unlink(missing_ok=True)
    limit = max_size if size is None else size
    for is_last in (False, True):
        was_continued = _length(part) > 0
        _retry(
            url,
            lambda: _continue(url, part, patience.timeout, size, limit, progress),
            lambda: _length(part),
            patience,
        )
        found = _md5_of(part)
        if md5 is None or found == md5:
            part.replace(path)
            return
        part.unlink()
        if is_last or not was_continued:
            raise InputError(
                f"{url}: has the MD5 checksum {found}, not {md5}; the file was removed"
            )


def _retry(
    url: str, attempt: Callable[[], Any], position: Callable[[], int], patience: Patience
) -> Any:
    """Calls `attempt` until it succeeds, or too many calls in a row made no progress."""
    failures, best = 0, position()
    while True:
        try:
            return attempt()
        except _CutError as cut:
            failures = 1 if position() >= best + _MIN_NEW_BYTES else failures + 1
            best = max(best, position())
            if failures >= patience.attempts:
                raise InputError(
                    f"{url}: {cut}, {failures} times; the same command goes on where it stopped"
                ) from None
            pause = patience.pause * 2 ** (failures - 1)
            time.sleep(min(max(pause, cut.wait), _LONGEST_WAIT))


def _continue(
    url: str,
    part: Path,
    timeout: float,
    size: int | None,
    limit: int | None,
    progress: Callable[[int], None],
) -> None:
    """Fetches the missing end of a partial file, or all of it if the server has no ranges."""
    start = _length(part)
    if size is not None and start > size:
        part.unlink()
        start = 0
    if start and start == size:
        return
    try:
        with _open(url, timeout, start) as response:
            _append(url, response, part, start, size, limit, progress)
    except _NoSuchRangeError:
        part.unlink()
        raise
    if limit is not None and _length(part) > limit:
        part.unlink()
        raise InputError(f"{url}: is longer than {limit} bytes; the part was removed")


def _append(
    url: str,
    response: http.client.HTTPResponse,
    part: Path,
    start: int,
    size: int | None,
    limit: int | None,
    progress: Callable[[int], None],
) -> None:
    if response.status == 206 and _first_byte(response.headers) != start:
        raise _NoSuchRangeError("the server sends another range than asked for")
    if response.status != 206:
        start = 0
    announced = _announced_length(response.headers, start)
    if None not in (size, announced) and announced != size:
        raise InputError(
            f"{url}: the server announces {announced} bytes, and the record {size}; try again "
            "later, or another --server"
        )
    position = start
    with part.open("r+b" if start else "wb") as file:
        file.seek(start)
        progress(position)
        for block in _blocks(response):
            file.write(block)
            position += len(block)
            if limit is not None and position > limit:
                return
            progress(position)
    whole = announced if size is None else size
    if whole is not None and position < whole:
        raise _CutError(f"the connection was cut at {position} of {whole} bytes")


def _announced_length(headers: email.message.Message, start: int) -> int | None:
    length = headers.get("Content-Length", "")
    return start + int(length) if length.isdecimal() else None


def _first_byte(headers: email.message.Message) -> int | None:
    match = re.match(r"bytes (\d+)-", headers.get("Content-Range", ""))
    return match and int(match[1])


@contextlib.contextmanager
def _open(url: str, timeout: float, start: int = 0) -> Iterator[http.client.HTTPResponse]:
    # Without compression by the server, lengths and ranges are those of the file itself.
    headers = {"User-Agent": f"asd_tf/{__version__}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        response = urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=timeout
        )
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416:
                raise _NoSuchRangeError(
                    "the file is shorter than the part of it that was fetched"
                ) from None
            if error.code in _RETRIED:
                raise _CutError(f"the server answers {error.code}", _retry_after(error)) from None
            raise InputError(f"{url}: the server answers {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise _CutError(f"no connection: {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        raise _CutError(f"no answer: {error or type(error).__name__}") from None
    with response:
        yield response


def _retry_after(error: urllib.error.HTTPError) -> float:
    wait = error.headers.get("Retry-After", "")
    return float(wait) if wait.isdecimal() else 0.0


def _blocks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    while True:
        try:
            # One read of the socket at a time, so that all bytes before a cut are kept.
            block = response.read1(_BLOCK)
        except TimeoutError:
            raise _CutError("the connection stalled") from None
        except (OSError, http.client.HTTPException) as error:
            raise _CutError(f"the connection was cut: {error}") from None
        if not block:
            return
        yield block


def _read(response: http.client.HTTPResponse, limit: int) -> bytes:
    data = b""
    for block in _blocks(response):
        data += block
        if len(data) > limit:
            raise InputError(f"{response.url}: is longer than {limit} bytes")
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and len(data) < int(length):
        raise _CutError("the connection was cut")
    return data


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _md5_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
