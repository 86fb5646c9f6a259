"""One entry in `EDITIONS` must be all that a new edition takes, from reading to the submission."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from asd_tf.data.completeness import check_data
from asd_tf.data.layouts.editions import EDITIONS, Edition
from asd_tf.data.layouts.ground_truth import read_ground_truth
from asd_tf.data.layouts.readers import read_clips
from asd_tf.evaluation.ground_truth import join_ground_truth
from asd_tf.evaluation.results import evaluate

EDITION = Edition(
    2031,
    {"dev": {"Kettle": ("00",)}, "eval": {"Toaster": ("00",)}},
    {"dev": (1,), "eval": (2, 3)},
    "someone/dcase2031_evaluator",
    is_marked=lambda seen: any(machine.endswith("Clone") for machine in seen.machines),
    default_channel="far",
    official_score="dcase2021",
    submission_file="{machine}_{section}_{domain}.csv",
    submits_decisions=False,
    train_clips=(2, 1),
    dev_test_clips=(2, 2),
)

TRAIN = [
    "train/section_00_source_train_normal_0000_load_1.wav",
    "train/section_00_source_train_normal_0001_load_2.wav",
    "train/section_00_target_train_normal_0000_load_3.wav",
]
TEST = [
    f"test/section_00_{domain}_test_{label}_0000_load_1.wav"
    for domain in ("source", "target")
    for label in ("normal", "anomaly")
]
HIDDEN_TEST = [f"test/section_00_{number:04d}.wav" for number in range(4)]


@pytest.fixture(autouse=True)
def _registration(monkeypatch):
    monkeypatch.setitem(EDITIONS, EDITION.name, EDITION)


@pytest.fixture
def tree(tmp_path) -> Path:
    """Recordings of two channels in the layout of the edition."""
    files = [f"dev_data/Kettle/{name}" for name in TRAIN + TEST]
    files += [f"eval_data/Toaster/{name}" for name in TRAIN + HIDDEN_TEST]
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / file, np.zeros([160, 2]), 16000)
    return tmp_path


def write_labels(folder: Path) -> Path:
    """Writes the lists of an evaluator: clips 1 and 3 are anomalous, clips 2 and 3 are target."""
    for kind, values in (("data", (0, 1, 0, 1)), ("domain", (0, 0, 1, 1))):
        path = folder / f"ground_truth_{kind}" / "ground_truth_Toaster_section_00_test.csv"
        path.parent.mkdir(parents=True)
        rows = zip(HIDDEN_TEST, values, strict=True)
        path.write_text("".join(f"{Path(name).name},{value}\n" for name, value in rows))
    return folder


@pytest.mark.parametrize("dataset", [None, EDITION.name])
def test_it_is_detected_and_read(tree, dataset):
    """Its clips must be read with its channel, whether or not its name is given."""
    clips, found = read_clips(tree, dataset)
    assert found == EDITION.name
    assert clips["subset"].value_counts().to_dict() == {"dev": 7, "eval": 7}
    assert set(clips["channel"]) == {1}


def test_its_own_rule_detects_it(tmp_path):
    """It must be detected by its mark alone."""
    for machine, expected in (("fan", "dcase2023"), ("fanClone", EDITION.name)):
        path = tmp_path / machine / "data" / machine / TRAIN[0]
        path.parent.mkdir(parents=True)
        path.touch()
        assert read_clips(tmp_path / machine)[1] == expected


def test_its_clips_are_counted(tree):
    """A missing clip must be reported against its official counts."""
    assert check_data(tree, subsets=("dev",)).is_complete
    (tree / "dev_data" / "Kettle" / TRAIN[0]).unlink()
    [row] = check_data(tree, subsets=("dev",)).missing.itertuples(index=False)
    assert (row.machine, row.kind, row.clips, row.official) == ("Kettle", "train_source", 1, 2)


def test_it_is_evaluated_and_submitted(tree, tmp_path):
    """Its score and its submission files must follow its formula and its names."""
    clips, dataset = read_clips(tree)
    tests = clips[clips["split"].eq("test")].reset_index(drop=True)
    scored = tests.assign(score=np.arange(len(tests), dtype=float), status="ok", decision=0)
    truth = read_ground_truth(write_labels(tmp_path / "evaluator"), clips, dataset)
    evaluation = evaluate(join_ground_truth(scored, truth), dataset)
    assert evaluation.formula == "dcase2021"
    assert evaluation.subsets["eval"].official.score == 1
    assert sorted(evaluation.submission.files) == [
        "anomaly_score_Toaster_00_source.csv",
        "anomaly_score_Toaster_00_target.csv",
    ]
