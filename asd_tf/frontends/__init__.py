"""Frontends: Keras layers from waveforms to features, serializable and always in float32."""

from asd_tf.frontends.clip_statistics import (
    BandMeans,
    BandPeaks,
    DeviationOfDifferences,
    LogPower,
    MedianOverTime,
)
from asd_tf.frontends.dynamic_range import DynamicRange
from asd_tf.frontends.framing import frames_at
from asd_tf.frontends.kaldi_fbank import KaldiFbank
from asd_tf.frontends.mel import LogMel
from asd_tf.frontends.mel_bands import mel_bands
from asd_tf.frontends.modulation import ModulationSpectrum
from asd_tf.frontends.normalization import TemporalMeanNormalization
from asd_tf.frontends.spectrogram import MagnitudeSpectrogram
from asd_tf.frontends.spectrum import MagnitudeSpectrum
from asd_tf.frontends.speech_mel import SpeechMel
from asd_tf.frontends.statistics import RootMeanSquare, TimeStatistics
from asd_tf.frontends.windows import FrameWindows, place_in_window, window_starts

__all__ = [
    "BandMeans",
    "BandPeaks",
    "DeviationOfDifferences",
    "DynamicRange",
    "FrameWindows",
    "KaldiFbank",
    "LogMel",
    "LogPower",
    "MagnitudeSpectrogram",
    "MagnitudeSpectrum",
    "MedianOverTime",
    "ModulationSpectrum",
    "RootMeanSquare",
    "SpeechMel",
    "TemporalMeanNormalization",
    "TimeStatistics",
    "frames_at",
    "mel_bands",
    "place_in_window",
    "window_starts",
]
