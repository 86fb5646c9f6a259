"""Simulated anomalies must be neither trivial nor hopeless to detect."""

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.metrics import roc_auc_score

from asd_tf.data.simulation.dataset import SimulationOptions, planned_clips, simulate_clip
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


def difficulty(machine, section, seed):
    """Pooled AUC of one section by loudness and by the Mahalanobis distance."""
    options = SimulationOptions(machines=(machine,), seed=seed)
    clips = [clip for clip in planned_clips(options) if clip.section == section]
    waves = [simulate_clip(clip, options) for clip in clips]
    is_train = np.array([clip.split == "train" for clip in clips])
    is_anomaly = np.array([clip.label == "anomaly" for clip in clips])[~is_train]
    loudness = np.array([np.sqrt(np.mean(wave**2)) for wave in waves])[~is_train]
    features = np.array([log_mel_statistics(wave) for wave in waves], dtype=np.float64)
    covariance = LedoitWolf().fit(features[is_train])
    distance = covariance.mahalanobis(features[~is_train])
    return roc_auc_score(is_anomaly, loudness), roc_auc_score(is_anomaly, distance)


@pytest.mark.slow
@pytest.mark.parametrize("machine", MACHINES)
def test_difficulty(machine):
    """Loudness must not separate anomalies, and log-mel statistics only in part."""
    values = [difficulty(machine, section, seed) for seed in SEEDS for section in (0, 1)]
    loudness, mahalanobis = np.mean(values, axis=0)
    assert 0.4 < loudness < 0.6
    assert 0.6 < mahalanobis < 0.8
