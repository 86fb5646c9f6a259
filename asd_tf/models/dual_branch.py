"""The embedding network of Wilkinghoff 2023 (Section 2.2), and its variants in Tables 3 to 5."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import keras
import tensorflow as tf

from asd_tf.arguments import check_at_least, check_choices, check_counts
from asd_tf.frontends.framing import frames_at
from asd_tf.frontends.mel import LogMel
from asd_tf.frontends.normalization import TemporalMeanNormalization
from asd_tf.frontends.spectrogram import MagnitudeSpectrogram
from asd_tf.frontends.spectrum import MagnitudeSpectrum
from asd_tf.models.spectrogram_resnet import GRAPHS, spectrogram_resnet
from asd_tf.models.spectrum_cnn import spectrum_cnn

BRANCHES = ("both", "spectrum", "spectrogram")
COMBINE = ("concat", "add")
SPECTROGRAMS = ("magnitude", "log_mel")

# Five frames of 1024 samples every 512: with fewer, nothing is left to pool after the stem.
MINIMUM_SAMPLES = 1024 + 4 * 512


def embedding_model(
    samples: int,
    *,
    branches: str = "both",
    combine: str = "concat",
    spectrogram: str = "magnitude",
    temporal_normalization: bool = True,
    use_bias: bool = False,
    graph: str = "2024",
    l2: float = 1e-5,
    log_mel: Mapping[str, Any] = MappingProxyType({}),
    sample_rate: int = 16000,
    width: int = 16,
    dense: int = 128,
) -> keras.Model:
    """Builds the network from waveform [batch, samples] to embedding [batch, D], both float32.

    With the defaults, D is 256: the embeddings of spectrum and spectrogram are concatenated. They
    are not normalized; a loss or backend that compares directions does that itself.

    Args:
        samples: Length N of the waveforms, at least 3072.
        branches: `both`, `spectrum` or `spectrogram` (Table 4).
        combine: `concat`, or `add` for the sum of both embeddings (Table 4).
        spectrogram: `magnitude`, or `log_mel` (Table 4).
        temporal_normalization: Whether the mean over time is subtracted (Table 5).
        use_bias: Whether convolutions and dense layers have a bias (Table 3).
        graph: `2024` or `bn_on_trunk_2023`, see `spectrogram_resnet`.
        l2: Factor of the squared kernels in the loss, at least 0.
        log_mel: Arguments of `LogMel` for the spectrogram `log_mel`, such as `n_mels`.
        sample_rate: In Hz; frames last as long as at 16 kHz, see `frames_at`.
        width: Filters of the first stage of the spectrogram branch.
        dense: Size of a branch's embedding, and filters of the spectrum branch.

    Returns:
        A functional model.

    Raises:
        ValueError: If an argument is out of range.
    """
    check_choices(BRANCHES, branches=branches)
    check_choices(COMBINE, combine=combine)
    check_choices(SPECTROGRAMS, spectrogram=spectrogram)
    check_choices(GRAPHS, graph=graph)
    check_at_least(MINIMUM_SAMPLES, samples=samples)
    check_counts(width=width, dense=dense)
    waveform = keras.Input([samples], name="waveform")
    embeddings = []
    if branches != "spectrogram":
        spectrum = MagnitudeSpectrum()(waveform)
        embeddings.append(spectrum_cnn(spectrum, use_bias=use_bias, l2=l2, dense=dense))
    if branches != "spectrum":
        length, step = frames_at(sample_rate)
        if spectrogram == "log_mel":
            frames = {"frame_length": length, "frame_step": step}
            features = LogMel(sample_rate, **(frames | dict(log_mel)))(waveform)
        else:
            features = MagnitudeSpectrogram(length, step)(waveform)
        if temporal_normalization:
            features = TemporalMeanNormalization()(features)
        embeddings.append(
            spectrogram_resnet(
                features, use_bias=use_bias, l2=l2, graph=graph, width=width, dense=dense
            )
        )
    return keras.Model(waveform, _combined(embeddings, combine))


def _combined(embeddings: list[tf.Tensor], combine: str) -> tf.Tensor:
    if len(embeddings) == 1:
        return embeddings[0]
    layer = keras.layers.Concatenate if combine == "concat" else keras.layers.Add
    return layer(dtype="float32")(embeddings)
