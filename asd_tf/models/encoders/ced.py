"""CED (Dinkel et al., ICASSP 2024): a vision transformer over a log-mel spectrogram."""

import dataclasses

import keras
import tensorflow as tf

from asd_tf.errors import UsageError
from asd_tf.frontends.mel import LogMel
from asd_tf.models.encoders.blocks import Parts, Transformer, layer_norm, step_seed
from asd_tf.models.encoders.positions import PatchPositions
from asd_tf.models.encoders.segments import JoinSegments, SplitSegments, segment_count
from asd_tf.models.encoders.sizes import Sizes

BANDS = 64
EPSILON = 1e-6


@dataclasses.dataclass(frozen=True)
class CedConfig(Sizes):
    """Sizes of a CED encoder; the defaults are those of "base".

    Args:
        patch: Frames and bands in a patch.
        depth: Number of blocks.
        width: Size of a token.
        heads: Number of attention heads.
        ffn: Size inside the feed-forward part.
        frames: Longest input; longer ones are cut into pieces of this length.
        classes: Of the classifier; None if there is none.
        dropout: Behind attention and feed-forward part, and inside the latter.
        attention_dropout: Of attention weights.
    """

    patch: int = 16
    depth: int = 12
    width: int = 768
    heads: int = 12
    ffn: int = 3072
    frames: int = 1012
    classes: int | None = 527
    dropout: float = 0.0
    attention_dropout: float = 0.0

    def transformer(self) -> Transformer:
        """Returns the stack of blocks."""
        return Transformer(
            self.depth,
            self.width,
            self.heads,
            self.ffn,
            pre_norm=True,
            epsilon=EPSILON,
            dropout=self.dropout,
            attention_dropout=self.attention_dropout,
            activation_dropout=self.dropout,
        )


def ced(
    config: CedConfig, samples: int, parts: Parts | None = None, head: bool = False
) -> keras.Model:
    """Makes a CED encoder.

    Tokens are in the order of frequency: token f x times + t is patch f in frequency, t in time. A
    spectrogram with more than `frames` frames is cut into pieces of that length, of which the last
    is filled with zeros; their tokens stand one after another, so that the mean over tokens is the
    mean over pieces. (The published code averages the probabilities instead.)

    Args:
        config: Its sizes.
        samples: N, at 16 kHz; at least 2,400, which is one patch in time.
        parts: What stands in for its parts.
        head: Whether the classifier is added.

    Returns:
        A model from waveform [batch, N] in -1..1 to tokens [batch, patches, width], or with the
        classifier to the probability of each class [batch, classes]; float32.

    Raises:
        UsageError: If N is shorter, or there is no classifier.
    """
    parts = parts or Parts()
    if head and config.classes is None:
        raise UsageError("this CED has no classifier: use head=False")
    waveform = keras.Input([samples], name="waveform")
    features = keras.layers.BatchNormalization(
        momentum=0.99, epsilon=1e-5, dtype="float32", name="input_norm"
    )(log_mel(waveform))
    features = parts.augment(features)
    times, pieces = features.shape[1] // config.patch, 1
    if not times:
        raise UsageError(
            f"clips of {features.shape[1]} frames are shorter than one patch of {config.patch}: "
            "use longer ones"
        )
    if times > config.frames // config.patch:
        pieces = segment_count(features.shape[1], config.frames)
        features = SplitSegments(config.frames, "zeros")(features)
    transformer = config.transformer()
    tokens = _patches(config, features)
    seed = step_seed(waveform, parts.seed, *transformer.rates, parts.dense_dropout)
    tokens = layer_norm(EPSILON, "encoder_norm")(transformer(tokens, parts, seed))
    if pieces > 1:
        tokens = JoinSegments(pieces)(tokens)
    return keras.Model(waveform, _head(config, tokens) if head else tokens, name="ced")


def log_mel(waveform: tf.Tensor) -> tf.Tensor:
    """Adds the frontend: waveform [batch, N] to levels [batch, frames, 64] in dB."""
    levels = LogMel(
        n_mels=BANDS, frame_length=512, frame_step=160, bands="torchaudio", center=True
    )(waveform)
    return DynamicRange(120.0, name="scaled_log_mel")(levels)


@keras.saving.register_keras_serializable(package="asd_tf")
class DynamicRange(keras.layers.Layer):
    """Raises levels [batch, frames, bands] in dB to at least the clip's loudest minus a range.

    torchaudio takes the loudest of the whole batch where that has no channels; here a clip's score
    must not depend on its neighbours.

    Args:
        decibels: The range.
    """

    def __init__(self, decibels: float, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.decibels = decibels

    def call(self, levels):
        """Raises."""
        loudest = tf.reduce_max(levels, axis=[1, 2], keepdims=True)
        return tf.maximum(levels, loudest - self.decibels)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "decibels": self.decibels}


def _patches(config: CedConfig, features: tf.Tensor) -> tf.Tensor:
    """Adds patches and their positions: features [batch, frames, 64] to tokens."""
    image = keras.layers.Permute([2, 1])(features)
    image = keras.layers.Reshape([*image.shape[1:], 1])(image)
    patches = keras.layers.Conv2D(config.width, config.patch, config.patch, name="patch_embedding")(
        image
    )
    places = PatchPositions(config.frames // config.patch, name="positions")
    tokens = places(patches)
    return keras.layers.Reshape([tokens.shape[1] * tokens.shape[2], config.width])(tokens)


def _head(config: CedConfig, tokens: tf.Tensor) -> tf.Tensor:
    """Adds the classifier of the mean token."""
    mean = keras.layers.GlobalAveragePooling1D(dtype="float32")(tokens)
    # The classifier's norm has PyTorch's default, not the encoder's.
    mean = layer_norm(1e-5, "classifier_norm")(mean)
    return keras.layers.Dense(
        config.classes, activation="sigmoid", dtype="float32", name="classifier"
    )(mean)
