"""Outliers, which stand in for anomalies, and batches of them and of normal clips.

Kuroyanagi et al., DCASE 2021, Sections 2.2 and 3.2: half of a batch are clips of the section, half
are outliers: normal clips of other sections and machines.
"""

from typing import NamedTuple

import ml_collections
import numpy as np
import pandas as pd
import tensorflow as tf

from asd_tf.augmentation.noise_and_volume import add_gaussian_noise, change_volume
from asd_tf.data.groups import Group, rows_of_groups
from asd_tf.data.pipeline import training_batches
from asd_tf.errors import InputError
from asd_tf.methods.kuroyanagi.outlier_policies import is_outlier
from asd_tf.run.run import Run
from asd_tf.training.stage import Stage

_NONE = np.zeros(0, np.int64)


class ClipPools(NamedTuple):
    """Indices of the training clips of each kind; clips without a domain count as source clips.

    Attributes:
        normal: Source clips of the section.
        outliers: Source clips of others.
        target_normal: Target clips of the section.
        target_outliers: Target clips of others.
        held_normal: Clips of the section that are held out of all training.
        held_outliers: Clips of others that are held out of all training.
    """

    normal: np.ndarray
    outliers: np.ndarray
    target_normal: np.ndarray = _NONE
    target_outliers: np.ndarray = _NONE
    held_normal: np.ndarray = _NONE
    held_outliers: np.ndarray = _NONE

    def of_source(self) -> "ClipPools":
        """Returns the pools of the source domain alone."""
        return self._replace(target_normal=_NONE, target_outliers=_NONE)

    def both_kinds(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the normal clips and the outliers of both domains that are trained on."""
        return (
            np.concatenate([self.normal, self.target_normal]),
            np.concatenate([self.outliers, self.target_outliers]),
        )


def pools_of(clips: pd.DataFrame, group: Group, policy: str, held_out: np.ndarray) -> ClipPools:
    """Sorts the training clips for the classifier of a section.

    Args:
        clips: The training clips.
        group: Machine and section of the normal clips.
        policy: Whose clips are outliers, see `is_outlier`; all with equal probability.
        held_out: [clips] bool, clips that are held out of all training.

    Raises:
        InputError: If there is no outlier, or no normal clip of the source domain.
    """
    machine, section = group
    are_normal, are_outliers = np.zeros([2, len(clips)], bool)
    for other, rows in rows_of_groups(clips).items():
        are_normal[rows] = other == group
        are_outliers[rows] = is_outlier(policy, group, other)
    is_target = (clips["domain"] == "target").to_numpy(bool)
    kinds = [
        np.flatnonzero(kind & domain & seen)
        for domain, seen in ((~is_target, ~held_out), (is_target, ~held_out), (True, held_out))
        for kind in (are_normal, are_outliers)
    ]
    pools = ClipPools(*kinds)
    for found, what in ((pools.normal, "training clips"), (pools.outliers, "outliers")):
        if not len(found):
            raise InputError(
                f"{machine}, section {section}: no {what} of the source domain with "
                f"outliers.source={policy}; this method separates a section from others: "
                "add clips of other sections or machines, or use --method=mahalanobis or loudness"
            )
    return pools


def source_batches(
    run: Run,
    recipe: ml_collections.ConfigDict,
    stage: Stage,
    pools: ClipPools,
    samples: int,
    first_step: int,
) -> tf.data.Dataset:
    """Streams ((waveform, label), targets) from a step on: one half normal, one half outliers."""
    half = recipe.train.batch_size // 2
    counts = [(pools.normal, half), (pools.outliers, half)]
    label = np.repeat([1.0, 0.0], half)

    def augment(waveform, seed):
        return augmented(recipe.augmentation, waveform, seed), tf.constant(label, tf.float32)

    return _stream(run, recipe, stage, counts, samples, first_step, augment)


def target_batches(
    run: Run,
    recipe: ml_collections.ConfigDict,
    stage: Stage,
    pools: ClipPools,
    samples: int,
    first_step: int,
) -> tf.data.Dataset:
    """Streams batches some of whose clips are of the target domain, or mixed from it.

    Of both kinds, half are normal and half are outliers. If the target domain has no outliers,
    source outliers are used instead.
    """
    few = recipe.target.clips // 2
    rest = recipe.train.batch_size // 2 - few
    outliers = pools.target_outliers if len(pools.target_outliers) else pools.outliers
    counts = [
        (pools.target_normal, few),
        (outliers, few),
        (pools.normal, rest),
        (pools.outliers, rest),
    ]
    label = np.repeat([1.0, 0.0, 1.0, 0.0], [few, few, rest, rest])

    def augment(waveform, seed):
        seeds = tf.random.experimental.stateless_split(seed, 2)
        waveform = augmented(recipe.augmentation, waveform, seeds[0])
        return mix_into_source(
            waveform,
            tf.constant(label, tf.float32),
            seeds[1],
            2 * few,
            recipe.target.mixup,
            recipe.target.alpha,
        )

    return _stream(run, recipe, stage, counts, samples, first_step, augment)


def mix_into_source(
    waveform: tf.Tensor,
    label: tf.Tensor,
    seed: tf.Tensor,
    targets: int,
    probability: float,
    alpha: float,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Makes pseudo-target clips by mixup with clips of the source domain (Section 3.2).

    The partner is any source clip, normal or outlier, so that some mixtures lie between both kinds.
    The label is mixed with the same share. Stateless: equal arguments give equal results.

    Args:
        waveform: [batch, N], the clips of the target domain first.
        label: [batch] 1 for normal, 0 for outliers.
        seed: [2], integer.
        targets: Number of clips of the target domain.
        probability: Probability that a target clip is mixed.
        alpha: The share of the target clip is drawn from Beta(alpha, alpha).

    Returns:
        Waveforms and labels of the shapes given.
    """
    seeds = tf.random.experimental.stateless_split(seed, 3)
    draws = tf.random.stateless_gamma([2, targets], seeds[0], alpha)
    # If both draws underflow to 0, the clip is not mixed.
    share = tf.math.divide_no_nan(draws[0], draws[0] + draws[1])
    share = tf.where(draws[0] + draws[1] > 0, share, 1.0)
    is_mixed = tf.random.stateless_uniform([targets], seeds[1]) < probability
    share = tf.where(is_mixed, share, 1.0)
    sources = tf.shape(waveform)[0] - targets
    partner = targets + tf.random.stateless_uniform([targets], seeds[2], 0, sources, tf.int32)
    mixed = share[:, tf.newaxis] * waveform[:targets]
    mixed += (1 - share)[:, tf.newaxis] * tf.gather(waveform, partner)
    mixed_label = share * label[:targets] + (1 - share) * tf.gather(label, partner)
    return (
        tf.concat([mixed, waveform[targets:]], axis=0),
        tf.concat([mixed_label, label[targets:]], axis=0),
    )


def augmented(
    augmentation: ml_collections.ConfigDict, waveform: tf.Tensor, seed: tf.Tensor
) -> tf.Tensor:
    """Adds noise to some clips [batch, N] and changes the volume of some."""
    seeds = tf.random.experimental.stateless_split(seed, 2)
    if augmentation.noise:
        waveform = add_gaussian_noise(waveform, seeds[0], augmentation.snr_db, augmentation.noise)
    if augmentation.volume:
        waveform = change_volume(waveform, seeds[1], augmentation.gain_db, augmentation.volume)
    return waveform


def _stream(run, recipe, stage, counts, samples, first_step, augment) -> tf.data.Dataset:
    """Streams examples that `augment` makes of (waveform, seed of the step)."""
    batches = training_batches(
        run.train_clips,
        samples=samples,
        sample_rate=run.config.data.sample_rate,
        batch_size=recipe.train.batch_size,
        seed=stage.seed,
        stage=stage.seed_word,
        first_step=first_step,
        pools=counts,
    )

    def example(step, _, waveform):
        waveform, label = augment(waveform, stage.step_seed(step))
        label = label[:, tf.newaxis]
        targets = {"posterior": label}
        if recipe.loss.arcface:
            targets["arcface"] = tf.concat([label, 1 - label], axis=1)
        return (waveform, label), targets

    return batches.map(example, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
