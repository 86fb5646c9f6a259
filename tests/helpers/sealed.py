"""A detector of the golden files, its changes, and checks of what became of it."""

import zipfile
from pathlib import Path

import pytest
from released import GOLDEN

from asd_tf.detector.sealing.manifest import MANIFEST, read_manifest, with_digest
from asd_tf.errors import InputError
from asd_tf.files import file_names, read_json, sha256_of, write_json

FORMATS = (2, 3, 4, 5)


def detector_of_format(version: int, folder: Path) -> Path:
    """Unpacks the detector of a format and returns its folder, `folder / "detector"`."""
    with zipfile.ZipFile(GOLDEN / "detectors_0.2" / f"format_{version}.zip") as packed:
        packed.extractall(folder / "detector")
    return folder / "detector"


def reseal(folder: Path, change=lambda manifest: None) -> None:
    """Writes a manifest with right checksums after `change(manifest)`, as an attacker can."""
    manifest = read_json(folder / MANIFEST)
    names = [name for name in file_names(folder) if name not in (MANIFEST, "signature.json")]
    manifest["sha256"] = {name: sha256_of(folder / name) for name in names}
    change(manifest)
    write_json(folder / MANIFEST, with_digest(manifest))


def refusal_of(folder: Path) -> str:
    """Returns why the files of a detector are refused: one line that names the detector."""
    with pytest.raises(InputError) as error:
        read_manifest(folder)
    assert "\n" not in str(error.value) and str(folder) in str(error.value)
    return str(error.value)
