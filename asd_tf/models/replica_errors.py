"""How badly a clip is reconstructed from parts of it (Kuroyanagi et al., DCASE 2021)."""

from typing import Any

import keras
import tensorflow as tf

from asd_tf.augmentation.feature_masks import dropout_mask, spec_augment_mask
from asd_tf.models.conformer_autoencoder import WithGroup

POOLS = ("mean", "max")


@keras.saving.register_keras_serializable(package="asd_tf")
class ReplicaErrors(keras.layers.Layer):
    """Levels and sections to the error vectors of frames, [batch, frames, bands + 1].

    The network sees each clip several times, each time with other masks (Section 3.1). The errors
    |reconstruction - target| (eq. 1), the section's among them, are pooled over these replicas,
    value by value. So a clip has one error vector a frame, whatever the number of replicas, and
    eqs. 2 and 3 are those of one sequence: the paper pools "the reconstruction error", before its
    Gaussian mixture. The masks are weights, drawn when the layer is built and the same for every
    clip, so that a clip has one score, and the detector has its masks with it.

    Called with a list of standardised levels [batch, frames, bands] and sections [batch]. One
    replica is computed after the other, so that memory does not grow with their number.

    Args:
        network: A `conformer_autoencoder`.
        groups: Number of sections, as in the network.
        replicas: Number of replicas.
        pool: `mean` or `max` over the replicas.
        dropout: Rate of the input.
        seed: Of the masks.
        masks: Counts and widths of SpecAugment's masks, as `spec_augment_mask` has them.

    Raises:
        ValueError: If `pool` is another, or there is no replica.
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
        if pool not in POOLS:
            raise ValueError(f"pool {pool!r} is not known: use one of {', '.join(POOLS)}")
        if replicas < 1:
            raise ValueError(f"{replicas} replicas are none: use one or more")
        self.network = network
        self.groups = groups
        self.replicas = replicas
        self.pool = pool
        self.dropout = dropout
        self.seed = seed
        # Pairs, because Keras would wrap a dictionary.
        self._masks = tuple((masks or {}).items())
        self._with_group = WithGroup(groups)

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
        levels, group = inputs
        target = self._with_group([levels, group])

        def errors(keep):
            keep = keep[tf.newaxis] * tf.ones_like(levels)
            return tf.abs(self.network([levels, group, keep], training=False) - target)

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
            "network": keras.saving.serialize_keras_object(self.network),
            "groups": self.groups,
            "replicas": self.replicas,
            "pool": self.pool,
            "dropout": self.dropout,
            "seed": self.seed,
            "masks": dict(self._masks),
        }

    @classmethod
    def from_config(cls, config):
        """Builds the layer and its network."""
        network = keras.saving.deserialize_keras_object(config.pop("network"))
        return cls(network, **config)
