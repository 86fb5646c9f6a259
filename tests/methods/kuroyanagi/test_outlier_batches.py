"""Batches must be made of the right clips, in the paper's proportions."""

import ml_collections
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from harness import write_dataset

from asd_tf.config import load_recipe
from asd_tf.data.layouts.readers import read_clips
from asd_tf.errors import InputError
from asd_tf.methods.common.held_out import hold_out
from asd_tf.methods.kuroyanagi.outlier_batches import (
    mix_into_source,
    pools_of,
    source_batches,
    target_batches,
)
from asd_tf.methods.kuroyanagi.outlier_policies import is_outlier, votes
from asd_tf.run.run import Run
from asd_tf.run.settings import Settings
from asd_tf.training.stage import Stage

SAMPLES = 1000


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("pools")
    clips, _ = read_clips(write_dataset(folder / "data", source=12, target=3, test=1))
    settings = Settings("kuroyanagi_bc", "quick", "dcase2022")
    return Run.open(folder / "run", settings, load_recipe("kuroyanagi_bc", "quick"), clips)


def described(clips: pd.DataFrame, indices: np.ndarray) -> set[tuple[str, str, str]]:
    chosen = clips.iloc[indices]
    return set(zip(chosen["machine"], chosen["section"], chosen["domain"], strict=True))


OTHERS = {
    "sections": {("fan", "01")},
    "machines": {("valve", "00"), ("valve", "01")},
    "both": {("fan", "01"), ("valve", "00"), ("valve", "01")},
    "same_dataset": {("fan", "01"), ("valve", "00"), ("valve", "01")},  # both are of MIMII
}


@pytest.mark.parametrize("policy", OTHERS)
def test_the_policy_says_whose_clips_are_outliers(run, policy):
    clips = run.train_clips
    held_out = hold_out(clips, 0.1)
    pools = pools_of(clips, ("fan", "00"), policy, held_out)
    assert described(clips, pools.normal) == {("fan", "00", "source")}
    assert described(clips, pools.target_normal) == {("fan", "00", "target")}
    for rows, domain in ((pools.outliers, "source"), (pools.target_outliers, "target")):
        assert described(clips, rows) == {(*group, domain) for group in OTHERS[policy]}
    assert {group[:2] for group in described(clips, pools.held_outliers)} == OTHERS[policy]
    # No network may see a held-out clip, not as an outlier either.
    trained = np.concatenate(pools.both_kinds())
    assert not held_out[trained].any()
    assert held_out[pools.held_normal].all()
    assert held_out[pools.held_outliers].all()


def test_the_same_dataset_is_toyadmos_or_mimii():
    """The paper also takes outliers from the dataset of the machine: of DCASE 2021, Section 3.2."""
    assert is_outlier("same_dataset", ("ToyCar", "00"), ("ToyTrain", "01"))
    assert is_outlier("same_dataset", ("ToyCar", "00"), ("ToyCar", "01"))
    assert not is_outlier("same_dataset", ("ToyCar", "00"), ("fan", "00"))
    assert not is_outlier("same_dataset", ("gearbox", "00"), ("ToyTrain", "00"))
    assert not is_outlier("same_dataset", ("fan", "00"), ("fan", "00"))


@pytest.mark.parametrize(
    ("sections", "policy", "voters"),
    [
        ("own", "both", {"00"}),
        ("all", "both", {"00", "01"}),
        ("all_but_rejecting", "both", {"00"}),
        ("all_but_rejecting", "sections", {"00"}),
        ("all_but_rejecting", "same_dataset", {"00"}),
        # A classifier that never heard other sections of the machine rejects none of them.
        ("all_but_rejecting", "machines", {"00", "01"}),
    ],
)
def test_classifiers_that_reject_a_section_need_not_score_it(sections, policy, voters):
    """N x S models score a clip as printed, or those of them for which it was no outlier."""
    groups = [("fan", "00"), ("fan", "01"), ("valve", "00")]
    found = {of for of in groups if votes(sections, policy, of, ("fan", "00"))}
    assert found == {("fan", section) for section in voters}


def test_a_section_without_others_is_refused(run):
    clips = run.train_clips
    alone = clips[clips["section"] == "00"].reset_index(drop=True)
    with pytest.raises(InputError, match=r"section 00: no outliers .* outliers\.source=sections"):
        pools_of(alone, ("fan", "00"), "sections", np.zeros(len(alone), bool))


def stage_of(run: Run, name: str) -> Stage:
    return Stage(run.folder / name, run.folder / "tensorboard", seed=0)


