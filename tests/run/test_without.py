"""A run without some of its training clips must differ from the whole run in these alone."""

import pytest

from asd_tf.config import load_recipe
from asd_tf.data.layouts.readers import read_clips
from asd_tf.run.run import Run
from asd_tf.run.settings import Settings
from asd_tf.scoring.folds import held_out_mask


@pytest.fixture
def run(dataset, tmp_path):
    clips, _ = read_clips(dataset)
    settings = Settings(method="pae", recipe="quick", dataset="dcase2022")
    return Run.open(tmp_path / "run", settings, load_recipe("pae", "quick"), clips)


def test_clips_are_left_out_of_training_alone(run):
    """Test clips, folders and the streams of random numbers must stay; no more is held out."""
    held_out = held_out_mask(run.train_clips, None, 0.5)
    view = run.without(held_out, ["calibration.held_out"])
    kept = run.train_clips["clip_id"][~held_out]
    assert view.train_clips["clip_id"].tolist() == kept.tolist()
    assert view.test_clips.equals(run.test_clips)
    assert view.detector_folder == run.detector_folder
    assert view.stage("a", ["data"], 1).seed == run.stage("a", ["data"], 1).seed
    assert (view.config.calibration.held_out, run.config.calibration.held_out) == (0.0, 0.1)
    assert (view.calibrates_itself, run.calibrates_itself) == (False, True)
    assert Run.load(run.folder).clips.equals(run.clips)


def test_stages_of_nested_parts_depend_on_their_own_section(dataset, tmp_path):
    """The section of a part of a part must be named whole, or another one decides on its reuse."""
    clips, _ = read_clips(dataset)
    settings = Settings(method="ensemble", recipe="quick", dataset="dcase2022")
    run = Run.open(tmp_path / "run", settings, load_recipe("ensemble", "quick"), clips)
    nested = run.part("pae", section="pae").part("inner", section="network")
    assert nested.section == "pae.network"
    assert nested.config.bottleneck == run.config.pae.network.bottleneck
    assert nested.part("member").section == "pae.network"
