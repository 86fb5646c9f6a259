"""What is known of each edition of DCASE Task 2: records, machines, counts and label digests.

Record numbers and evaluators are those of the task's official baseline and evaluator repositories
(nttcslab/dcase2023_task2_baseline_ae for 2020 to 2026). Counts are stated only where they are
published, and for evaluation sets where the official label files were counted.
"""

import dataclasses
import functools
from importlib import resources

import pandas as pd

from asd_tf.config import check_choice

SUBSETS = ("dev", "eval")

# Clips of each machine in the evaluation test set of 2020, over its three sections, counted from
# its official label list.
_TEST_CLIPS_2020 = {
    "fan": 1342,
    "pump": 777,
    "slider": 834,
    "valve": 940,
    "ToyCar": 1545,
    "ToyConveyor": 1665,
}


@dataclasses.dataclass(frozen=True)
class Edition:
    """A year of DCASE Task 2.

    Attributes:
        year: Of the challenge.
        machines: Subset (dev, eval) to machine to its sections.
        records: Subset to the numbers of its Zenodo records; those of `eval` are the additional
            training set and the evaluation set.
        evaluator: The official evaluator on GitHub, as owner/name; None where it holds no labels.
        label_record: Number of the Zenodo record with the evaluation labels, where there is one.
    """

    year: int
    machines: dict[str, dict[str, tuple[str, ...]]]
    records: dict[str, tuple[int, ...]]
    evaluator: str | None = None
    label_record: int | None = None

    @property
    def name(self) -> str:
        """The name as a dataset, such as dcase2022."""
        return f"dcase{self.year}"

    @property
    def label_source(self) -> str:
        """Where the official evaluation labels are, for messages."""
        if self.evaluator:
            return f"https://github.com/{self.evaluator}"
        return f"https://zenodo.org/records/{self.label_record}"


def _sections(machines: str, *sections: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(machines.split(), sections)


_MIMII_2020 = "fan pump slider valve"
_MACHINES_2021 = "ToyCar ToyTrain fan gearbox pump slider valve"
_MACHINES_2022 = "ToyCar ToyTrain bearing fan gearbox slider valve"

EDITIONS = {
    edition.name: edition
    for edition in (
        Edition(
            2020,
            {
                "dev": _sections(_MIMII_2020, "00", "02", "04", "06")
                | _sections("ToyCar", "01", "02", "03", "04")
                | _sections("ToyConveyor", "01", "02", "03"),
                "eval": _sections(_MIMII_2020, "01", "03", "05")
                | _sections("ToyCar", "05", "06", "07")
                | _sections("ToyConveyor", "04", "05", "06"),
            },
            {"dev": (3678171,), "eval": (3727685, 3841772)},
            label_record=3951620,
        ),
        Edition(
            2021,
            {
                "dev": _sections(_MACHINES_2021, "00", "01", "02"),
                "eval": _sections(_MACHINES_2021, "03", "04", "05"),
            },
            {"dev": (4562016,), "eval": (4660992, 4884786)},
            "y-kawagu/dcase2021_task2_evaluator",
        ),
        Edition(
            2022,
            {
                "dev": _sections(_MACHINES_2022, "00", "01", "02"),
                "eval": _sections(_MACHINES_2022, "03", "04", "05"),
            },
            {"dev": (6355122,), "eval": (6462969, 6586456)},
            "Kota-Dohi/dcase2022_evaluator",
        ),
        Edition(
            2023,
            {
                "dev": _sections(_MACHINES_2022, "00"),
                "eval": _sections("ToyDrone ToyNscale ToyTank Vacuum bandsaw grinder shaker", "00"),
            },
            {"dev": (7882613,), "eval": (7830345, 7860847)},
            "nttcslab/dcase2023_task2_evaluator",
        ),
        Edition(
            2024,
            {
                "dev": _sections(_MACHINES_2022, "00"),
                "eval": _sections(
                    "3DPrinter AirCompressor BrushlessMotor HairDryer HoveringDrone RoboticArm "
                    "Scanner ToothBrush ToyCircuit",
                    "00",
                ),
            },
            {"dev": (10902294,), "eval": (11259435, 11363076)},
            "nttcslab/dcase2024_task2_evaluator",
        ),
        Edition(
            2025,
            {
                "dev": _sections(_MACHINES_2022, "00"),
                "eval": _sections(
                    "AutoTrash BandSealer CoffeeGrinder HomeCamera Polisher ScrewFeeder ToyPet "
                    "ToyRCCar",
                    "00",
                ),
            },
            {"dev": (15097779,), "eval": (15392814, 15519362)},
            "nttcslab/dcase2025_task2_evaluator",
        ),
        Edition(
            2026,
            {
                "dev": _sections(
                    "ToyCar ToyCarEmu bearingEmu fan gearboxEmu sliderEmu valveEmu", "00"
                ),
                "eval": _sections(
                    "BlowerDustCollector Sander SewingMachine ToothBrush ToyDrone", "00"
                ),
            },
            {"dev": (19336329,), "eval": (20151556, 20437238)},
            "nttcslab/dcase2026_task2_evaluator",
        ),
    )
}


def find_edition(name: str) -> Edition:
    """Returns an edition by its name.

    Raises:
        UsageError: If there is none of this name.
    """
    check_choice("edition", name, EDITIONS)
    return EDITIONS[name]


@functools.cache
def label_digests() -> pd.DataFrame:
    """Reads the digests of the official evaluation labels of 2021 to 2024.

    Returns:
        year, machine, section, clips, anomalies, and the SHA-256 of the rows `file,label,domain`
        with a line feed each, sorted by file.
    """
    with resources.files(__package__).joinpath("ground_truth_digests.csv").open() as file:
        return pd.read_csv(file, dtype={"section": "str"})


def official_counts(edition: Edition) -> pd.DataFrame:
    """Lists how many clips an edition has, as far as that is published.

    Returns:
        subset, machine, section (missing: of all sections together), kind and clips. The kinds are
        columns of the table of `checkup.count_clips`.
    """
    rows = [
        (subset, machine, section, kind, clips)
        for subset in SUBSETS
        for machine, sections in edition.machines[subset].items()
        for section in sections
        for kind, clips in _of_section(edition.year, subset, machine, section).items()
    ]
    if edition.year == 2020:
        rows += [
            ("eval", machine, None, "test", clips) for machine, clips in _TEST_CLIPS_2020.items()
        ]
    frame = pd.DataFrame(rows, columns=["subset", "machine", "section", "kind", "clips"])
    return frame.astype({"section": "str"})


def _of_section(year: int, subset: str, machine: str, section: str) -> dict[str, int]:
    if year == 2020:
        return {}
    if year == 2021:
        counts = {"train_source": 1000, "train_target": 3}
    else:
        counts = {"train_source": 990, "train_target": 10}
    if subset == "eval":
        known = label_digests().query(
            "year == @year and machine == @machine and section == @section"
        )
        # The years without digests have 200 test clips of each machine, as those before.
        return counts | {"test": int(known["clips"].iloc[0]) if len(known) else 200}
    if year == 2021:
        return counts
    return counts | {"test_normal": 100, "test_anomalous": 100}