def recipe_of(run: Run, **changes) -> ml_collections.ConfigDict:
    recipe = ml_collections.ConfigDict(run.config.to_dict())
    recipe.train.batch_size = 12
    recipe.target.clips = 4
    for key, value in changes.items():
        section, _, name = key.partition("__")
        recipe[section][name] = value
    return recipe


def first(dataset: tf.data.Dataset, count: int = 1) -> list:
    return list(dataset.take(count).as_numpy_iterator())


def test_half_of_a_batch_is_normal(run):
    """Each batch must be half normal, and depend on the number of its step only."""
    pools = pools_of(run.train_clips, ("fan", "00"), "both", np.zeros(60, bool))
    recipe = recipe_of(run, loss__arcface=0.1)
    stream = lambda step: source_batches(  # noqa: E731
        run, recipe, stage_of(run, "half"), pools, SAMPLES, step
    )
    ((_, (later, _)),) = [((inputs, targets), inputs) for inputs, targets in first(stream(1))]
    batches = first(stream(0), 2)
    for (waveform, label), targets in batches:
        assert waveform.shape == (12, SAMPLES)
        np.testing.assert_array_equal(label[:, 0], [1] * 6 + [0] * 6)
        np.testing.assert_array_equal(targets["posterior"], label)
        np.testing.assert_array_equal(targets["arcface"], np.hstack([label, 1 - label]))
    np.testing.assert_array_equal(batches[1][0][0], later)


def test_noise_and_volume_change_clips(run):
    pools = pools_of(run.train_clips, ("fan", "00"), "both", np.zeros(60, bool))
    found = {}
    for name, changes in (
        ("plain", {}),
        ("noise", {"augmentation__noise": 1.0}),
        ("volume", {"augmentation__volume": 1.0}),
    ):
        recipe = recipe_of(run, **changes)
        stream = source_batches(run, recipe, stage_of(run, "same"), pools, SAMPLES, 0)
        found[name] = first(stream)[0][0][0]
    assert not np.allclose(found["noise"], found["plain"], atol=1e-4)
    gains = found["volume"] / np.where(found["plain"] == 0, np.nan, found["plain"])
    assert np.nanstd(gains, axis=1).max() < 1e-3
    assert len(np.unique(np.round(np.nanmean(gains, axis=1), 3))) > 6


def test_every_target_batch_has_target_clips_of_both_kinds(run):
    """4 of 12 clips (16 of 64 in the paper) must be of the target domain, if none is mixed."""
    pools = pools_of(run.train_clips, ("fan", "00"), "both", np.zeros(60, bool))
    recipe = recipe_of(run, target__mixup=0.0)
    (waveform, label), _ = first(
        target_batches(run, recipe, stage_of(run, "target"), pools, SAMPLES, 0)
    )[0]
    np.testing.assert_array_equal(label[:, 0], [1, 1, 0, 0] + [1] * 4 + [0] * 4)
    mixed = recipe_of(run, target__mixup=1.0)
    (others, shares), _ = first(
        target_batches(run, mixed, stage_of(run, "target"), pools, SAMPLES, 0)
    )[0]
    # Source clips stay unchanged; a mixture lies between a target and a source clip.
    np.testing.assert_array_equal(others[4:], waveform[4:])
    assert not np.array_equal(others[:4], waveform[:4])
    assert ((shares >= 0) & (shares <= 1)).all()


def test_mixtures_are_those_of_their_labels():
    """The share of each label in a mixture must be that of its waveform."""
    targets, sources = 200, 50
    label = np.r_[np.ones(targets), np.zeros(sources)].astype(np.float32)
    # Constant clips: 1 in the target domain, 0 in the source domain.
    waveform = np.repeat(label[:, np.newaxis], 3, axis=1)
    mixed, shares = mix_into_source(
        tf.constant(waveform), tf.constant(label), tf.constant([1, 2]), targets, 0.5, 0.2
    )
    np.testing.assert_allclose(mixed[:, 0], shares, atol=1e-6)
    assert 0.4 < np.mean(shares[:targets] == 1) < 0.65
    np.testing.assert_array_equal(mixed[targets:], waveform[targets:])
    # The variance of Beta(0.2, 0.2) is 0.25 / 1.4.
    drawn = np.asarray(shares[:targets])[np.asarray(shares[:targets]) < 1]
    assert np.var(drawn) == pytest.approx(0.25 / 1.4, rel=0.25)
