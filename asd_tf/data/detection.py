"""Which edition of DCASE a data folder is, told by names alone.

The first rule that fits decides:

| dataset | rule |
|---|---|
| dcase2020 | names such as `normal_id_00_00000000.wav` |
| dcase2022 | simulated machines (`simulation.json`), which are made in its layout |
| dcase2021 | a folder `source_test` or `target_test`; or sections beyond 00 of a `pump`, which 2022 does not have, where there is no folder `test` |
| dcase2022 | sections beyond 00 |
| dcase2026 | a machine named `...Emu`, or one that only 2026 has |
| dcase2025 | a folder `supplemental`, hidden attributes that are empty (`..._0000_.wav`), or a machine that only 2025 has |
| dcase2024 | hidden attributes `noAttribute`, a machine that only 2024 has, or all numbering from 0001 |
| dcase2023 | else |

A part of an edition may look like another one: one machine of the development data of 2024 whose
attributes are told is named as in 2023 but for its numbering. `--dataset` says what it is.
"""  # noqa: E501

import dataclasses
from collections.abc import Callable, Mapping

from asd_tf.data.dcase import HIDDEN, Name
from asd_tf.data.editions import EDITIONS
from asd_tf.errors import InputError

_NO_ATTRIBUTE, _EMPTY = HIDDEN


@dataclasses.dataclass(frozen=True)
class _Evidence:
    """What the names of a data folder tell of their edition."""

    machines: frozenset[str]
    folders: frozenset[str]
    hidden: frozenset[str]
    beyond_00: bool
    from_1: bool

    @classmethod
    def of(cls, names: list[Name]) -> "_Evidence":
        clips = [name for name in names if name.split != "supplemental"]
        firsts = {}
        for name in clips:
            group = (name.machine, name.folder, name.section, name.domain, name.label)
            firsts[group] = min(name.number, firsts.get(group, name.number))
        return cls(
            machines=frozenset(name.machine for name in names),
            folders=frozenset(name.folder for name in names),
            hidden=frozenset(name.attributes for name in clips if name.attributes in HIDDEN),
            beyond_00=any(int(name.section) > 0 for name in names),
            from_1=set(firsts.values()) == {1},
        )

    def has_machine_of(self, dataset: str) -> bool:
        """Whether there is a machine that no other edition has."""
        others = [_machines(name) for name in EDITIONS if name != dataset]
        return bool(self.machines & _machines(dataset).difference(*others))


def _machines(dataset: str) -> set[str]:
    return {machine for subset in EDITIONS[dataset].machines.values() for machine in subset}


_RULES: tuple[tuple[str, Callable[[_Evidence], bool]], ...] = (
    (
        "dcase2021",
        lambda seen: (
            bool(seen.folders & {"source_test", "target_test"})
            or (seen.beyond_00 and "pump" in seen.machines and "test" not in seen.folders)
        ),
    ),
    ("dcase2022", lambda seen: seen.beyond_00),
    (
        "dcase2026",
        lambda seen: (
            any(machine.endswith("Emu") for machine in seen.machines)
            or seen.has_machine_of("dcase2026")
        ),
    ),
    (
        "dcase2025",
        lambda seen: (
            "supplemental" in seen.folders
            or _EMPTY in seen.hidden
            or seen.has_machine_of("dcase2025")
        ),
    ),
    (
        "dcase2024",
        lambda seen: (
            _NO_ATTRIBUTE in seen.hidden or seen.has_machine_of("dcase2024") or seen.from_1
        ),
    ),
    ("dcase2023", lambda seen: True),
)


def detect_edition(names: Mapping[str, Name], is_simulated: bool = False) -> str:
    """Tells the edition of a data folder.

    Args:
        names: File to what it tells; one or more.
        is_simulated: Whether the machines are simulated.

    Returns:
        Name of the edition, such as dcase2022.

    Raises:
        InputError: If some names are of 2020 and others of later years.
    """
    examples = {name.of_2020: file for file, name in names.items()}
    if len(examples) > 1:
        raise InputError(
            f"files of two layouts, {examples[True]} (dcase2020) and {examples[False]} (later "
            "years); choose one with --dataset"
        )
    if True in examples:
        return "dcase2020"
    if is_simulated:
        return "dcase2022"
    seen = _Evidence.of(list(names.values()))
    return next(dataset for dataset, fits in _RULES if fits(seen))
