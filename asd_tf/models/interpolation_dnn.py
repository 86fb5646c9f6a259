"""The interpolation DNN (IDNN) of Suefusa et al., ICASSP 2020."""

from collections.abc import Sequence

import keras

from asd_tf.arguments import check_counts, check_positive


def interpolation_dnn(
    frames: int = 5,
    bands: int = 128,
    *,
    widths: Sequence[int] = (64, 32, 16, 32, 64),
    mean: float = 0.0,
    std: float = 1.0,
) -> keras.Model:
    """Builds the network that predicts the middle frame of a window from the frames around it.

    Hidden dense layers with ReLUs and a linear output layer, without norms. The authors published
    no code; the widths, 64-32-16-32-64, are those of public reimplementations such as
    JohEder/bachelor_thesis_audio_ml.

    Args:
        frames: Frames of a window, including the one to be predicted: odd, at least 3.
        bands: Mel bands.
        widths: Widths of the hidden layers.
        mean: Mean of the log-mels, which are standardized inside, as in `window_autoencoder`.
        std: Standard deviation of the log-mels, greater than 0.

    Returns:
        A model from windows [batch, frames, bands] to the prediction [batch, bands] of their middle
        frame, float32. The middle frame of the input is not used.

    Raises:
        ValueError: If an argument is out of range.
    """
    if frames < 3 or frames % 2 == 0:
        raise ValueError(f"frames must be odd and at least 3, got {frames}")
    check_counts(bands=bands, **{f"widths[{i}]": units for i, units in enumerate(widths)})
    check_positive(std=std)
    middle = frames // 2
    windows = keras.Input([frames, bands], name="windows")
    x = keras.layers.Rescaling(1 / std, -mean / std, dtype="float32", name="standardized")(windows)
    before = keras.layers.Cropping1D((0, frames - middle), name="before")(x)
    after = keras.layers.Cropping1D((middle + 1, 0), name="after")(x)
    x = keras.layers.Concatenate(axis=1, name="around")([before, after])
    x = keras.layers.Flatten()(x)
    for units in widths:
        x = keras.layers.Dense(units, activation="relu")(x)
    x = keras.layers.Dense(bands, dtype="float32")(x)
    x = keras.layers.Rescaling(std, mean, dtype="float32", name="prediction")(x)
    return keras.Model(windows, x, name="interpolation_dnn")
