"""The sub-cluster AdaCos loss (Wilkinghoff, IJCNN 2021), as a layer."""

import math

import keras
import tensorflow as tf

from asd_tf.arguments import check_at_least, check_counts, check_positive
from asd_tf.compat import Layer

# Keeps cosines away from -1 and 1, and the scale away from 0, as published.
EPSILON = 1e-7


@keras.saving.register_keras_serializable(package="asd_tf")
class SubclusterAdaCos(Layer):
    """Embeddings and labels to class probabilities, to be trained with categorical cross-entropy.

    Called with a list of embeddings [batch, D] and labels [batch, classes], one-hot or mixed;
    returns probabilities [batch, classes]. Each class has several centers on the unit sphere. The
    logit of a center is the scale times the cosine of the angle between embedding and center. A
    softmax is taken over all centers of all classes, and the probability of a class is the sum over
    its own centers. Class c owns columns c * subclusters to (c + 1) * subclusters - 1 of the
    centers.

    In training, the scale is first adapted to the batch and then used:

        B = mean over the clips of the sum over all centers of exp(scale x cosine)
        scale = ln(B) / cos(min(pi / 4, median angle))

    where the angle of a clip is the sum, weighted by its label, of its angles to all centers of its
    classes, times the number of its classes. With several fixed centers the median is always above
    pi / 4, and the scale is sqrt(2) ln(B); the general formula is needed for one center per class
    (AdaCos) and for trainable centers. No gradient flows through the scale. Under tf.distribute the
    mean and the median are those of the global batch, so that every replica has the same scale.

    Labels are used only to adapt the scale: in inference, and with a fixed scale, their values do
    not matter. Computed in float32 under every precision policy.

    Args:
        classes: Number of classes, at least 2.
        subclusters: Centers per class, at least 1.
        trainable_centers: Whether the centers are trained; as published, they keep their random
            initial values.
        dynamic_scale: Whether the scale adapts.
        initial_scale: Initial scale, greater than 0; None for
            sqrt(2) ln(classes x subclusters - 1).

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        classes: int,
        subclusters: int = 16,
        trainable_centers: bool = False,
        dynamic_scale: bool = True,
        initial_scale: float | None = None,
        **kwargs,
    ):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_at_least(2, classes=classes)
        check_counts(subclusters=subclusters)
        if initial_scale is not None:
            check_positive(initial_scale=initial_scale)
        self.classes = classes
        self.subclusters = subclusters
        self.trainable_centers = trainable_centers
        self.dynamic_scale = dynamic_scale
        self.initial_scale = initial_scale

    def build(self, input_shape):
        """Creates the centers and the scale."""
        centers = self.classes * self.subclusters
        initial_scale = self.initial_scale
        if initial_scale is None:
            initial_scale = math.sqrt(2) * math.log(centers - 1)
        self.centers = self.add_weight(
            name="centers",
            shape=[input_shape[0][-1], centers],
            initializer="glorot_uniform",
            trainable=self.trainable_centers,
        )
        self.scale = self.add_weight(
            name="scale",
            shape=[],
            initializer=keras.initializers.Constant(initial_scale),
            trainable=False,
            aggregation="mean",
        )
        super().build(input_shape)

    def call(self, inputs, training=False):
        """Computes the probabilities; in training, adapts the scale first."""
        embeddings, labels = inputs
        cosines = tf.matmul(
            tf.nn.l2_normalize(embeddings, axis=1), tf.nn.l2_normalize(self.centers, axis=0)
        )
        scale = self.scale
        if training and self.dynamic_scale:
            scale = self._adapted_scale(tf.stop_gradient(cosines), labels)
            self.scale.assign(scale)
        return self._sum_of_class(tf.nn.softmax(scale * cosines))

    def _sum_of_class(self, values):
        """Sums values [batch, centers] over the centers of each class."""
        return tf.reduce_sum(tf.reshape(values, [-1, self.classes, self.subclusters]), axis=-1)

    def _adapted_scale(self, cosines, labels):
        """Computes the next scale from the clips of all replicas."""
        by_clip = tf.stack([self._log_sums(cosines), self._angles(cosines, labels)])
        # The values of all clips are gathered: neither the logarithm of a mean nor a median can be
        # computed from those of the replicas.
        by_clip = tf.distribute.get_replica_context().all_gather(by_clip, axis=1)
        log_sums, angles = by_clip[0], by_clip[1]
        clips = tf.cast(tf.size(angles), tf.float32)
        log_mean = tf.reduce_logsumexp(log_sums) - tf.math.log(clips)
        return log_mean / tf.cos(tf.minimum(math.pi / 4, _median(angles))) + EPSILON

    def _log_sums(self, cosines):
        """Computes for each clip the logarithm of its sum over all centers in B."""
        return tf.reduce_logsumexp(self.scale * cosines, axis=1)

    def _angles(self, cosines, labels):
        """Computes for each clip its summed angle, as the published code does for mixed labels."""
        angles = tf.acos(tf.clip_by_value(cosines, -1 + EPSILON, 1 - EPSILON))
        classes_of_clip = tf.math.count_nonzero(labels, axis=1, dtype=tf.float32)
        return tf.reduce_sum(labels * self._sum_of_class(angles), axis=1) * classes_of_clip

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "classes": self.classes,
            "subclusters": self.subclusters,
            "trainable_centers": self.trainable_centers,
            "dynamic_scale": self.dynamic_scale,
            "initial_scale": self.initial_scale,
        }


def _median(values: tf.Tensor) -> tf.Tensor:
    """Returns the median of values [n].

    Where n is even there are two middle values; the one with the even index, counted from 0, is
    taken, as by tensorflow_probability's `percentile`: the upper one of 64 values, the lower of 2.
    """
    middle = tf.cast(tf.size(values) - 1, tf.float32) / 2
    return tf.sort(values)[tf.cast(tf.round(middle), tf.int32)]
