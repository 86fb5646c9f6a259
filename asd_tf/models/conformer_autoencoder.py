"""The Conformer autoencoder with section ID regression (Kuroyanagi et al., DCASE 2021)."""

import itertools

import keras
import tensorflow as tf

from asd_tf.models.conformer import conformer_block


@keras.saving.register_keras_serializable(package="asd_tf")
class WithGroup(keras.layers.Layer):
    """Adds the section of a clip to each of its frames, as one further band.

    Called with a list of features [batch, frames, bands] and the number of each clip's section
    [batch], integers from 0 to groups - 1; gives [batch, frames, bands + 1]. The paper has the
    integer itself (Section 2.1). Here numbers become values evenly spaced around 0 with variance 1,
    so that a wrong section weighs as much as a wrong level of a standardised band, however many
    there are. Computed in float32 under every precision policy.

    Args:
        groups: Number of sections; one alone has the value 0.

    Raises:
        ValueError: If there is none.
    """

    def __init__(self, groups: int, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        if groups < 1:
            raise ValueError(f"{groups} sections are none: use one or more")
        self.groups = groups

    def call(self, inputs):
        """Concatenates."""
        features, group = inputs
        # The variance of the whole numbers 0 to n - 1 is (n^2 - 1) / 12.
        sd = ((self.groups**2 - 1) / 12) ** 0.5 or 1.0
        value = (tf.cast(group, tf.float32) - (self.groups - 1) / 2) / sd
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
    """Builds the network that reconstructs a clip and its section from what is left of the clip.

    Levels are standardised before. What is hidden from the network is decided outside of it: `keep`
    is multiplied to the levels, 0 where a value is masked or dropped; see
    `asd_tf.augmentation.feature_masks`. The section is never hidden (Fig. 1). The targets are
    `WithGroup` of the whole levels.

    The paper tunes all sizes for each machine and gives none. Width, heads, kernel and dropout are
    by default those of the small Conformer of Gulati et al. (2020, Table 1; kernel 32 there).

    Args:
        frames: Frames of a clip.
        bands: Mel bands.
        groups: Number of sections of the machine.
        blocks: Conformer blocks.
        width: Of the blocks.
        heads: Of the attention; divides the width.
        expansion: Of the width within a block's dense parts.
        kernel: Frames of a block's convolution.
        bottleneck: Values of a frame between the first half of the blocks (the larger one) and the
            second; None for no bottleneck.
        dropout: Rate within the blocks.
        seed: Of the dropouts.

    Returns:
        A model of (levels [batch, frames, bands], group [batch] int32, keep [batch, frames,
        bands]) to the reconstruction [batch, frames, bands + 1], float32.
    """
    levels = keras.Input([frames, bands], name="levels")
    group = keras.Input([], dtype=tf.int32, name="group")
    keep = keras.Input([frames, bands], name="keep")
    seeds = itertools.count(1000 * seed)
    block = {"heads": heads, "expansion": expansion, "kernel": kernel, "dropout": dropout}
    x = keras.layers.Multiply(dtype="float32", name="kept")([levels, keep])
    x = keras.layers.Dense(width)(WithGroup(groups, name="with_group")([x, group]))
    first = -(-blocks // 2)
    for _ in range(first):
        x = conformer_block(x, seeds, **block)
    if bottleneck is not None:
        x = keras.layers.Dense(bottleneck, name="bottleneck")(x)
        x = keras.layers.Dense(width)(x)
    for _ in range(blocks - first):
        x = conformer_block(x, seeds, **block)
    reconstruction = keras.layers.Dense(bands + 1, dtype="float32", name="reconstruction")(x)
    return keras.Model([levels, group, keep], reconstruction, name="conformer_autoencoder")
