"""Which edition of DCASE a data folder holds, by the names of its files and folders alone.

An edition is a candidate if its files are named by the same scheme and, where it has the section
00 alone, if there is no other section and no folder `source_test` or `target_test`. Of the
candidates it is the newest one of which the names show a mark, which is a machine that no other
edition has, or:

| dataset | marks |
|---|---|
| dcase2026 | a machine named `...Emu` |
| dcase2025 | a folder `supplemental`, or empty hidden attributes (`..._0000_.wav`) |
| dcase2024 | hidden attributes `noAttribute`, or clips that are all numbered from 0001 |
| dcase2023 | none needed |
| dcase2022 | none of those of dcase2021 |
| dcase2021 | a folder `source_test` or `target_test`; or several sections of a `pump` (which 2022 does not have) and no folder `test` |
| dcase2020 | names such as `normal_id_00_00000000.wav` |

Simulated machines (with `simulation.json`) are made in the layout of dcase2022.

A part of an edition may look like another edition: one machine of the development data of 2024
whose attributes are stated differs from 2023 only by its numbers. `--dataset` then decides.
"""  # noqa: E501

from collections.abc import Mapping
from pathlib import Path

from asd_tf.data.layouts.dcase import DOMAIN_FOLDERS, Name, NameSummary
from asd_tf.data.layouts.editions import EDITIONS, Edition
from asd_tf.errors import InputError

SIMULATION_FILE = "simulation.json"
_SIMULATION_LAYOUT = "dcase2022"


def is_simulated(folder: str | Path) -> bool:
    """Whether a data folder holds simulated machines."""
    return Path(folder, SIMULATION_FILE).exists()


def detect_edition(names: Mapping[str, Name], simulated: bool = False) -> str:
    """Finds the edition of a data folder.

    Args:
        names: File to what its name states; one or more.
        simulated: Whether the machines are simulated.

    Returns:
        Name of the edition, such as dcase2022.

    Raises:
        InputError: If the files are named by two schemes.
    """
    examples = {name.naming: file for file, name in names.items()}
    candidates = {naming: _newest_first(naming) for naming in sorted(examples)}
    if len(examples) > 1:
        found = " and ".join(
            f"{examples[naming]} ({_years(editions)})" for naming, editions in candidates.items()
        )
        raise InputError(f"files of two layouts, {found}; choose one with --dataset")
    [editions] = candidates.values()
    if simulated and EDITIONS[_SIMULATION_LAYOUT] in editions:
        return _SIMULATION_LAYOUT
    seen = NameSummary.of(names.values())
    if seen.several_sections or seen.folders & DOMAIN_FOLDERS:
        editions = [edition for edition in editions if not edition.has_one_section]
    marked = (edition for edition in editions if _is_marked(edition, seen))
    # The oldest edition of a scheme needs no mark: nothing else is left.
    return next(marked, editions[-1]).name


def _newest_first(naming: str) -> list[Edition]:
    editions = [edition for edition in EDITIONS.values() if edition.naming == naming]
    return sorted(editions, key=lambda edition: edition.year, reverse=True)


def _years(editions: list[Edition]) -> str:
    oldest, newest = editions[-1].name, editions[0].name
    return oldest if oldest == newest else f"{oldest} to {newest}"


def _is_marked(edition: Edition, seen: NameSummary) -> bool:
    others = (other.all_machines for other in EDITIONS.values() if other is not edition)
    own_machines = edition.all_machines.difference(*others)
    return edition.is_marked(seen) or bool(seen.machines & own_machines)
