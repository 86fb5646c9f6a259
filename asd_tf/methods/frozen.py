"""Features of a frozen encoder and statistics of normal clips: nothing is trained.

A pre-trained encoder, or a log-mel spectrogram, describes the frames of a clip; pooling over its
frames gives one vector, which the backend of the recipe compares with those of normal clips.
"""

import logging
from pathlib import Path

import keras
import ml_collections
import pandas as pd

from asd_tf.checkpoints.load import Pretrained, put_weights
from asd_tf.config import usage_errors
from asd_tf.errors import UsageError
from asd_tf.frontends import LogMel, frames_at
from asd_tf.methods.common.checks import check_recipe, samples_of
from asd_tf.methods.common.pretrained import (
    check_length,
    check_rate,
    check_weights,
    read_pretrained,
)
from asd_tf.models.encoders.build import build_encoder
from asd_tf.models.encoders.frames import band_frames, has_layers
from asd_tf.models.layers.frame_pooling import DeviationPooling
from asd_tf.run import networks
from asd_tf.run.fit_detector import fit_detector, scorer_of
from asd_tf.run.run import Run

TRAINS_NOTHING = True

LIMITS = {
    "encoder.layer": (0, 19),
    "pooling.gamma": (0.0, 100.0),
    "pooling.power": (1.0, 100.0),
}
BANDS = ("keep", "mean")

_LAST_LAYER = 19

_logger = logging.getLogger(__name__)


def check(config: ml_collections.ConfigDict, clips: pd.DataFrame) -> None:
    """Checks the recipe; see `asd_tf.methods.registry.Method`."""
    check_recipe(config, {"pooling.bands": BANDS}, LIMITS)
    scorer_of(config, "features")
    if config.encoder.pretrained is None:
        _check_without_encoder(config)
    else:
        check_rate(config)
        check_weights(config)
        check_length(config)
    pretrained = read_pretrained(config)
    if config.encoder.layer < _LAST_LAYER and not (pretrained and has_layers(pretrained.config)):
        features = f"the tokens of {config.encoder.kind}" if pretrained else "log-mels"
        _logger.info("encoder.layer is of speech_embedding: %s are used", features)
    with usage_errors(config):
        network = build_network(config, pretrained, weights=False)
    _check_members(config, network.output.shape[-1])


def fit(run: Run) -> None:
    """Exports the encoder with its pooling, and fits the backends."""
    config = run.config

    def build(stage) -> keras.Model:
        return build_network(config, read_pretrained(config))

    depends_on = ("data", "encoder", "pooling")
    folder: Path = networks.export(run, "extractor", depends_on, build)
    fit_detector(run, {"features": folder}, lambda group: [scorer_of(config, "features")])


def build_network(
    config: ml_collections.ConfigDict, pretrained: Pretrained | None, weights: bool = True
) -> keras.Model:
    """Builds waveform [batch, N] to features [batch, D].

    Args:
        config: The recipe.
        pretrained: Config and weights of the encoder; None for log-mels.
        weights: Whether the weights are put into it.

    Raises:
        ValueError: If the waveform is too short for the encoder.
    """
    samples = samples_of(config)
    if pretrained is None:
        waveform = keras.Input([samples], name="waveform")
        rate, n_mels = config.data.sample_rate, config.encoder.n_mels
        log_mel = LogMel(rate, n_mels, *frames_at(rate, n_mels=n_mels))(waveform)
        frames = keras.layers.Reshape([*log_mel.shape[1:], 1])(log_mel)
    else:
        encoder = build_encoder(pretrained.config, samples)
        if weights:
            put_weights(encoder, pretrained, "--pretrained")
        waveform = encoder.input
        frames = band_frames(encoder, pretrained.config, config.encoder.layer)
    _, times, bands, channels = frames.shape
    if config.pooling.bands == "mean":
        mean = keras.layers.AveragePooling2D((1, bands), dtype="float32", name="mean_over_bands")
        frames, bands = mean(frames), 1
    frames = keras.layers.Reshape([times, bands * channels])(frames)
    pool = DeviationPooling(config.pooling.gamma, config.pooling.power, name="pooled")
    return keras.Model(waveform, pool(frames), name="frozen")


def _check_without_encoder(config: ml_collections.ConfigDict) -> None:
    """Checks that nothing is asked of an encoder where log-mels take its place."""
    for name in ("kind", "sha256"):
        if config.encoder[name] is not None:
            raise UsageError(
                f"encoder.{name}={config.encoder[name]}: there is no encoder with "
                f"--pretrained=none: --set encoder.{name}=none"
            )


def _check_members(config: ml_collections.ConfigDict, width: int) -> None:
    """Checks that the bands of a backend divide the features of a clip."""
    for name, member in config.backend.members.items():
        bands = (member.get("params") or {}).get("bands", 1)
        if bands < 1 or width % bands:
            raise UsageError(
                f"backend.members.{name}.params.bands={bands}: must divide the {width} features of "
                "a clip"
            )
