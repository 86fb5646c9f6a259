"""The autoencoder of the DCASE baselines since 2020 (Koizumi et al., DCASE 2020)."""

import keras

from asd_tf.arguments import check_counts, check_positive
from asd_tf.models.layers.factory import batch_norm


def window_autoencoder(
    frames: int = 5,
    bands: int = 128,
    *,
    hidden: int = 128,
    depth: int = 4,
    bottleneck: int = 8,
    mean: float = 0.0,
    std: float = 1.0,
) -> keras.Model:
    """Builds the network that reconstructs a window through a bottleneck.

    Dense layers on all values of a window, 640 with the defaults: `depth` hidden layers, the
    bottleneck and `depth` hidden layers, each followed by a batch norm and a ReLU, and a linear
    output layer, as in the organizers' code (y-kawagu/dcase2021_task2_baseline_ae). That code does
    not standardize log-mels, which is the default of `mean` and `std`. With other values log-mels
    are standardized inside, so that a short training does not have to learn their offset. The
    reconstruction, and so the error, is in the units of the log-mels in both cases.

    Args:
        frames: Frames of a window.
        bands: Mel bands.
        hidden: Width of the hidden layers.
        depth: Number of hidden layers before the bottleneck, and after it.
        bottleneck: Width of the bottleneck.
        mean: Mean of the log-mels.
        std: Standard deviation of the log-mels, greater than 0.

    Returns:
        A model from windows [batch, frames, bands] to their reconstruction of that shape, float32.

    Raises:
        ValueError: If an argument is out of range.
    """
    check_counts(frames=frames, bands=bands, hidden=hidden, depth=depth, bottleneck=bottleneck)
    check_positive(std=std)
    windows = keras.Input([frames, bands], name="windows")
    x = keras.layers.Rescaling(1 / std, -mean / std, dtype="float32", name="standardized")(windows)
    x = keras.layers.Flatten()(x)
    for units in (*[hidden] * depth, bottleneck, *[hidden] * depth):
        x = keras.layers.Dense(units)(x)
        x = batch_norm()(x)
        x = keras.layers.ReLU()(x)
    x = keras.layers.Dense(frames * bands, dtype="float32")(x)
    x = keras.layers.Reshape([frames, bands], dtype="float32")(x)
    x = keras.layers.Rescaling(std, mean, dtype="float32", name="reconstruction")(x)
    return keras.Model(windows, x, name="window_autoencoder")
