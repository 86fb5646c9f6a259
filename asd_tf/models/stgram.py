"""STgram-MFN, log-mels and a learned spectrogram in one image (Liu et al., ICASSP 2022).

"Anomalous sound detection using spectral-temporal information fusion".
"""

import keras
import tensorflow as tf

from asd_tf.arguments import check_counts
from asd_tf.models.mobile_face_net import mobile_face_net

FRAME_STEP = 512
STEPS_TO_A_FILTER = 2
LAYERS = 3
LEAK = 0.2

# PyTorch's default for convolutions: uniform within +-1 / sqrt(fan_in).
_UNIFORM = {"scale": 1 / 3, "mode": "fan_in", "distribution": "uniform"}


def stgram_mfn(
    sgram: tf.Tensor,
    waveform: tf.Tensor,
    *,
    width: int = 64,
    embedding: int = 128,
    frame_step: int = FRAME_STEP,
) -> tf.Tensor:
    """Adds the network to a log-mel spectrogram ("Sgram") and its waveform.

    The Sgram and a learned counterpart of it ("Tgram") are the two channels of an image, the input
    of MobileFaceNet. The published Sgram is `LogMel(bands="torchaudio", center=True)`.

    Args:
        sgram: Keras tensor [batch, frames, bands], 313 x 128 for 10 s at 16 kHz.
        waveform: Keras tensor [batch, N], frames = 1 + N // `frame_step`.
        width: Filters of MobileFaceNet's first convolution; 64 as published.
        embedding: Size of the embedding.
        frame_step: Samples from frame to frame; 512 as published, at 16 kHz.

    Returns:
        Keras tensor: the embedding [batch, embedding], float32.

    Raises:
        ValueError: If the number of frames does not fit the waveform, or a size is not a positive
            integer.
    """
    frames, bands = sgram.shape[1:]
    check_counts(frame_step=frame_step)
    expected = 1 + waveform.shape[1] // frame_step
    if frames != expected:
        raise ValueError(
            f"frames of the spectrogram must be {expected} for {waveform.shape[1]} samples, got "
            f"{frames}: use centered frames every {frame_step} samples"
        )
    temporal = tgram(waveform, bands, frame_step)
    channels = [keras.layers.Reshape([frames, bands, 1])(x) for x in (sgram, temporal)]
    image = keras.layers.Concatenate(name="sgram_and_tgram")(channels)
    return mobile_face_net(image, width=width, embedding=embedding)


def tgram(waveform: tf.Tensor, bands: int, frame_step: int = FRAME_STEP) -> tf.Tensor:
    """Adds the temporal feature to waveforms.

    A convolution with filters of two steps, 1024 samples every 512 as published, with half a filter
    of zeros at both ends; then three times a layer norm over time, with a factor and an offset per
    frame (not per band), a leaky ReLU and a convolution over three frames.

    Args:
        waveform: Keras tensor [batch, N].
        bands: Number of filters.
        frame_step: Samples from frame to frame.

    Returns:
        Keras tensor [batch, 1 + N // frame_step, bands].

    Raises:
        ValueError: If `bands` is not a positive integer.
    """
    check_counts(bands=bands)
    samples = waveform.shape[1]
    frames = 1 + samples // frame_step
    x = keras.layers.Reshape([samples, 1], dtype="float32")(waveform)
    # The waveform is cut into blocks of one step whose samples become channels. A filter of two
    # steps then covers two blocks: the same function, computed as a large matrix product.
    padding = (frame_step, frame_step * frames - samples)
    x = keras.layers.ZeroPadding1D(padding, dtype="float32")(x)
    x = keras.layers.Reshape([frames + 1, frame_step], dtype="float32")(x)
    x = _convolution(bands, STEPS_TO_A_FILTER, "valid", dtype="float32", name="tgram")(x)
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
