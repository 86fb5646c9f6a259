"""The Conformer autoencoder with section ID regression (Kuroyanagi et al., DCASE 2021)."""

import itertools

import keras
import tensorflow as tf

from asd_tf.arguments import check_counts
from asd_tf.models.conformer import conformer_block


@keras.saving.register_keras_serializable(package="asd_tf")
class AppendSectionId(keras.layers.Layer):
    """Appends the section of a clip to each of its frames, as one more band.

    Called with a list of features [batch, frames, bands] and section numbers [batch], integers in
    0..groups - 1; returns [batch, frames, bands + 1]. The paper appends the integer itself (Section
    2.1). Here the numbers are mapped to evenly spaced values with mean 0 and variance 1, so that
    the error of a wrong section has the scale of the error of a standardized band for any number
    of sections. Computed in float32 under every precision policy.

    Args:
        groups: Number of sections; a single section has the value 0.

    Raises:
        ValueError: If it is not a positive integer.
    """

    def __init__(self, groups: int, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_counts(groups=groups)
        self.groups = groups

    def call(self, inputs):
        """Appends the band."""
        features, group = inputs
        # The variance of the integers 0 to n - 1 is (n^2 - 1) / 12.
        std = ((self.groups**2 - 1) / 12) ** 0.5 or 1.0
        value = (tf.cast(group, tf.float32) - (self.groups - 1) / 2) / std
        value = tf.reshape(value, [-1, 1, 1]) * tf.ones_like(features[..., :1])
        return tf.concat([features, value], axis=-1)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "groups": self.groups}


def conformer_autoencoder(
    frames: int,
    bands: int,
    groups: int,
    *,
    blocks: int = 4,
    width: int = 144,
    heads: int = 4,
    expansion: int = 4,
    kernel: int = 31,
    bottleneck: int | None = None,
    dropout: float = 0.1,
    seed: int = 0,
) -> keras.Model:
    """Builds the network that reconstructs a clip and its section from a masked clip.

    Log-mels are standardized before the network. Masks are an input: log-mels are multiplied by
    `keep`, which is 0 where a value is masked or dropped; see `asd_tf.augmentation.feature_masks`.
    The section is never masked (Fig. 1). The training targets are `AppendSectionId` of the log-mels
    without masks.

    The paper tunes all sizes per machine and does not state them. The defaults of width, heads,
    kernel and dropout are those of the small Conformer of Gulati et al. (2020, Table 1), whose
    kernel is 32.

    Args:
        frames: Frames of a clip.
        bands: Mel bands.
        groups: Number of sections of the machine.
        blocks: Number of Conformer blocks.
        width: Width of the blocks.
        heads: Heads of the attention; a divisor of the width.
        expansion: Width of the hidden layers in the feed-forward parts, as a multiple of `width`.
        kernel: Frames of a block's convolution kernel.
        bottleneck: Width of a bottleneck after the first half of the blocks, rounded up; None for
            no bottleneck.
        dropout: Rate inside the blocks, in [0, 1).
        seed: Seed of the dropouts.

    Returns:
        A model from (log_mel [batch, frames, bands], group [batch] int32, keep [batch, frames,
        bands]) to the reconstruction [batch, frames, bands + 1], float32.

    Raises:
        ValueError: If an argument is out of range.
    """
    check_counts(frames=frames, bands=bands, blocks=blocks, width=width)
    if bottleneck is not None:
        check_counts(bottleneck=bottleneck)
    log_mel = keras.Input([frames, bands], name="log_mel")
    group = keras.Input([], dtype=tf.int32, name="group")
    keep = keras.Input([frames, bands], name="keep")
    seeds = itertools.count(1000 * seed)
    block = {"heads": heads, "expansion": expansion, "kernel": kernel, "dropout": dropout}
    x = keras.layers.Multiply(dtype="float32", name="kept")([log_mel, keep])
    x = keras.layers.Dense(width)(AppendSectionId(groups, name="append_section_id")([x, group]))
    first = -(-blocks // 2)
    for _ in range(first):
        x = conformer_block(x, seeds, **block)
    if bottleneck is not None:
        x = keras.layers.Dense(bottleneck, name="bottleneck")(x)
        x = keras.layers.Dense(width)(x)
    for _ in range(blocks - first):
        x = conformer_block(x, seeds, **block)
    reconstruction = keras.layers.Dense(bands + 1, dtype="float32", name="reconstruction")(x)
    return keras.Model([log_mel, group, keep], reconstruction, name="conformer_autoencoder")
