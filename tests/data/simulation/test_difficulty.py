"""Simulated anomalies must be neither trivial nor hopeless to detect, and betray nothing else."""

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from asd_tf.data.simulation.dataset import SimulationOptions, planned_clips, simulate_clip
from asd_tf.data.simulation.plant.options import PlantOptions
from asd_tf.data.simulation.simple.machines import MACHINES

# The features are computed here, independently of the package.

SEEDS = (100, 101, 102)


def mel_bands():
    """Weights [513, 128] of triangles equally wide on the HTK mel scale."""
    edges = np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 130)
    bins = 2595 * np.log10(1 + np.arange(513) * 15.625 / 700)[:, None]
    left, center, right = edges[:-2], edges[1:-1], edges[2:]
    return np.maximum(
        0, np.minimum((bins - left) / (center - left), (right - bins) / (right - center))
    ).astype(np.float32)


MEL_BANDS = mel_bands()


def log_mel_statistics(wave):
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024, dtype=np.float32) / 1024)
    frames = np.lib.stride_tricks.sliding_window_view(wave, 1024)[::512] * window
    power = np.abs(np.fft.rfft(frames)).astype(np.float32) ** 2
    log_mel = np.log(np.maximum(power @ MEL_BANDS, 1e-10))
    return np.concatenate([log_mel.mean(axis=0), log_mel.std(axis=0)])


def section_of(options, section):
    """Clips of one section, their loudness [clips] and log-mel statistics [clips, 256]."""
    clips = [clip for clip in planned_clips(options) if clip.section == section]
    waves = (simulate_clip(clip, options) for clip in clips)
    found = [(np.sqrt(np.mean(wave**2)), log_mel_statistics(wave)) for wave in waves]
    loudness, features = zip(*found, strict=True)
    return clips, np.array(loudness), np.array(features, dtype=np.float64)


def difficulty(clips, loudness, features):
    """Pooled AUC of one section by loudness and by the Mahalanobis distance."""
    is_train = np.array([clip.split == "train" for clip in clips])
    is_anomaly = np.array([clip.label == "anomaly" for clip in clips])[~is_train]
    covariance = LedoitWolf().fit(features[is_train])
    distance = covariance.mahalanobis(features[~is_train])
    return roc_auc_score(is_anomaly, loudness[~is_train]), roc_auc_score(is_anomaly, distance)


def told_apart(clips, features):
    """AUC of a classifier that must tell normal training from normal test clips, by domain."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, class_weight="balanced"))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    areas = []
    for domain in ("source", "target"):
        used = np.array([(clip.domain, clip.label) == (domain, "normal") for clip in clips])
        is_test = np.array([clip.split == "test" for clip in clips])[used]
        margins = cross_val_predict(
            model, features[used], is_test, cv=folds, method="decision_function"
        )
        areas.append(roc_auc_score(is_test, margins))
    return areas


@pytest.mark.slow
@pytest.mark.parametrize("machine", MACHINES)
def test_difficulty(machine):
    """Loudness must not separate anomalies, and log-mel statistics only in part."""
    values = [
        difficulty(*section_of(SimulationOptions(machines=(machine,), seed=seed), section))
        for seed in SEEDS
        for section in (0, 1)
    ]
    loudness, mahalanobis = np.mean(values, axis=0)
    assert 0.4 < loudness < 0.6
    assert 0.6 < mahalanobis < 0.8


@pytest.mark.slow
def test_difficulty_of_a_plant():
    """A plant must be hard, and normal training and test clips must be drawn alike."""
    values, areas = [], []
    for machine in ("bearing", "compressor", "fan", "slider"):
        options = PlantOptions(machines=(machine,), sections=1, seed=SEEDS[0])
        section = section_of(options, 0)
        values.append(difficulty(*section))
        areas.append(told_apart(section[0], section[2]))
    loudness, mahalanobis = np.mean(values, axis=0)
    assert 0.4 < loudness < 0.6
    assert 0.55 < mahalanobis < 0.8
    assert np.all(np.abs(np.mean(areas, axis=0) - 0.5) < 0.15)
