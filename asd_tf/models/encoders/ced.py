"""CED (Dinkel et al., ICASSP 2024): a vision transformer over a log-mel spectrogram."""

import dataclasses

import keras
import tensorflow as tf

from asd_tf.frontends.dynamic_range import DynamicRange
from asd_tf.frontends.mel import LogMel
from asd_tf.models.encoders.blocks import Parts, Transformer, add_step_seed, layer_norm
from asd_tf.models.encoders.config import EncoderConfig
from asd_tf.models.encoders.family import EncoderFamily
from asd_tf.models.encoders.positions import PatchPositions
from asd_tf.models.encoders.segments import JoinSegments, SplitSegments, segment_count

BANDS = 64
EPSILON = 1e-6


@dataclasses.dataclass(frozen=True)
class CedConfig(EncoderConfig):
    """Sizes of a CED encoder; the defaults are those of "base".

    Args:
        patch: Frames and bands in a patch.
        depth: Number of blocks.
        width: Size of a token.
        heads: Number of attention heads.
        ffn: Size of the hidden layer in the feed-forward part.
        frames: Frames of the longest input; longer inputs are cut into segments of this length.
        classes: Classes of the classifier; None for no classifier.
        dropout: Rate after attention, and after and inside the feed-forward part.
        attention_dropout: Rate of the attention weights.
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
        return super().transformer(pre_norm=True, epsilon=EPSILON, activation_dropout=self.dropout)


def ced(
    config: CedConfig, samples: int, parts: Parts | None = None, head: bool = False
) -> keras.Model:
    """Builds a CED encoder.

    Tokens are ordered by frequency: token f x times + t is patch f in frequency and t in time. A
    spectrogram with more than `frames` frames is cut into segments of that length, the last one
    padded with zeros. The tokens of the segments are concatenated, so that the mean over tokens is
    the mean over segments. (The published code averages the probabilities instead.)

    Args:
        config: Its sizes.
        samples: N, at 16 kHz; at least 2,400, which is one patch in time.
        parts: Replacements of its parts.
        head: Whether to add the classifier.

    Returns:
        A model from waveform [batch, N] in -1..1 to tokens [batch, patches, width], or with the
        classifier to the probability of each class [batch, classes]; float32.

    Raises:
        ValueError: If N is too small, or `head` is set and the config has no classifier.
    """
    parts = parts or Parts()
    if head and config.classes is None:
        raise ValueError("head must be False for a CED without a classifier (classes is None)")
    waveform = keras.Input([samples], name="waveform")
    features = keras.layers.BatchNormalization(
        momentum=0.99, epsilon=1e-5, dtype="float32", name="input_norm"
    )(log_mel(waveform))
    features = parts.augment(features)
    times, segments = features.shape[1] // config.patch, 1
    if not times:
        raise ValueError(
            f"frames must be at least {config.patch} (one patch), got {features.shape[1]}: use "
            "longer clips"
        )
    if times > config.frames // config.patch:
        segments = segment_count(features.shape[1], config.frames)
        features = SplitSegments(config.frames, "zeros")(features)
    transformer = config.transformer()
    tokens = _patches(config, features)
    seed = add_step_seed(waveform, parts.seed, *transformer.rates, parts.dense_dropout)
    tokens = layer_norm(EPSILON, "encoder_norm")(transformer(tokens, parts, seed))
    if segments > 1:
        tokens = JoinSegments(segments)(tokens)
    return keras.Model(waveform, _head(config, tokens) if head else tokens, name="ced")


def log_mel(waveform: tf.Tensor) -> tf.Tensor:
    """Adds the frontend: waveform [batch, N] to log-mels [batch, frames, 64] in dB."""
    log_mel_db = LogMel(
        n_mels=BANDS, frame_length=512, frame_step=160, bands="torchaudio", center=True
    )(waveform)
    return DynamicRange(120.0, name="scaled_log_mel")(log_mel_db)


def _patches(config: CedConfig, features: tf.Tensor) -> tf.Tensor:
    """Adds patches and their positions: features [batch, frames, 64] to tokens."""
    image = keras.layers.Permute([2, 1])(features)
    image = keras.layers.Reshape([*image.shape[1:], 1])(image)
    patches = keras.layers.Conv2D(config.width, config.patch, config.patch, name="patch_embedding")(
        image
    )
    positions = PatchPositions(config.frames // config.patch, name="positions")
    tokens = positions(patches)
    return keras.layers.Reshape([tokens.shape[1] * tokens.shape[2], config.width])(tokens)


def _head(config: CedConfig, tokens: tf.Tensor) -> tf.Tensor:
    """Adds the classifier of the mean token."""
    mean = keras.layers.GlobalAveragePooling1D(dtype="float32")(tokens)
    # The classifier's norm has PyTorch's default, not the encoder's.
    mean = layer_norm(1e-5, "classifier_norm")(mean)
    return keras.layers.Dense(
        config.classes, activation="sigmoid", dtype="float32", name="classifier"
    )(mean)


CED = EncoderFamily(
    kind="ced",
    config=CedConfig,
    build=ced,
    sizes={
        "tiny": CedConfig(width=192, heads=3, ffn=768),
        "mini": CedConfig(width=256, heads=4, ffn=1024),
        "small": CedConfig(width=384, heads=6, ffn=1536),
        "base": CedConfig(),
    },
    published="mispeech/ced-base on huggingface.co, or the .pt of github.com/RicherMans/CED",
)
