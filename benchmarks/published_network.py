"""The network of Wilkinghoff 2023 in the formulation of its published code, to measure against.

The same function as `asd_tf.models` and `asd_tf.losses`, written as that code writes it: mixup
inside the network, a complex Fourier transform of the whole clip, batch norm over the last axis but
one, and labels fed when embeddings are computed. Imports nothing of asd_tf, which would change
TensorFlow's own defaults.
"""

import math

import keras
import tensorflow as tf

CLASSES = 342
SUBCLUSTERS = 16
EPSILON = 1e-7


class Mixup(keras.layers.Layer):
    """Mixes waveforms [batch, N, 1] and labels [batch, classes] with the batch reversed."""

    def call(self, inputs, training=False):
        """Mixes in training only."""
        waveform, labels = inputs
        if not training:
            return waveform, labels
        share = tf.random.uniform([tf.shape(waveform)[0], 1])
        mixed_labels = tf.maximum(share * labels, (1 - share) * labels[::-1])
        share = share[:, :, tf.newaxis]
        return share * waveform + (1 - share) * waveform[::-1], mixed_labels


class ComplexSpectrum(keras.layers.Layer):
    """Waveform [batch, N, 1] to the magnitudes [batch, N / 2, 1] of its complex transform."""

    def call(self, waveform):
        """Computes the spectrum."""
        real = waveform[:, :, 0]
        spectrum = tf.signal.fft(tf.complex(real, tf.zeros_like(real)))
        return tf.abs(spectrum[:, : real.shape[1] // 2])[:, :, tf.newaxis]


class Spectrogram(keras.layers.Layer):
    """Waveform [batch, N, 1] to magnitudes [batch, frames, 513, 1] without their mean over time."""

    def call(self, waveform):
        """Computes the spectrogram."""
        spectrogram = tf.abs(tf.signal.stft(waveform[:, :, 0], 1024, 512))[..., tf.newaxis]
        return spectrogram - tf.reduce_mean(spectrogram, axis=1, keepdims=True)


class AdaCosHead(keras.layers.Layer):
    """Sub-cluster AdaCos with fixed centers: embeddings and labels to class probabilities."""

    def __init__(self, classes: int, subclusters: int, **kwargs):
        super().__init__(**kwargs)
        self.classes = classes
        self.subclusters = subclusters

    def build(self, input_shape):
        """Makes centers and scale."""
        centers = self.classes * self.subclusters
        self.centers = self.add_weight(
            name="centers",
            shape=[input_shape[0][-1], centers],
            initializer="glorot_uniform",
            trainable=False,
        )
        self.scale = self.add_weight(
            name="scale",
            shape=[],
            initializer=keras.initializers.Constant(math.sqrt(2) * math.log(centers - 1)),
            trainable=False,
        )

    def call(self, inputs, training=False):
        """Updates the scale in training, and computes the probabilities."""
        embeddings, labels = inputs
        cosines = tf.nn.l2_normalize(embeddings, axis=1) @ tf.nn.l2_normalize(self.centers, axis=0)
        angles = tf.acos(tf.clip_by_value(cosines, -1 + EPSILON, 1 - EPSILON))
        if training:
            largest = tf.reduce_max(self.scale * cosines)
            sums = tf.reduce_sum(tf.exp(self.scale * cosines - largest), axis=1)
            repeated = tf.repeat(labels, self.subclusters, axis=-1)
            of_clips = tf.reduce_sum(repeated * angles, axis=1)
            of_clips *= tf.math.count_nonzero(labels, axis=1, dtype=tf.float32)
            median = tf.sort(of_clips)[tf.shape(of_clips)[0] // 2]
            log_sum = largest + tf.math.log(tf.reduce_mean(sums))
            self.scale.assign(log_sum / tf.cos(tf.minimum(math.pi / 4, median)) + EPSILON)
        probabilities = tf.nn.softmax(self.scale * cosines)
        return tf.reduce_sum(
            tf.reshape(probabilities, [-1, self.classes, self.subclusters]), axis=2
        )


def mixed_crossentropy(_, outputs: tf.Tensor) -> tf.Tensor:
    """Compares probabilities with mixed labels; the network gives both, [batch, classes, 2]."""
    return keras.losses.categorical_crossentropy(outputs[:, :, 1], outputs[:, :, 0])


def published_models(
    samples: int = 160000, classes: int = CLASSES, subclusters: int = SUBCLUSTERS
) -> tuple[keras.Model, keras.Model]:
    """Builds the network for training, compiled, and that for embedding, with the same layers.

    Args:
        samples: Length of the waveforms.
        classes: Number of classes.
        subclusters: Centers of each class.

    Returns:
        Two models of the inputs (waveform [batch, samples, 1], labels [batch, classes]): that for
        training gives [batch, classes, 2], the other embeddings [batch, 256].
    """
    waveform = keras.Input([samples, 1])
    labels = keras.Input([classes])
    mixed, mixed_labels = Mixup()([waveform, labels])
    embedding = keras.layers.Concatenate()([spectrum_branch(mixed), spectrogram_branch(mixed)])
    probabilities = AdaCosHead(classes, subclusters)([embedding, mixed_labels])
    outputs = tf.stack([probabilities, mixed_labels], axis=-1)
    training = keras.Model([waveform, labels], outputs)
    training.compile(keras.optimizers.Adam(), mixed_crossentropy, jit_compile=False)
    return training, keras.Model([waveform, labels], embedding)


def _regularized():
    return {"use_bias": False, "kernel_regularizer": keras.regularizers.L2(1e-5)}


def spectrum_branch(waveform: tf.Tensor) -> tf.Tensor:
    """Adds the branch of Table 2 to a waveform [batch, N, 1]: its embedding [batch, 128]."""
    x = ComplexSpectrum()(waveform)
    for size, stride in ((256, 64), (64, 32), (16, 4)):
        x = keras.layers.Conv1D(128, size, stride, padding="same", **_regularized())(x)
        x = keras.layers.ReLU()(x)
    x = keras.layers.Flatten()(x)
    for _ in range(4):
        x = keras.layers.Dense(128, **_regularized())(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.ReLU()(x)
    return keras.layers.Dense(128, **_regularized())(x)


def spectrogram_branch(waveform: tf.Tensor) -> tf.Tensor:
    """Adds the branch of Table 1 to a waveform [batch, N, 1]: its embedding [batch, 128]."""
    x = Spectrogram()(waveform)
    x = keras.layers.BatchNormalization(axis=-2)(x)
    x = keras.layers.Conv2D(16, 7, 2, padding="same", **_regularized())(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.MaxPooling2D(3, 2)(x)
    x = keras.layers.Add()([x, _residual(x, 16)])
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Add()([x, _residual(x, 16, relu_first=True)])
    for filters in (32, 64, 128):
        x = keras.layers.BatchNormalization()(x)
        residual = _residual(x, filters, strides=2)
        x = keras.layers.MaxPooling2D(2, padding="same")(x)
        x = keras.layers.Conv2D(filters, 1, padding="same", **_regularized())(x)
        x = keras.layers.Add()([x, residual])
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.Add()([x, _residual(x, filters)])
    x = keras.layers.MaxPooling2D([x.shape[1], 1], padding="same")(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.BatchNormalization()(x)
    return keras.layers.Dense(128, **_regularized())(x)


def _residual(x, filters, strides=1, relu_first=False):
    x = keras.layers.ReLU()(x)
    x = keras.layers.Conv2D(filters, 3, strides, padding="same", **_regularized())(x)
    if relu_first:
        x = keras.layers.BatchNormalization()(keras.layers.ReLU()(x))
    else:
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    return keras.layers.Conv2D(filters, 3, padding="same", **_regularized())(x)
