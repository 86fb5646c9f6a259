"""The folders and file names of DCASE Task 2, of all years; nothing else parses a file name."""

import re
from pathlib import Path, PurePath
from typing import NamedTuple

# Folders with clips, `<machine>/<folder>/<name>`: their split, and the domain that they tell.
FOLDERS = {
    "train": ("train", None),
    "test": ("test", None),
    "source_test": ("test", "source"),
    "target_test": ("test", "target"),
    "supplemental": ("supplemental", None),
}

EXAMPLES = "normal_id_00_00000000.wav or section_00_source_train_normal_0000_vel_6.wav"

# What stands where the attributes of a clip are not told: in 2024 and in 2025.
HIDDEN = ("noAttribute", "")

_LABELS = {"normal": 0, "anomaly": 1}

# normal_id_00_00000000.wav, anomaly_id_00_00000000.wav, and id_01_00000000.wav without a label.
_NAME_2020 = re.compile(
    r"""
    ((?P<label>normal|anomaly)_)?
    id_(?P<section>\d+)_
    (?P<number>\d+)
    """,
    re.VERBOSE,
)

# section_00_source_train_normal_0000_vel_6.wav with attributes, section_00_source_test_normal_0000
# without, and section_03_0000.wav, section_03_test_0000.wav or section_03_source_test_0000.wav
# without a label. In 2024 some names lack the word test.
_NAME = re.compile(
    r"""
    section_(?P<section>\d+)_
    ((?P<domain>source|target)_)?
    ((train|test)_)?
    ((?P<label>normal|anomaly)_)?
    (?P<number>\d+)
    (_(?P<attributes>.*))?
    """,
    re.VERBOSE,
)

# section_00_machine_0001_.wav, section_00_noise_0001_.wav: the machine alone, and noise alone.
_SUPPLEMENTAL_NAME = re.compile(
    r"""
    section_(?P<section>\d+)_
    (?P<kind>[a-zA-Z]+)_
    (?P<number>\d+)
    (_(?P<attributes>.*))?
    """,
    re.VERBOSE,
)


class Name(NamedTuple):
    """What a file tells by its name and the two folders above it.

    Attributes:
        of_2020: Whether it is named as in 2020.
        machine: The folder above that of the clip.
        folder: The folder of the clip, a key of `FOLDERS`.
        section: Such as 00.
        domain: source or target; None where it is not told.
        label: 0, 1 or None.
        number: Of the clip.
        attributes: As they stand in the name; None where there are none, in `HIDDEN` where they are
            kept from us.
        kind: Of a supplemental clip, such as machine or noise.
    """

    of_2020: bool
    machine: str
    folder: str
    section: str
    domain: str | None
    label: int | None
    number: int
    attributes: str | None
    kind: str | None

    @property
    def split(self) -> str:
        """train, test or supplemental."""
        return FOLDERS[self.folder][0]

    def attribute_values(self) -> dict[str, str]:
        """Returns the attributes, name to value, in their order."""
        values = parse_attributes(self.attributes)
        return values if self.kind is None else {"supplemental": self.kind, **values}


def parse(path: PurePath) -> Name | None:
    """Tells what a file is by its path; None where the path is not one of DCASE.

    A name of 2020 has no domain: the whole year counts as source. Label and domain of a clip are
    never guessed from anything but its name, and in 2021 its folder.

    Args:
        path: `.../<machine>/<folder>/<name>`, absolute.
    """
    folder, machine = path.parent.name, path.parent.parent.name
    if folder not in FOLDERS:
        return None
    found = _match(path.stem, folder)
    if found is None:
        return None
    of_2020, parts = found
    return Name(
        of_2020=of_2020,
        machine=machine,
        folder=folder,
        section=parts["section"],
        domain="source" if of_2020 else parts.get("domain") or FOLDERS[folder][1],
        label=_LABELS.get(parts.get("label")),
        number=int(parts["number"]),
        attributes=parts.get("attributes"),
        kind=parts.get("kind"),
    )


def _match(stem: str, folder: str) -> tuple[bool, dict[str, str | None]] | None:
    if folder == "supplemental":
        match = _SUPPLEMENTAL_NAME.fullmatch(stem)
        return match and (False, match.groupdict())
    match = _NAME.fullmatch(stem)
    if match:
        return False, match.groupdict()
    match = _NAME_2020.fullmatch(stem)
    return match and (True, match.groupdict())


def parse_attributes(text: str | None) -> dict[str, str]:
    """Reads `car_A2_spd_28V` as {"car": "A2", "spd": "28V"}, in this order.

    Hidden attributes are none. A text that is no list of names and values is kept whole under the
    name `attributes`.
    """
    if text is None or text in HIDDEN:
        return {}
    words = text.split("_")
    if len(words) % 2 or len(set(words[::2])) < len(words) // 2:
        return {"attributes": text}
    return dict(zip(words[::2], words[1::2], strict=True))


def identify(path: Path) -> tuple[str | None, str | None, str | None]:
    """Tells machine, section and domain of a single file.

    Args:
        path: Any path.

    Returns:
        The machine, which is the folder above the nearest one that is named `train`, `test`,
        `source_test` or the like; the section of its name; the domain of its name or, in 2021, of
        that folder. None for what cannot be told.
    """
    folder = next((f for f in path.absolute().parents if f.name.lower() in FOLDERS), None)
    found = _match(path.stem, "test") or _match(path.stem, "supplemental")
    of_folder = FOLDERS[folder.name.lower()][1] if folder else None
    machine = folder.parent.name or None if folder else None
    if found is None:
        return machine, None, of_folder
    of_2020, parts = found
    domain = "source" if of_2020 else parts.get("domain") or of_folder
    return machine, parts["section"], domain
