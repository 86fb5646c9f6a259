"""STgram-MFN, log-mels and a learned spectrogram in one image (Liu et al., ICASSP 2022).

"Anomalous sound detection using spectral-temporal information fusion".
"""

import keras
import tensorflow as tf

from asd_tf.arguments import check_counts
from asd_tf.models.mobile_face_net import mobile_face_net

FRAME_LENGTH = 1024
FRAME_STEP = 512
LAYERS = 3
LEAK = 0.2

# PyTorch's default for convolutions: uniform within +-1 / sqrt(fan_in).
_UNIFORM = {"scale": 1 / 3, "mode": "fan_in", "distribution": "uniform"}


def stgram_mfn(
    sgram: tf.Tensor, waveform: tf.Tensor, *, width: int = 64, embedding: int = 128
) -> tf.Tensor:
    """Adds the network to a log-mel spectrogram ("Sgram") and its waveform.

    The Sgram and a learned counterpart of it ("Tgram") are the two channels of an image, the input
    of MobileFaceNet. The published Sgram is `LogMel(bands="torchaudio", center=True)`.

    Args:
        sgram: Keras tensor [batch, frames, bands], 313 x 128 for 10 s at 16 kHz.
        waveform: Keras tensor [batch, N], frames = 1 + N // 512.
        width: Filters of MobileFaceNet's first convolution; 64 as published.
        embedding: Size of the embedding.

    Returns:
        Keras tensor: the embedding [batch, embedding], float32.

    Raises:
        ValueError: If the number of frames does not fit the waveform, or a size is not a positive
            integer.
    """
    frames, bands = sgram.shape[1:]
    if frames != 1 + waveform.shape[1] // FRAME_STEP:
        raise ValueError(
            f"frames of the spectrogram must be {1 + waveform.shape[1] // FRAME_STEP} for "
            f"{waveform.shape[1]} samples, got {frames}: use centered frames of {FRAME_LENGTH} "
            f"samples every {FRAME_STEP}"
        )
    temporal = tgram(waveform, bands)
    channels = [keras.layers.Reshape([frames, bands, 1])(x) for x in (sgram, temporal)]
    image = keras.layers.Concatenate(name="sgram_and_tgram")(channels)
    return mobile_face_net(image, width=width, embedding=embedding)


def tgram(waveform: tf.Tensor, bands: int) -> tf.Tensor:
    """Adds the temporal feature to waveforms.

    A convolution with filters of 1024 samples every 512, with half a filter of zeros at both ends;
    then three times a layer norm over time, with a factor and an offset per frame (not per band), a
    leaky ReLU and a convolution over three frames.

    Args:
        waveform: Keras tensor [batch, N].
        bands: Number of filters.

    Returns:
        Keras tensor [batch, 1 + N // 512, bands].

    Raises:
        ValueError: If `bands` is not a positive integer.
    """
    check_counts(bands=bands)
    samples = waveform.shape[1]
    frames = 1 + samples // FRAME_STEP
    x = keras.layers.Reshape([samples, 1], dtype="float32")(waveform)
    # The waveform is cut into blocks of one step whose samples become channels. A filter of two
    # steps then covers two blocks: the same function, computed as a large matrix product.
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
