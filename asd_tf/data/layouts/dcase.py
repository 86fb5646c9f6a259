"""The folders and file names of DCASE Task 2, of all years; no other module parses a file name."""

import dataclasses
import re
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Any, NamedTuple

# Folders of clips, `<machine>/<folder>/<name>`: their split, and their domain where the folder
# states it.
FOLDERS = {
    "train": ("train", None),
    "test": ("test", None),
    "source_test": ("test", "source"),
    "target_test": ("test", "target"),
    "supplemental": ("supplemental", None),
}

EXAMPLES = "normal_id_00_00000000.wav or section_00_source_train_normal_0000_vel_6.wav"

DOMAIN_FOLDERS = frozenset(name for name, (_, domain) in FOLDERS.items() if domain)

# The two naming schemes: `normal_id_00_...` of 2020, and `section_00_...` of all later years.
ID, SECTION = "id", "section"

# What file names have in place of hidden attributes: in 2024, and since 2025.
NO_ATTRIBUTE, EMPTY = "noAttribute", ""
HIDDEN = (NO_ATTRIBUTE, EMPTY)

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
    """What the name of a file and the two folders above it state.

    Attributes:
        naming: `ID` or `SECTION`, the naming scheme.
        machine: Name of the second folder above the file.
        folder: Name of the folder of the file, a key of `FOLDERS`.
        section: Such as 00.
        domain: source or target; None where it is not stated.
        label: 0 normal, 1 anomalous; None where it is not stated.
        number: Number of the clip.
        attributes: The end of the name as it is written; None where there is none, one of `HIDDEN`
            where attributes are hidden.
        kind: Kind of a supplemental clip, such as machine or noise; None for other clips.
    """

    naming: str
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
        """One of train, test and supplemental."""
        return FOLDERS[self.folder][0]

    def attribute_values(self) -> dict[str, str]:
        """Returns the attributes, name to value, in the order of the file name."""
        values = parse_attributes(self.attributes)
        return values if self.kind is None else {"supplemental": self.kind, **values}


@dataclasses.dataclass(frozen=True)
class NameSummary:
    """What all names of a data folder show together, for the detection of its edition.

    Attributes:
        machines: Names of the machines.
        folders: Those of `FOLDERS` that occur.
        hidden: Those of `HIDDEN` that occur in place of attributes.
        several_sections: Whether there is a section other than 00.
        counts_from_1: Whether the numbers of every group of clips begin at 1.
    """

    machines: frozenset[str]
    folders: frozenset[str]
    hidden: frozenset[str]
    several_sections: bool
    counts_from_1: bool

    @classmethod
    def of(cls, names: Iterable[Name]) -> "NameSummary":
        """Summarizes names; the numbers and attributes of supplemental clips do not count."""
        names = list(names)
        clips = [name for name in names if name.split != "supplemental"]
        firsts: dict[tuple, int] = {}
        for name in clips:
            group = (name.machine, name.folder, name.section, name.domain, name.label)
            firsts[group] = min(name.number, firsts.get(group, name.number))
        return cls(
            machines=frozenset(name.machine for name in names),
            folders=frozenset(name.folder for name in names),
            hidden=frozenset(name.attributes for name in clips if name.attributes in HIDDEN),
            several_sections=any(int(name.section) > 0 for name in names),
            counts_from_1=set(firsts.values()) == {1},
        )


def parse(path: PurePath) -> Name | None:
    """Reads the name of a file and of the two folders above it.

    In 2020 there are no domains: the whole year counts as source. Label and domain of a clip are
    never guessed: they come from its name and, for the domain in 2021, from its folder.

    Args:
        path: `.../<machine>/<folder>/<name>`, absolute.

    Returns:
        What they state; None where the path is not one of DCASE.
    """
    folder, machine = path.parent.name, path.parent.parent.name
    if folder not in FOLDERS:
        return None
    match = _match(path.stem, folder)
    if match is None:
        return None
    naming, parts = match
    return Name(
        naming=naming,
        machine=machine,
        folder=folder,
        section=parts["section"],
        domain=_domain(naming, parts, FOLDERS[folder][1]),
        label=_LABELS.get(parts.get("label", "")),
        number=int(parts["number"]),
        attributes=parts.get("attributes"),
        kind=parts.get("kind"),
    )


def _match(stem: str, folder: str) -> tuple[str, dict[str, str | Any]] | None:
    """Returns the naming scheme and the parts of a name; None where it is not one of DCASE."""
    if folder == "supplemental":
        patterns = {SECTION: _SUPPLEMENTAL_NAME}
    else:
        patterns = {SECTION: _NAME, ID: _NAME_2020}
    for naming, pattern in patterns.items():
        if match := pattern.fullmatch(stem):
            return naming, match.groupdict()
    return None


def _domain(naming: str, parts: dict[str, str | None], folder_domain: str | None) -> str | None:
    return "source" if naming == ID else parts.get("domain") or folder_domain


def parse_attributes(text: str | None) -> dict[str, str]:
    """Reads `car_A2_spd_28V` as {"car": "A2", "spd": "28V"}, in this order.

    Hidden attributes give an empty dictionary. A text that is not a list of names and values is
    kept whole under the name `attributes`.
    """
    if text is None or text in HIDDEN:
        return {}
    words = text.split("_")
    if len(words) % 2 or len(set(words[::2])) < len(words) // 2:
        return {"attributes": text}
    return dict(zip(words[::2], words[1::2], strict=True))


def identify(path: Path) -> tuple[str | None, str | None, str | None]:
    """Finds the machine, section and domain of a single file by its path.

    Args:
        path: Any path.

    Returns:
        The machine: the folder above the nearest folder that is named `train`, `test`,
        `source_test` or the like. The section: that of the file name. The domain: that of the file
        name or, in 2021, of that folder. Each is None where the path does not state it.
    """
    folder = next((f for f in path.absolute().parents if f.name.lower() in FOLDERS), None)
    folder_domain = FOLDERS[folder.name.lower()][1] if folder else None
    machine = folder.parent.name or None if folder else None
    match = _match(path.stem, "test") or _match(path.stem, "supplemental")
    if match is None:
        return machine, None, folder_domain
    naming, parts = match
    return machine, parts["section"], _domain(naming, parts, folder_domain)
