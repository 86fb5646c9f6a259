"""Reconstruction errors of masked clips (Kuroyanagi et al., DCASE 2021)."""

from typing import Any

import keras
import tensorflow as tf

from asd_tf.arguments import check_choices, check_counts, check_rates
from asd_tf.augmentation.feature_masks import dropout_mask, spec_augment_mask
from asd_tf.models.conformer_autoencoder import AppendSectionId
from asd_tf.models.layers.wrapper import Wrapper

POOLS = ("mean", "max")


@keras.saving.register_keras_serializable(package="asd_tf")
class ReplicaErrors(Wrapper):
    """Log-mels and sections to the error vectors of frames [batch, frames, bands + 1].

    Each clip is reconstructed several times with different masks (Section 3.1). The errors
    |reconstruction - target| (eq. 1), including that of the section, are pooled over these
    replicas, value by value. So a clip has one error vector per frame for any number of replicas,
    and eqs. 2 and 3 apply to one sequence: the paper pools "the reconstruction error" before its
    Gaussian mixture. The masks are weights that are drawn when the layer is built and are the same
    for all clips, so that scores are deterministic and the masks are saved with the detector.

    Called with a list of standardized log-mels [batch, frames, bands] and section numbers [batch].
    Replicas are computed one after the other, so that memory does not grow with their number.

    Args:
        network: A `conformer_autoencoder`.
        groups: Number of sections, as in the network.
        replicas: Number of replicas.
        pool: `mean` or `max` over the replicas.
        dropout: Rate of the input, in [0, 1).
        seed: Seed of the masks.
        masks: Counts and widths of SpecAugment's masks, see `spec_augment_mask`.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        network: keras.Model,
        groups: int,
        replicas: int = 8,
        pool: str = "mean",
        dropout: float = 0.2,
        seed: int = 0,
        masks: dict[str, Any] | None = None,
        **kwargs,
    ):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_counts(replicas=replicas)
        check_choices(POOLS, pool=pool)
        check_rates(dropout=dropout)
        self.network = network
        self.groups = groups
        self.replicas = replicas
        self.pool = pool
        self.dropout = dropout
        self.seed = seed
        # Pairs, because Keras would wrap a dict.
        self._masks = tuple((masks or {}).items())
        self._append_section_id = AppendSectionId(groups)

    def build(self, input_shape):
        """Draws the masks."""
        self.keep = self.add_weight(
            name="keep",
            shape=[self.replicas, *input_shape[0][1:]],
            initializer=self._drawn,
            trainable=False,
        )
        super().build(input_shape)

    def _drawn(self, shape, dtype=None):
        seeds = tf.random.experimental.stateless_split([self.seed, 0], 2)
        masks = spec_augment_mask(tuple(shape), seeds[0], **dict(self._masks))
        return masks * dropout_mask(tuple(shape), seeds[1], self.dropout)

    def call(self, inputs):
        """Reconstructs each replica."""
        log_mel, group = inputs
        target = self._append_section_id([log_mel, group])

        def errors(keep):
            keep = keep[tf.newaxis] * tf.ones_like(log_mel)
            return tf.abs(self.network([log_mel, group, keep], training=False) - target)

        def add(pooled, keep):
            more = errors(keep)
            return pooled + more if self.pool == "mean" else tf.maximum(pooled, more)

        start = tf.zeros_like(target)
        pooled = tf.foldl(add, self.keep, start, parallel_iterations=1)
        return pooled / self.replicas if self.pool == "mean" else pooled

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "groups": self.groups,
            "replicas": self.replicas,
            "pool": self.pool,
            "dropout": self.dropout,
            "seed": self.seed,
            "masks": dict(self._masks),
        }
