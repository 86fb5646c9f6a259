"""The interpolation DNN (IDNN) of Suefusa et al., ICASSP 2020."""

from collections.abc import Sequence

import keras


def interpolation_dnn(
    frames: int = 5,
    bands: int = 128,
    *,
    widths: Sequence[int] = (64, 32, 16, 32, 64),
    mean: float = 0.0,
    sd: float = 1.0,
) -> keras.Model:
    """Builds the network that predicts the middle frame of a window from the frames around it.

    Dense layers with ReLUs and a linear one, without norms. The authors published no code; the
    widths, 64-32-16-32-64, are those of public reimplementations, such as
    JohEder/bachelor_thesis_audio_ml.

    Args:
        frames: Frames of a window, the one to be predicted among them: odd, at least 3.
        bands: Mel bands.
        widths: Of the hidden layers.
        mean: Of the log-mels, which are standardised inside, as in `window_autoencoder`.
        sd: Standard deviation of the log-mels.

    Returns:
        A model of windows [batch, frames, bands] to the prediction [batch, bands] of their middle
        frame, float32. What the middle frame of its input holds makes no difference.

    Raises:
        ValueError: If there is no middle frame, or none around it.
    """
    if frames < 3 or frames % 2 == 0:
        raise ValueError(f"windows of {frames} frames have no middle one: use 3, 5, 7 or more")
    middle = frames // 2
    windows = keras.Input([frames, bands], name="windows")
    x = keras.layers.Rescaling(1 / sd, -mean / sd, dtype="float32", name="standardised")(windows)
    before = keras.layers.Cropping1D((0, frames - middle), name="before")(x)
    after = keras.layers.Cropping1D((middle + 1, 0), name="after")(x)
    x = keras.layers.Concatenate(axis=1, name="around")([before, after])
    x = keras.layers.Flatten()(x)
    for units in widths:
        x = keras.layers.Dense(units, activation="relu")(x)
    x = keras.layers.Dense(bands, dtype="float32")(x)
    x = keras.layers.Rescaling(sd, mean, dtype="float32", name="prediction")(x)
    return keras.Model(windows, x, name="interpolation_dnn")
