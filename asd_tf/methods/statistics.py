"""Five statistics of a clip, without training: what a machine sounds like, in five ways.

Medians of the log-mel spectrogram, its changes from frame to frame, the modulation of its bands,
the long-term spectrum, and the tones that stand out of it. Each is compared with the normal clips
of a machine and section by `WhitenedNearest`, and standardized by the scores of normal clips that
its backend has not seen. The score of a clip is the largest of the five: a fault need only show in
one of them.
"""

import itertools
from typing import Any

import keras
import ml_collections
import pandas as pd

from asd_tf.config import check_choice
from asd_tf.errors import UsageError
from asd_tf.frontends import (
    BandMeans,
    BandPeaks,
    DeviationOfDifferences,
    LogMel,
    LogPower,
    MagnitudeSpectrogram,
    MedianOverTime,
    ModulationSpectrum,
)
from asd_tf.methods.common.checks import check_recipe, samples_of
from asd_tf.run import networks
from asd_tf.run.fit_detector import fit_detector, scorer_of
from asd_tf.run.run import Run
from asd_tf.scoring.group_scorer import COMBINES
from asd_tf.scoring.scorers import Scorer

TRAINS_NOTHING = True

STATISTICS = ("median", "changes", "modulation", "spectrum", "tones")

# Frames in seconds, so that they mean the same at every sample rate.
_MEL = {"seconds": 0.064, "step": 0.032, "bands": 128}
_ENVELOPES = {"seconds": 0.032, "step": 0.01, "bands": 32}
_LONG_SECONDS, _LONG_STEP = 0.512, 0.128
# In bins of the long spectrum, which are 1.95 Hz wide.
_SPECTRUM_BAND, _TONE_BAND, _TONE_SPAN = 8, 16, 65
_MEL_FLOOR, _POWER_FLOOR, _MODULATION_FLOOR = 1e-8, 1e-9, 1e-4


def check(config: ml_collections.ConfigDict, clips: pd.DataFrame) -> None:
    """Checks the recipe; see `asd_tf.methods.registry.Method`."""
    check_recipe(config, choices={"fusion.rule": COMBINES})
    for name in config.statistics:
        check_choice("statistics", name, STATISTICS)
    if len(set(config.statistics)) < max(1, len(config.statistics)):
        raise UsageError("statistics: name at least one, and each once")
    if config.data.seconds < _LONG_SECONDS:
        raise UsageError(
            f"data.seconds={config.data.seconds:g}: the long-term spectrum needs {_LONG_SECONDS} s"
        )
    _scorer(config, config.statistics[0])


def fit(run: Run) -> None:
    """Exports the statistics as a network, and fits their backends."""
    config = run.config
    folder = networks.export(
        run, "extractor", ("data", "statistics"), lambda stage: build_network(config)
    )
    columns = columns_of(config)
    fit_detector(
        run,
        {"statistics": folder},
        lambda group: [_scorer(config, name, columns[name]) for name in config.statistics],
        combine=config.fusion.rule,
    )


def build_network(config: ml_collections.ConfigDict) -> keras.Model:
    """Builds waveform [batch, N] to the statistics one after the other [batch, D]."""
    waveform = keras.Input([samples_of(config)], name="waveform")
    found = list(_statistics(config, waveform).values())
    return keras.Model(
        waveform, keras.layers.Concatenate(dtype="float32")(found) if found[1:] else found[0]
    )


def columns_of(config: ml_collections.ConfigDict) -> dict[str, tuple[int, int]]:
    """Returns for each statistic its first column, and the one after its last."""
    found = _statistics(config, keras.Input([samples_of(config)]))
    ends = list(itertools.accumulate(int(values.shape[-1]) for values in found.values()))
    return dict(zip(found, zip([0, *ends], ends, strict=False), strict=True))


def _scorer(
    config: ml_collections.ConfigDict, name: str, columns: tuple[int, int] | None = None
) -> Scorer:
    return scorer_of(config, "statistics", name=name, weight="standardized", columns=columns)


def _statistics(config: ml_collections.ConfigDict, waveform) -> dict[str, Any]:
    """Returns the statistics [batch, width] that the recipe names, in its order."""
    rate, names, found = config.data.sample_rate, config.statistics, {}
    if {"median", "changes"} & set(names):
        log_mel = _log_mel(rate, **_MEL)(waveform)
        found["median"] = MedianOverTime(name="median")(log_mel)
        found["changes"] = DeviationOfDifferences(name="changes")(log_mel)
    if "modulation" in names:
        envelopes = _log_mel(rate, **_ENVELOPES)(waveform)
        frame_rate = rate / round(_ENVELOPES["step"] * rate)
        modulation = ModulationSpectrum(frame_rate, floor=_MODULATION_FLOOR, name="modulation")
        found["modulation"] = modulation(envelopes)
    if {"spectrum", "tones"} & set(names):
        frames = MagnitudeSpectrogram(round(_LONG_SECONDS * rate), round(_LONG_STEP * rate))
        long_term = MedianOverTime()(LogPower(_POWER_FLOOR)(frames(waveform)))
        found["spectrum"] = BandMeans(_SPECTRUM_BAND, name="spectrum")(long_term)
        found["tones"] = BandPeaks(_TONE_BAND, _TONE_SPAN, name="tones")(long_term)
    return {name: found[name] for name in names}


def _log_mel(rate: int, seconds: float, step: float, bands: int) -> LogMel:
    frame = round(seconds * rate)
    return LogMel(
        rate,
        n_mels=min(bands, frame // 4),
        frame_length=frame,
        frame_step=round(step * rate),
        scale="ln",
        floor=_MEL_FLOOR,
        bands="slaney",
    )
