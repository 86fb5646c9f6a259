"""Every layout must work from its files to an evaluation, with no file renamed."""

import contextlib
import io
import os
import random

import pandas as pd
import pytest
import soundfile
import threadpoolctl
from harness import exit_of
from year_trees import OPTIONS, simulate_clips, write_folder, write_manifest, write_year

from asd_tf.cli import fuse, score, train
from asd_tf.data.layouts.readers import read_clips

YEARS = range(2020, 2027)
# Read by other names and labels, but trained on as the years beside them are.
ALIKE = ("dcase2021", "dcase2023", "dcase2025")
DATASETS = [*(f"dcase{year}" for year in YEARS), "folder", "manifest"]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    return simulate_clips(tmp_path_factory.mktemp("simulated"))


@pytest.fixture(scope="module")
def trees(simulated, tmp_path_factory):
    """Returns a function from a dataset to (data_dir, the expected clips)."""
    root, made = tmp_path_factory.mktemp("trees"), {}

    def tree(dataset):
        if dataset not in made:
            folder = root / dataset
            if dataset == "folder":
                made[dataset] = folder, write_folder(simulated, folder)
            elif dataset == "manifest":
                made[dataset] = folder / "clips.csv", write_manifest(simulated, folder)
            else:
                made[dataset] = folder, write_year(simulated, folder, int(dataset[-4:]))
        return made[dataset]

    return tree


@pytest.fixture(scope="module")
def runs(trees, tmp_path_factory):
    """Returns a function from a dataset and flags to (a trained run, its output)."""
    root, made = tmp_path_factory.mktemp("runs"), {}

    def run(dataset, *flags):
        key = "-".join([dataset, *flags])
        if key not in made:
            said = io.StringIO()
            data = (f"--data_dir={trees(dataset)[0]}", f"--run_dir={root / key}", *flags)
            # The matrices are tiny: threads would make it slower.
            with contextlib.redirect_stderr(said), threadpoolctl.threadpool_limits(1):
                status = exit_of(train.main, "--method=mahalanobis", *data)
            assert status == 0
            made[key] = root / key, said.getvalue()
        return made[key]

    return run


def shuffle_folders(monkeypatch, seed: int) -> None:
    """Makes folders be listed in another order, as on another disk."""
    walk = os.walk

    def shuffled(*args, **kwargs):
        for place, folders, names in walk(*args, **kwargs):
            random.Random(seed).shuffle(names)
            yield place, folders, names

    monkeypatch.setattr(os, "walk", shuffled)


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_clip_is_what_it_is(trees, monkeypatch, dataset):
    """Labels, domains, sections and attributes must be right in any order of listing."""
    data_dir, expected = trees(dataset)
    for seed in range(2):
        shuffle_folders(monkeypatch, seed)
        clips, found = read_clips(data_dir)
        assert found == dataset
        clips = clips.set_index("clip_id").sort_index()
        wanted = expected.set_index("clip_id").sort_index()
        assert list(clips.index) == list(wanted.index)
        for column in wanted:
            missing = wanted[column].isna()
            assert list(clips[column].isna()) == list(missing), column
            assert list(clips.loc[~missing, column]) == list(wanted.loc[~missing, column]), column


@pytest.mark.parametrize(
    "dataset",
    [pytest.param(name, marks=pytest.mark.slow) if name in ALIKE else name for name in DATASETS],
)
def test_every_layout_is_trained_on_and_evaluated(trees, runs, dataset):
    """Clips without labels must be scored, too, and supplemental ones must not be opened."""
    run, said = runs(dataset)
    assert f"layout {dataset}" in said
    scored = pd.read_csv(run / "evaluation" / "scores.csv", dtype={"section": str})
    expected = trees(dataset)[1]
    tests = expected[expected["split"] == "test"].set_index("clip_id")
    assert sorted(scored["clip_id"]) == sorted(tests.index)
    assert set(scored["status"]) == {"ok"}
    assert scored["score"].notna().all()
    labels = scored.set_index("clip_id")["label"].reindex(tests.index)
    assert list(labels.isna()) == list(tests["label"].isna())
    assert list(labels.dropna()) == list(tests["label"].dropna())
    assert (run / "evaluation" / "metrics.csv").exists()


