"""BEATs (Chen et al., ICML 2023): a transformer over patches of a filter bank."""

import dataclasses

import keras
import tensorflow as tf

from asd_tf.errors import UsageError
from asd_tf.frontends.kaldi_fbank import KaldiFbank
from asd_tf.models.encoders.attention import RelativePositionBias
from asd_tf.models.encoders.blocks import Parts, Transformer, dropout, layer_norm, step_seed
from asd_tf.models.encoders.positions import ConvPositions
from asd_tf.models.encoders.sizes import Sizes

BANDS = 128
# Mean and deviation of the filter bank, as published; what is subtracted is divided by twice this.
MEAN, DEVIATION = 15.41663, 6.55582


@dataclasses.dataclass(frozen=True)
class BeatsConfig(Sizes):
    """Sizes of a BEATs encoder; the defaults are those of all published ones.

    Args:
        patch: Frames and bands in a patch.
        embed: Size of an embedded patch.
        depth: Number of blocks.
        width: Size of a token.
        ffn: Size inside the feed-forward part.
        heads: Number of attention heads.
        conv_positions: Taps of the position convolution.
        conv_groups: Groups of the position convolution.
        buckets: Rows of the table of relative positions.
        max_distance: Distance from which all share a bucket.
        deep_norm: Whether shortcuts and initial weights are scaled as in DeepNet.
        classes: Of the predictor of a fine-tuned checkpoint; None if there is none.
        input_dropout: Of the projected patches.
        dropout: Behind attention and feed-forward part.
        attention_dropout: Of attention weights.
        activation_dropout: Inside the feed-forward part.
        layer_drop: Probability that a block is left out of a training step.
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

    def transformer(self) -> Transformer:
        """Returns the stack of blocks."""
        return Transformer(
            self.depth,
            self.width,
            self.heads,
            self.ffn,
            pre_norm=False,
            alpha=(2 * self.depth) ** 0.25 if self.deep_norm else 1.0,
            beta=(8 * self.depth) ** -0.25 if self.deep_norm else 1.0,
            dropout=self.dropout,
            attention_dropout=self.attention_dropout,
            activation_dropout=self.activation_dropout,
            layer_drop=self.layer_drop,
        )


def beats(
    config: BeatsConfig, samples: int, parts: Parts | None = None, head: bool = False
) -> keras.Model:
    """Makes a BEATs encoder.

    Tokens are in the order of time: token t x 8 + f is patch t in time, f in frequency. Frames and
    samples that do not fill a patch are left out.

    Args:
        config: Its sizes.
        samples: N, at 16 kHz; at least 2,800, which is one patch in time.
        parts: What stands in for its parts.
        head: Whether the predictor is added.

    Returns:
        A model from waveform [batch, N] in -1..1 to tokens [batch, patches, width], or with the
        predictor to the probability of each class [batch, classes]; float32.

    Raises:
        UsageError: If N is shorter, or there is no predictor.
    """
    parts = parts or Parts()
    if head and config.classes is None:
        raise UsageError("this BEATs has no predictor: use head=False")
    waveform = keras.Input([samples], name="waveform")
    transformer = config.transformer()
    seed = step_seed(
        waveform, parts.seed, config.input_dropout, *transformer.rates, parts.dense_dropout
    )
    tokens = _patches(config, parts.augment(filter_bank(waveform)))
    tokens = dropout(tokens, config.input_dropout, seed, "input_dropout")
    place = ConvPositions(config.conv_positions, config.conv_groups, name="conv_positions")
    tokens = layer_norm(1e-5, "encoder_norm")(
        keras.layers.Add(dtype="float32")([tokens, place(tokens)])
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


def filter_bank(waveform: tf.Tensor) -> tf.Tensor:
    """Adds the frontend: waveform [batch, N] to the scaled filter bank [batch, frames, 128]."""
    scale = 1 / (2 * DEVIATION)
    features = KaldiFbank(BANDS)(waveform)
    return keras.layers.Rescaling(scale, -MEAN * scale, dtype="float32", name="filter_bank")(
        features
    )


def _patches(config: BeatsConfig, features: tf.Tensor) -> tf.Tensor:
    """Adds the embedding of patches: features [batch, frames, 128] to tokens."""
    times, bands = features.shape[1] // config.patch, BANDS // config.patch
    if not times:
        raise UsageError(
            f"clips of {features.shape[1]} frames are shorter than one patch of {config.patch}: "
            "use longer ones"
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
