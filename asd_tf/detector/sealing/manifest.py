"""`detector.json`: the description of a detector, and the checksum of every other file."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import asd_tf
from asd_tf.backends.saving.old_names import document_with_current_names
from asd_tf.detector.folder import check_files, digests_of
from asd_tf.detector.sealing.schema import check_manifest
from asd_tf.detector.sealing.signature import (
    SIGNATURE,
    Key,
    read_key,
    verify_signature,
    write_signature,
)
from asd_tf.errors import InputError
from asd_tf.files import write_json
from asd_tf.old_keys import false_alarms_of

MANIFEST = "detector.json"

# 2: of 0.1 and of 0.2 before its release, without a digest. 3: with one. 4: thresholds for a share
# of false alarms in place of a quantile. 5: with windows that it can be fitted to again.
FORMAT_VERSION = 5
READABLE_VERSIONS = (2, 3, 4, 5)

_DIGEST = "digest"

WRITTEN_ANEW = ("format_version", "asd_tf", "sha256", _DIGEST)
"""Entries that every writing of a manifest sets."""

_MAX_BYTES = 32 * 2**20
_FRESH = "take a fresh copy"
# The manifest of a part of a fused detector is a file like any other.
_NOT_HASHED = frozenset({MANIFEST, SIGNATURE})


def write_manifest(folder: Path, values: Mapping[str, Any]) -> None:
    """Writes `detector.json`. All other files of the detector must have been written before.

    Args:
        folder: The folder of the detector.
        values: The description of the detector.

    Raises:
        ValueError: If a value is out of range.
    """
    manifest = {
        "format_version": FORMAT_VERSION,
        "asd_tf": asd_tf.__version__,
        **values,
        "sha256": digests_of(folder, _NOT_HASHED),
    }
    check_manifest(manifest)
    write_json(folder / MANIFEST, with_digest(manifest))


def read_manifest(folder: Path, require_signature: Path | None = None) -> dict[str, Any]:
    """Reads `detector.json` and checks it, and every file of the folder against it.

    Names in a manifest of an earlier version are replaced by the current ones; its `digest` is that
    of the file, also in those of 0.1, which do not have it.

    Args:
        folder: The folder of the detector.
        require_signature: File of the key that must have signed the detector; None to take it
            without a signature.

    Raises:
        InputError: If there is no detector, it has another format, a value is out of range, a file
            is missing, altered or does not belong to it, or the signature is not that of the key.
    """
    manifest = _parsed(folder / MANIFEST)
    version = manifest.get("format_version")
    if not isinstance(version, int):
        raise InputError(f"{folder / MANIFEST}: the file is damaged; {_FRESH}")
    if version not in READABLE_VERSIONS:
        raise InputError(
            f"{folder}: detector format {version}, this asd_tf reads "
            f"{READABLE_VERSIONS[0]} to {READABLE_VERSIONS[-1]}: train again, or use the version "
            "that made it"
        )
    # A digest is checked wherever there is one: a flipped bit can turn a 3 into a 2.
    if (version >= 3 or _DIGEST in manifest) and manifest.get(_DIGEST) != digest_of(manifest):
        raise InputError(f"{folder / MANIFEST}: was altered (its digest differs); {_FRESH}")
    if require_signature is not None:
        verify_signature(folder, digest_of(manifest), require_signature)
    # Only that of the file itself names the detector: the values below may be converted ones.
    digest = digest_of(manifest)
    manifest = _with_false_alarms(document_with_current_names(MANIFEST, manifest))
    manifest[_DIGEST] = digest
    try:
        check_manifest(manifest)
    except ValueError as error:
        raise InputError(f"{folder / MANIFEST}: the file is damaged: {error}; {_FRESH}") from None
    check_files(folder, manifest["sha256"], _NOT_HASHED)
    return manifest


def sign_detector(folder: Path, key_file: Path) -> Key:
    """Checks a detector and signs it, and returns the key.

    Args:
        folder: The folder of the detector.
        key_file: The key, see `read_key`.

    Raises:
        InputError: If the detector or the key is not as needed.
        UsageError: If the key is a public one.
    """
    key = read_key(key_file)
    read_manifest(folder)
    write_signature(folder, digest_of(_parsed(folder / MANIFEST)), key)
    return key


def with_digest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a manifest with the digest of all its other values."""
    return {**manifest, _DIGEST: digest_of(manifest)}


def digest_of(manifest: Mapping[str, Any]) -> str:
    """Returns the SHA-256 of all values of a manifest but its digest, in canonical JSON."""
    values = {key: value for key, value in manifest.items() if key != _DIGEST}
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _with_false_alarms(manifest: dict[str, Any]) -> dict[str, Any]:
    """Returns a manifest whose thresholds have a share of false alarms where they had a quantile.

    Values that are not as they should be stay, for `check_manifest` to name them.
    """
    groups = manifest.get("groups")
    if not isinstance(groups, list):
        return manifest
    return {**manifest, "groups": [_group_with_false_alarms(group) for group in groups]}


def _group_with_false_alarms(group: Any) -> Any:
    threshold = group.get("threshold") if isinstance(group, dict) else None
    if not isinstance(threshold, dict):
        return group
    quantile = threshold.get("quantile")
    if isinstance(quantile, bool) or not isinstance(quantile, int | float):
        return group
    others = {key: value for key, value in threshold.items() if key != "quantile"}
    return {**group, "threshold": {**others, "false_alarms": false_alarms_of(quantile)}}


def _parsed(path: Path) -> dict[str, Any]:
    """Parses a manifest; every number in it is finite.

    Raises:
        InputError: If it is missing, too large or no JSON object.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise ValueError(f"more than {_MAX_BYTES >> 20} MiB")
        manifest = json.loads(content, parse_constant=_no_number)
        digest_of(manifest)  # raises an error if a number such as 1e999 is infinite
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path.parent}: no detector is there ({MANIFEST} is missing)") from None
    except (ValueError, AttributeError, RecursionError):
        raise InputError(f"{path}: the file is damaged; {_FRESH}") from None
    return manifest


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