def scores_of(capsys, detector, *paths):
    capsys.readouterr()
    assert exit_of(score.main, detector, *paths) == 0
    captured = capsys.readouterr()
    lines = [line.split(",") for line in captured.out.splitlines()[1:]]
    return {line[0]: float(line[3]) for line in lines}, captured.err


def stored_scores(run, key="clip_id"):
    return pd.read_csv(run / "evaluation" / "scores.csv").set_index(key)["score"]


def test_a_detector_hears_the_channel_that_it_was_trained_on(trees, runs, tmp_path, capsys):
    """Scoring must use the channel of the training: another microphone gives other scores."""
    data_dir, _ = trees("dcase2026")
    clip = min((data_dir / "dev_data" / "raw" / "fan" / "test").iterdir())
    parts = {}
    for channel, flags in enumerate(((), ("--channel=far",))):
        run, _ = runs("dcase2026", *flags)
        scores, _ = scores_of(capsys, run / "detector", clip)
        value = stored_scores(run)[clip.relative_to(data_dir).as_posix()]
        assert scores[str(clip)] == pytest.approx(value)
        # Its scores must not depend on the other channel.
        alone = tmp_path / str(channel) / "fan" / "test" / clip.name
        alone.parent.mkdir(parents=True)
        wave, rate = soundfile.read(clip)
        soundfile.write(alone, wave[:, [channel, channel]], rate)
        assert scores_of(capsys, run / "detector", alone)[0][str(alone)] == pytest.approx(value)
        parts[run / "detector"] = value
    assert len(set(parts.values())) == 2
    fused = tmp_path / "fused"
    assert exit_of(fuse.main, fused, *parts, "--rule=sum", "--scale=raw") == 0
    assert scores_of(capsys, fused, clip)[0][str(clip)] == pytest.approx(sum(parts.values()))


def test_conversions_are_said_once(trees, runs, capsys):
    """Resampling and averaging of channels change the sound: the user must be informed."""
    data_dir, expected = trees("folder")
    run, said = runs("folder")
    count = len(expected)
    assert said.count(f"{count} clips have 48000 Hz and are resampled to 16000 Hz") == 1
    assert said.count(f"{count} clips have 2 channels: their mean is taken; choose one") == 1
    test = data_dir / "hall" / "fan" / "test"
    scores, said = scores_of(capsys, run / "detector", test)
    assert said.count(f"{len(scores)} clips have 48000 Hz and are resampled to 16000 Hz") == 1
    stored = stored_scores(run, "path")
    assert scores == pytest.approx({path: stored[path] for path in scores})


def test_a_machine_of_one_section_needs_no_name(trees, runs, tmp_path, capsys):
    """Any file name must do with one section; with several, the section must not be guessed."""
    recording = next((trees("folder")[0] / "hall" / "fan" / "test").rglob("*.flac"))
    new = tmp_path / "fan" / "test" / "monday.flac"
    new.parent.mkdir(parents=True)
    new.write_bytes(recording.read_bytes())
    assert str(new) in scores_of(capsys, runs("folder")[0] / "detector", new)[0]
    assert exit_of(score.main, runs("dcase2022")[0] / "detector", new) == 1
    assert "unknown_group" in capsys.readouterr().out


def test_files_of_2021_are_scored_by_their_folders(trees, runs, capsys):
    """Files in source_test must be scored without renaming the folder."""
    data_dir, _ = trees("dcase2021")
    run, _ = runs("dcase2021")
    folder = data_dir / "eval_data" / "raw" / "valve" / "target_test"
    scores, _ = scores_of(capsys, run / "detector", folder)
    assert len(scores) == OPTIONS.test_normal + OPTIONS.test_anomaly
    stored = stored_scores(run, "path")
    assert scores == pytest.approx({path: stored[path] for path in scores})
