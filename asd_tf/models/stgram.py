"""STgram-MFN, spectrum and waveform in one image (Liu et al., ICASSP 2022).

"Anomalous sound detection using spectral-temporal information fusion".
"""

import keras
import tensorflow as tf

from asd_tf.models.mobile_face_net import mobile_face_net

FRAME_LENGTH = 1024
FRAME_STEP = 512
LAYERS = 3
LEAK = 0.2

# PyTorch's default for convolutions: uniform within 1 / sqrt(inputs of a unit).
_UNIFORM = {"scale": 1 / 3, "mode": "fan_in", "distribution": "uniform"}


def stgram_mfn(
    sgram: tf.Tensor, waveform: tf.Tensor, *, width: int = 64, embedding: int = 128
) -> tf.Tensor:
    """Adds the network to a log-mel spectrogram ("Sgram") and the waveform it was made of.

    A learned counterpart of the spectrogram ("Tgram") is the second channel of an image, of which
    MobileFaceNet makes the embedding. The published Sgram is `LogMel(bands="torchaudio",
    center=True)`.

    Args:
        sgram: Keras tensor [batch, frames, bands], 313 x 128 for 10 s at 16 kHz.
        waveform: Keras tensor [batch, N], frames = 1 + N // 512.
        width: Filters of MobileFaceNet's first convolution; of the published network, 64.
        embedding: Size of the embedding.

    Returns:
        Keras tensor: the embedding [batch, embedding], float32.

    Raises:
        ValueError: If the spectrogram has not the frames of the waveform.
    """
    frames, bands = sgram.shape[1:]
    if frames != 1 + waveform.shape[1] // FRAME_STEP:
        raise ValueError(
            f"{frames} frames are not those of {waveform.shape[1]} samples: use frames of "
            f"{FRAME_LENGTH} samples every {FRAME_STEP}, centred"
        )
    temporal = tgram(waveform, bands)
    channels = [keras.layers.Reshape([frames, bands, 1])(x) for x in (sgram, temporal)]
    image = keras.layers.Concatenate(name="sgram_and_tgram")(channels)
    return mobile_face_net(image, width=width, embedding=embedding)


def tgram(waveform: tf.Tensor, bands: int) -> tf.Tensor:
    """Adds the temporal feature to waveforms.

    A convolution with filters of 1024 samples every 512, half a filter of zeros at either end; then
    three times a norm over time, whose factors and offsets belong to the frames (not the bands), a
    leaky ReLU and a convolution over three frames.

    Args:
        waveform: Keras tensor [batch, N].
        bands: Number of filters.

    Returns:
        Keras tensor [batch, 1 + N // 512, bands].
    """
    samples = waveform.shape[1]
    frames = 1 + samples // FRAME_STEP
    x = keras.layers.Reshape([samples, 1], dtype="float32")(waveform)
    # In blocks of one step, whose samples become channels, filters of two steps are of two blocks:
    # the same function, as a large matrix product.
    padding = (FRAME_STEP, FRAME_STEP * frames - samples)
    x = keras.layers.ZeroPadding1D(padding, dtype="float32")(x)
    x = keras.layers.Reshape([frames + 1, FRAME_STEP], dtype="float32")(x)
    x = _convolution(bands, FRAME_LENGTH // FRAME_STEP, "valid", dtype="float32", name="tgram")(x)
    for index in range(LAYERS):
        x = keras.layers.LayerNormalization(axis=1, epsilon=1e-5, dtype="float32")(x)
        x = keras.layers.LeakyReLU(LEAK)(x)
        x = _convolution(bands, 3, "same", name=f"tgram_{index + 1}")(x)
    return x


def _convolution(filters: int, size: int, padding: str, **kwargs) -> keras.layers.Layer:
    return keras.layers.Conv1D(
        filters,
        size,
        padding=padding,
        use_bias=False,
        kernel_initializer=keras.initializers.VarianceScaling(**_UNIFORM),
        **kwargs,
    )
