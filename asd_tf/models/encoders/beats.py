"""BEATs (Chen et al., ICML 2023): a transformer over patches of a filter bank."""

import dataclasses

import keras
import tensorflow as tf

from asd_tf.arguments import check_positive
from asd_tf.frontends.kaldi_fbank import KaldiFbank
from asd_tf.models.encoders.attention import RelativePositionBias
from asd_tf.models.encoders.blocks import (
    Parts,
    Transformer,
    add_step_seed,
    dropout,
    layer_norm,
)
from asd_tf.models.encoders.config import EncoderConfig
from asd_tf.models.encoders.family import EncoderFamily
from asd_tf.models.encoders.positions import ConvPositions

BANDS = 128
# Mean and standard deviation of the filter bank, as published for BEATs. Features are divided by
# twice the deviation.
MEAN, DEVIATION = 15.41663, 6.55582


@dataclasses.dataclass(frozen=True)
class BeatsConfig(EncoderConfig):
    """Sizes of a BEATs encoder; the defaults are those of all published checkpoints.

    Args:
        patch: Frames and bands in a patch.
        embed: Size of an embedded patch.
        depth: Number of blocks.
        width: Size of a token.
        ffn: Size of the hidden layer in the feed-forward part.
        heads: Number of attention heads.
        conv_positions: Taps of the position convolution.
        conv_groups: Groups of the position convolution.
        buckets: Rows of the table of relative positions.
        max_distance: Distance from which on all distances share a bucket.
        deep_norm: Whether shortcuts and initial weights are scaled as in DeepNet.
        classes: Classes of the predictor of a fine-tuned checkpoint; None for no predictor.
        input_dropout: Rate of the projected patches.
        dropout: Rate after attention and after the feed-forward part.
        attention_dropout: Rate of the attention weights.
        activation_dropout: Rate inside the feed-forward part.
        layer_drop: Probability that a block is skipped in a training step.
        mean: Mean of the filter bank, which is subtracted; checkpoints of OpenBEATs have their own.
        deviation: Its standard deviation, above 0; features are divided by twice of it.
    """

    patch: int = 16
    embed: int = 512
    depth: int = 12
    width: int = 768
    ffn: int = 3072
    heads: int = 12
    conv_positions: int = 128
    conv_groups: int = 16
    buckets: int = 320
    max_distance: int = 800
    deep_norm: bool = True
    classes: int | None = None
    input_dropout: float = 0.0
    dropout: float = 0.0
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    layer_drop: float = 0.0
    mean: float = dataclasses.field(default=MEAN, metadata={"rate": False})
    deviation: float = dataclasses.field(default=DEVIATION, metadata={"rate": False})

    def __post_init__(self):
        super().__post_init__()
        check_positive(deviation=self.deviation)

    def transformer(self) -> Transformer:
        """Returns the stack of blocks."""
        return super().transformer(
            pre_norm=False,
            alpha=(2 * self.depth) ** 0.25 if self.deep_norm else 1.0,
            beta=(8 * self.depth) ** -0.25 if self.deep_norm else 1.0,
        )


def beats(
    config: BeatsConfig, samples: int, parts: Parts | None = None, head: bool = False
) -> keras.Model:
    """Builds a BEATs encoder.

    Tokens are ordered by time: token t x 8 + f is patch t in time and f in frequency. Samples and
    frames at the end that do not fill a patch are ignored.

    Args:
        config: Its sizes.
        samples: N, at 16 kHz; at least 2,800, which is one patch in time.
        parts: Replacements of its parts.
        head: Whether to add the predictor.

    Returns:
        A model from waveform [batch, N] in -1..1 to tokens [batch, patches, width], or with the
        predictor to the probability of each class [batch, classes]; float32.

    Raises:
        ValueError: If N is too small, or `head` is set and the config has no predictor.
    """
    parts = parts or Parts()
    if head and config.classes is None:
        raise ValueError("head must be False for a BEATs without a predictor (classes is None)")
    waveform = keras.Input([samples], name="waveform")
    transformer = config.transformer()
    seed = add_step_seed(
        waveform, parts.seed, config.input_dropout, *transformer.rates, parts.dense_dropout
    )
    tokens = _patches(config, parts.augment(filter_bank(config, waveform)))
    tokens = dropout(tokens, config.input_dropout, seed, "input_dropout")
    positions = ConvPositions(config.conv_positions, config.conv_groups, name="conv_positions")
    tokens = layer_norm(1e-5, "encoder_norm")(
        keras.layers.Add(dtype="float32")([tokens, positions(tokens)])
    )
    tokens = dropout(tokens, config.dropout, seed, "encoder_dropout")
    bias = RelativePositionBias(
        config.heads, config.buckets, config.max_distance, name="relative_bias"
    )
    tokens = transformer(tokens, parts, seed, bias(tokens))
    if head:
        tokens = keras.layers.Dense(config.classes, dtype="float32", name="predictor")(tokens)
        tokens = keras.layers.GlobalAveragePooling1D(dtype="float32")(tokens)
        tokens = keras.layers.Activation("sigmoid", dtype="float32")(tokens)
    return keras.Model(waveform, tokens, name="beats")


def filter_bank(config: BeatsConfig, waveform: tf.Tensor) -> tf.Tensor:
    """Adds the frontend: waveform [batch, N] to the scaled filter bank [batch, frames, 128]."""
    scale = 1 / (2 * config.deviation)
    features = KaldiFbank(BANDS)(waveform)
    return keras.layers.Rescaling(scale, -config.mean * scale, dtype="float32", name="filter_bank")(
        features
    )


def _patches(config: BeatsConfig, features: tf.Tensor) -> tf.Tensor:
    """Adds the embedding of patches: features [batch, frames, 128] to tokens."""
    times, bands = features.shape[1] // config.patch, BANDS // config.patch
    if not times:
        raise ValueError(
            f"frames must be at least {config.patch} (one patch), got {features.shape[1]}: use "
            "longer clips"
        )
    image = keras.layers.Reshape([*features.shape[1:], 1])(features)
    embed = keras.layers.Conv2D(
        config.embed, config.patch, config.patch, use_bias=False, name="patch_embedding"
    )
    patches = keras.layers.Reshape([times * bands, config.embed])(embed(image))
    tokens = layer_norm(1e-5, "patch_norm")(patches)
    if config.embed == config.width:
        return tokens
    return keras.layers.Dense(config.width, name="patch_projection")(tokens)


BEATS = EncoderFamily(
    kind="beats",
    config=BeatsConfig,
    build=beats,
    sizes={
        # For quick runs.
        "tiny": BeatsConfig(
            embed=64, depth=2, width=96, ffn=192, heads=4, conv_positions=32, conv_groups=4
        ),
        "base": BeatsConfig(),
    },
    bands=BANDS // BeatsConfig.patch,
    published="BEATs_iter3_plus_AS2M.pt, linked from github.com/microsoft/unilm/tree/master/beats",
)
