"""The autoencoder of the DCASE baselines since 2020 (Koizumi et al., DCASE 2020)."""

import keras

from asd_tf.models.layers import batch_norm


def window_autoencoder(
    frames: int = 5,
    bands: int = 128,
    *,
    hidden: int = 128,
    depth: int = 4,
    bottleneck: int = 8,
    mean: float = 0.0,
    sd: float = 1.0,
) -> keras.Model:
    """Builds the network that squeezes a window through a bottleneck and reconstructs it.

    Dense layers on all values of the window at once, 640 with the defaults: `depth` of them, the
    bottleneck, `depth` again, each followed by a batch norm and a ReLU, and a linear one. So it
    stands in the organisers' code (y-kawagu/dcase2021_task2_baseline_ae), whose levels go in as
    they are: the default of `mean` and `sd`. With others, levels are standardised inside, so that a
    short training does not have to learn their offset; what comes out, and so the error, is in the
    units of the log-mels either way.

    Args:
        frames: Frames of a window.
        bands: Mel bands.
        hidden: Width of the dense layers before and after the bottleneck.
        depth: Their number on either side.
        bottleneck: Width of the bottleneck.
        mean: Of the log-mels.
        sd: Standard deviation of the log-mels.

    Returns:
        A model of windows [batch, frames, bands] to their reconstruction, of that shape, float32.
    """
    windows = keras.Input([frames, bands], name="windows")
    x = keras.layers.Rescaling(1 / sd, -mean / sd, dtype="float32", name="standardised")(windows)
    x = keras.layers.Flatten()(x)
    for units in (*[hidden] * depth, bottleneck, *[hidden] * depth):
        x = keras.layers.Dense(units)(x)
        x = batch_norm()(x)
        x = keras.layers.ReLU()(x)
    x = keras.layers.Dense(frames * bands, dtype="float32")(x)
    x = keras.layers.Reshape([frames, bands], dtype="float32")(x)
    x = keras.layers.Rescaling(sd, mean, dtype="float32", name="reconstruction")(x)
    return keras.Model(windows, x, name="window_autoencoder")
