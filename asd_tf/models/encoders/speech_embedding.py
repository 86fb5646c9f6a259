"""Google's speech_embedding (Lin et al., ICASSP 2020): a small convolutional network for speech.

It was trained on the sounds of videos to recognize groups of keywords (arXiv 2002.01322), and is
published with fixed weights for windows of 76 frames. All its layers are convolutions and poolings
without padding in time, so that here it maps a whole clip in one pass to the same values as windows
that start every 8 frames.
"""

import dataclasses

import keras
import tensorflow as tf

from asd_tf.frontends.speech_mel import FRAME_LENGTH, FRAME_STEP, SpeechMel
from asd_tf.models.encoders.blocks import Parts
from asd_tf.models.encoders.config import EncoderConfig
from asd_tf.models.encoders.family import EncoderFamily

WINDOW_FRAMES = 76
WINDOW_STEP = 8

# Frames and bands that become one, after the convolutions of each width.
_POOLS = ((2, 2), (1, 2), (2, 2), (1, 2), (2, 2))
_SLOPE, _LEAST = 0.2, -0.4


@dataclasses.dataclass(frozen=True)
class SpeechEmbeddingConfig(EncoderConfig):
    """Sizes of a speech_embedding network; the defaults are those of the published one.

    Args:
        widths: Channels of the convolutions in each of the five stages; the last is the size of a
            token.
    """

    widths: tuple[int, ...] = (24, 48, 72, 96, 96)

    def __post_init__(self):
        super().__post_init__()
        if len(self.widths) != len(_POOLS):
            raise ValueError(f"widths must be {len(_POOLS)} numbers, got {self.widths}")

    @property
    def width(self) -> int:
        """Size of a token."""
        return self.widths[-1]

    @property
    def depth(self) -> int:
        """Number of convolutions."""
        return 4 * len(_POOLS)


def speech_embedding(
    config: SpeechEmbeddingConfig, samples: int, parts: Parts | None = None
) -> keras.Model:
    """Builds a speech_embedding network.

    Args:
        config: Its sizes.
        samples: N, at 16 kHz; at least 12,512, which is one window of 76 frames.
        parts: Replacements of its parts, of which it has `augment` only.

    Returns:
        A model from waveform [batch, N] in -1..1 to tokens [batch, windows, width], float32. The
        windows start every 8 frames, which is 80 ms. Its convolutions are named conv_0 to conv_19.

    Raises:
        ValueError: If N is too small.
    """
    parts = parts or Parts()
    if samples < SPEECH_EMBEDDING.least_samples:
        raise ValueError(
            f"samples must be at least {SPEECH_EMBEDDING.least_samples} (one window of "
            f"speech_embedding), got {samples}: use longer clips"
        )
    waveform = keras.Input([samples], name="waveform")
    features = parts.augment(SpeechMel(name="speech_mel")(waveform))
    x = keras.layers.Reshape([*features.shape[1:], 1])(features)
    for index, (kernel, width) in enumerate(_convolutions(config)):
        x = keras.layers.ZeroPadding2D((0, kernel[1] // 2))(x)
        x = keras.layers.Conv2D(width, kernel, name=f"conv_{index}")(x)
        if index + 1 < config.depth:
            x = CappedLeakyReLU(_SLOPE, _LEAST, name=f"activation_{index}")(x)
        if index % 4 == 2:
            x = keras.layers.MaxPooling2D(_POOLS[index // 4], name=f"pool_{index // 4}")(x)
    tokens = keras.layers.Reshape([x.shape[1], config.width], dtype="float32", name="tokens")(x)
    return keras.Model(waveform, tokens, name="speech_embedding")


def _convolutions(config: SpeechEmbeddingConfig) -> list[tuple[tuple[int, int], int]]:
    """Returns the kernel, frames and bands, and the channels of each convolution."""
    first, *others = config.widths
    kernels = [((3, 3), first), ((1, 3), first), ((3, 1), first)]
    for width in others:
        kernels += [((1, 3), width), ((3, 1), width)] * 2
    return [*kernels, ((3, 1), config.width)]


@keras.saving.register_keras_serializable(package="asd_tf")
class CappedLeakyReLU(keras.layers.Layer):
    """x for x > 0, and otherwise slope times x, but at least a negative value.

    Args:
        slope: Of negative values.
        least: The smallest value.
    """

    def __init__(self, slope: float, least: float, **kwargs):
        super().__init__(**kwargs)
        self.slope = slope
        self.least = least

    def call(self, inputs):
        """Computes the activation."""
        return tf.maximum(tf.nn.leaky_relu(inputs, self.slope), self.least)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "slope": self.slope, "least": self.least}


SPEECH_EMBEDDING = EncoderFamily(
    kind="speech_embedding",
    config=SpeechEmbeddingConfig,
    build=speech_embedding,
    sizes={
        "tiny": SpeechEmbeddingConfig(widths=(4, 4, 8, 8, 16)),
        "base": SpeechEmbeddingConfig(),
    },
    published="embedding_model.tflite in pyopen-wakeword 1.1.0 (pip install 'asd_tf[speech]')",
    adaptable=False,
    least_samples=FRAME_LENGTH + (WINDOW_FRAMES - 1) * FRAME_STEP,
)
