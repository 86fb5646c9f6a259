"""A detector on disk: `detector.json`, and the checksum of every other file of the folder."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asd_tf
from asd_tf.errors import InputError
from asd_tf.files import read_json, sha256_of, write_json

MANIFEST = "detector.json"
FORMAT_VERSION = 2


def write_manifest(folder: Path, values: Mapping[str, Any]) -> None:
    """Writes `detector.json`, last of all files of a detector.

    Args:
        folder: The detector's folder with all its other files.
        values: What the detector says of itself.
    """
    manifest = {
        "format_version": FORMAT_VERSION,
        "asd_tf": asd_tf.__version__,
        **values,
        "sha256": {name: sha256_of(folder / name) for name in _file_names(folder)},
    }
    write_json(folder / MANIFEST, manifest)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Reads `detector.json` and checks every file of the folder against it.

    Raises:
        InputError: If there is no detector, its format is another one, or a file is missing,
            altered or foreign.
    """
    try:
        manifest = read_json(folder / MANIFEST)
        version, digests = manifest["format_version"], manifest["sha256"]
    except OSError:
        raise InputError(f"{folder}: no detector is there ({MANIFEST} is missing)") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{folder / MANIFEST}: the file is damaged; take a fresh copy") from None
    if version != FORMAT_VERSION:
        raise InputError(
            f"{folder}: detector format {version}, this asd_tf reads {FORMAT_VERSION}: "
            "train again, or use the version that made it"
        )
    _check_files(folder, digests)
    _check_names(folder, manifest)
    return manifest


def _check_files(folder: Path, digests: Mapping[str, str]) -> None:
    there = set(_file_names(folder))
    for problem, names in (
        ("missing", set(digests) - there),
        ("foreign", there - set(digests)),
        ("altered", {n for n in there & set(digests) if sha256_of(folder / n) != digests[n]}),
    ):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise InputError(
                f"{folder}: {problem} file {sorted(names)[0]}{more}; take a fresh copy"
            )


def _check_names(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Refuses a manifest that leads out of its folder."""
    groups = [group.get("folder", "") for group in manifest.get("groups", [])]
    for name in [*manifest.get("extractors", []), *manifest.get("parts", []), *groups]:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise InputError(f"{folder / MANIFEST}: '{name}' lies outside of the detector")


def _file_names(folder: Path) -> list[str]:
    """Returns the relative names of all files but the manifest of this very folder."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path != folder / MANIFEST
    )


def folder_digest(folder: Path) -> str:
    """Returns one SHA-256 over the names and contents of all files of a folder."""
    lines = [f"{name} {sha256_of(folder / name)}\n" for name in _file_names(folder)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
