"""Unpacks zip archives safely: they may be damaged or hostile."""

import contextlib
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path, PurePosixPath

from asd_tf.errors import InputError

# The largest published archives have about 8,000 clips. Audio is compressed to about a half and
# silence further; Deflate compresses zeros a thousandfold.
MAX_ENTRIES = 100_000
MAX_RATIO = 100

# Label lists have at most a few hundred kilobytes.
MAX_CSV_BYTES = 2**24

_JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db")
_BLOCK = 2**20


class BadArchiveError(InputError):
    """An archive is damaged or hostile."""


def unpack(
    archive: Path, folder: Path, scratch: Path, progress: Callable[[int], None] = lambda size: None
) -> dict[str, int]:
    """Unpacks a zip into a folder: all of it, or nothing.

    Entries are checked before anything is written, written below `scratch`, and moved into the
    folder at the end, where they replace files of the same names.

    Args:
        archive: The zip.
        folder: The folder to unpack into; other files in it are kept.
        scratch: A folder for temporary files on the same disk; removed at the end.
        progress: Called with the size in bytes of each block that is written.

    Returns:
        Folder within `folder` (posix) to the number of files that the zip has in it.

    Raises:
        BadArchiveError: If the zip is damaged, encrypted or suspiciously large; if an entry would
            leave the folder, is a link or occurs twice.
        InputError: If the disk is too small, or a file is where a folder would go.
    """
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        with _open(archive) as file:
            entries = checked_entries(archive, file)
            check_space(folder, sum(entry.file_size for entry in entries.values()))
            _refuse_clashes(archive, entries, folder)
            # Numbers as names: a reader must not take what a killed process leaves for clips.
            for number, entry in enumerate(entries.values()):
                _extract(file, entry, scratch / str(number), progress)
        for number, name in enumerate(entries):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (scratch / str(number)).replace(folder / name)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    counts: dict[str, int] = {}
    for name in entries:
        parent = name.parent.as_posix()
        counts[parent] = counts.get(parent, 0) + 1
    return counts


def checked_entries(archive: Path, file: zipfile.ZipFile) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """Lists the files of a zip by name, without folders and the junk of file managers.

    Raises:
        BadArchiveError: For the reasons that `unpack` names.
    """
    infos = file.infolist()
    if len(infos) > MAX_ENTRIES:
        raise BadArchiveError(f"{archive.name}: {len(infos)} entries are too many for a data set")
    size = sum(info.file_size for info in infos)
    if size > MAX_RATIO * max(archive.stat().st_size, _BLOCK):
        raise BadArchiveError(
            f"{archive.name}: would unpack to {size} bytes, too many for its size"
        )
    entries = {}
    for info in infos:
        # The raw name: ZipInfo.filename is cut at a null character.
        name = info.orig_filename.replace("\\", "/")
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\0" in name or ":" in name:
            raise BadArchiveError(f"{archive.name}: the entry '{name}' would leave the folder")
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise BadArchiveError(f"{archive.name}: the entry '{name}' is a link or a device")
        if info.flag_bits & 1:
            raise BadArchiveError(f"{archive.name}: the entry '{name}' is encrypted")
        if info.is_dir() or path.name.startswith("._") or set(_JUNK) & set(path.parts):
            continue
        if path in entries:
            raise BadArchiveError(f"{archive.name}: the entry '{name}' occurs twice")
        entries[path] = info
    return entries


def check_space(folder: Path, size: int) -> None:
    """Checks that the disk of a folder has `size` bytes left.

    Raises:
        InputError: If it has fewer.
    """
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if size > free:
        raise InputError(
            f"{folder}: {size / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free"
        )


def csv_files_of(path: Path) -> Iterator[tuple[PurePosixPath, str]]:
    """Yields name and text of every CSV file of a path: a folder with its zips, a zip, or a file.

    Raises:
        InputError: If there is no such path, or a file cannot be read.
    """
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
            if file.suffix.lower() in (".csv", ".zip") and file.is_file() and not hidden:
                yield from csv_files_of(file)
    elif path.suffix.lower() == ".zip" and path.is_file():
        with _open(path) as archive:
            for name, entry in checked_entries(path, archive).items():
                if name.suffix.lower() == ".csv" and entry.file_size <= MAX_CSV_BYTES:
                    yield name, _text(name, archive.read(entry))
    elif path.is_file():
        yield PurePosixPath(path.absolute().as_posix()), _text(path, path.read_bytes())
    else:
        raise InputError(f"{path}: there is no such file or folder")


def _text(name: Path | PurePosixPath, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{name}: is not text") from None


@contextlib.contextmanager
def _open(archive: Path) -> Iterator[zipfile.ZipFile]:
    """Opens a zip; an error while it is opened or read becomes a `BadArchiveError`."""
    try:
        with zipfile.ZipFile(archive) as file:
            yield file
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise BadArchiveError(f"{archive.name}: is damaged, or not a zip: {error}") from None


def _extract(
    file: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, progress: Callable[[int], None]
) -> None:
    with file.open(entry) as source, path.open("xb") as target:
        while block := source.read(_BLOCK):
            target.write(block)
            progress(len(block))
    if path.stat().st_size != entry.file_size:
        raise BadArchiveError(f"{file.filename}: the entry '{entry.filename}' is cut short")


def _refuse_clashes(archive: Path, names: Collection[PurePosixPath], folder: Path) -> None:
    """Raises an error if a file is where a folder would go, or the other way round."""
    folders = {parent for name in names for parent in name.parents}
    for name in [*names, *folders]:
        path = folder / name
        if name in folders and (name in names or (path.exists() and not path.is_dir())):
            raise InputError(f"{archive.name}: {path} would be a folder, and is a file")
        if name not in folders and path.is_dir():
            raise InputError(f"{archive.name}: {path} would be a file, and is a folder")
