"""The editions of DCASE Task 2: one entry in `EDITIONS` states everything that depends on the year.

Record numbers and evaluators are those of the task's official baseline and evaluator repositories
(nttcslab/dcase2023_task2_baseline_ae for 2020 to 2026). Counts are stated only where they are
published, and for evaluation sets where the official label files were counted.
"""

import dataclasses
from collections.abc import Callable, Mapping

from asd_tf.config import check_choice
from asd_tf.data.layouts.dcase import (
    DOMAIN_FOLDERS,
    EMPTY,
    ID,
    NO_ATTRIBUTE,
    SECTION,
    NameSummary,
)


@dataclasses.dataclass(frozen=True)
class Edition:
    """A year of DCASE Task 2.

    Attributes:
        year: Year of the challenge.
        machines: Subset (dev, eval) to machine to its sections.
        records: Subset to the numbers of its Zenodo records; those of `eval` are the additional
            training set and the evaluation set.
        evaluator: The official evaluator on GitHub, as owner/name; None where it holds no labels.
        label_record: Number of the Zenodo record with the evaluation labels, where there is one.
        naming: Naming scheme of the files, `dcase.ID` or `dcase.SECTION`.
        is_marked: The detection rule: whether names show a mark of this edition, see `detection`.
            Without a rule, the edition is detected by the machines that no other edition has.
        default_channel: The channel that is used by default, see `channels.parse_channel`; None for
            the mean of all channels.
        official_score: Name of the formula of the official score, a key of
            `asd_tf.evaluation.official.OFFICIAL_SCORES`.
        submission_file: End of the names of submission files, with the fields machine, section and,
            where there is a file for each domain, domain.
        submits_decisions: Whether a submission has decisions beside scores.
        train_clips: Official number of training clips of a section, source and target; None where
            it is not published.
        dev_test_clips: Official number of test clips of a section of the development set, normal
            and anomalous; None where it is not published.
        machine_test_clips: Machine to the official number of its evaluation test clips over all
            sections; None where they are counted for each section.
    """

    year: int
    machines: Mapping[str, Mapping[str, tuple[str, ...]]]
    records: Mapping[str, tuple[int, ...]]
    evaluator: str | None = None
    label_record: int | None = None
    naming: str = SECTION
    is_marked: Callable[[NameSummary], bool] = lambda seen: False
    default_channel: str | None = None
    official_score: str = "dcase2022"
    submission_file: str = "{machine}_section_{section}_test.csv"
    submits_decisions: bool = True
    train_clips: tuple[int, int] | None = (990, 10)
    dev_test_clips: tuple[int, int] | None = (100, 100)
    machine_test_clips: Mapping[str, int] | None = None

    @property
    def name(self) -> str:
        """The name as a dataset, such as dcase2022."""
        return f"dcase{self.year}"

    @property
    def has_domains(self) -> bool:
        """Whether clips are of a source or a target domain: so since 2021."""
        return self.naming != ID

    @property
    def hides_domains(self) -> bool:
        """Whether the domains of evaluation clips are not stated: so since 2022.

        The names of development clips still reveal them.
        """
        return self.year >= 2022

    @property
    def has_one_section(self) -> bool:
        """Whether every machine has the section 00 alone: so since 2023."""
        sections = {names for subset in self.machines.values() for names in subset.values()}
        return sections == {("00",)}

    @property
    def all_machines(self) -> frozenset[str]:
        """The machines of both subsets."""
        return frozenset(machine for subset in self.machines.values() for machine in subset)

    @property
    def label_source(self) -> str:
        """Where the official evaluation labels are, for messages."""
        if self.evaluator:
            return f"https://github.com/{self.evaluator}"
        return f"https://zenodo.org/records/{self.label_record}"


def _sections(machines: str, *sections: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(machines.split(), sections)


def _looks_like_2021(seen: NameSummary) -> bool:
    """Whether test clips lie in folders of their domain, or there is a pump of several sections.

    The folders may be missing where there are training clips alone; 2022 has no pump.
    """
    has_pump = seen.several_sections and "pump" in seen.machines and "test" not in seen.folders
    return bool(seen.folders & DOMAIN_FOLDERS) or has_pump


_MIMII_2020 = "fan pump slider valve"
_MACHINES_2021 = "ToyCar ToyTrain fan gearbox pump slider valve"
_MACHINES_2022 = "ToyCar ToyTrain bearing fan gearbox slider valve"

EDITIONS: dict[str, Edition] = {
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
            naming=ID,
            official_score="dcase2020",
            submission_file="{machine}_id_{section}.csv",
            submits_decisions=False,
            train_clips=None,
            dev_test_clips=None,
            # Counted from the official label list.
            machine_test_clips={
                "fan": 1342,
                "pump": 777,
                "slider": 834,
                "valve": 940,
                "ToyCar": 1545,
                "ToyConveyor": 1665,
            },
        ),
        Edition(
            2021,
            {
                "dev": _sections(_MACHINES_2021, "00", "01", "02"),
                "eval": _sections(_MACHINES_2021, "03", "04", "05"),
            },
            {"dev": (4562016,), "eval": (4660992, 4884786)},
            "y-kawagu/dcase2021_task2_evaluator",
            is_marked=_looks_like_2021,
            official_score="dcase2021",
            submission_file="{machine}_section_{section}_{domain}_test.csv",
            train_clips=(1000, 3),
            dev_test_clips=None,
        ),
        Edition(
            2022,
            {
                "dev": _sections(_MACHINES_2022, "00", "01", "02"),
                "eval": _sections(_MACHINES_2022, "03", "04", "05"),
            },
            {"dev": (6355122,), "eval": (6462969, 6586456)},
            "Kota-Dohi/dcase2022_evaluator",
            is_marked=lambda seen: not _looks_like_2021(seen),
        ),
        Edition(
            2023,
            {
                "dev": _sections(_MACHINES_2022, "00"),
                "eval": _sections("ToyDrone ToyNscale ToyTank Vacuum bandsaw grinder shaker", "00"),
            },
            {"dev": (7882613,), "eval": (7830345, 7860847)},
            "nttcslab/dcase2023_task2_evaluator",
            is_marked=lambda seen: True,
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
            is_marked=lambda seen: NO_ATTRIBUTE in seen.hidden or seen.counts_from_1,
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
            is_marked=lambda seen: "supplemental" in seen.folders or EMPTY in seen.hidden,
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
            is_marked=lambda seen: any(machine.endswith("Emu") for machine in seen.machines),
            default_channel="near",
        ),
    )
}


def find_edition(name: str) -> Edition:
    """Returns the edition of a name such as dcase2022.

    Raises:
        UsageError: If there is no edition of this name.
    """
    check_choice("edition", name, EDITIONS)
    return EDITIONS[name]
