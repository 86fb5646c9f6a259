"""Where and in which precision a network is trained, and how random numbers are seeded."""

import contextlib
import dataclasses
import functools

import keras
import tensorflow as tf

PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")
STRATEGIES = ("one_device", "mirrored")


@dataclasses.dataclass(frozen=True)
class Devices:
    """The hardware settings of a training.

    Attributes:
        precision: Keras policy: `float32`, `mixed_float16` or `mixed_bfloat16`.
        strategy: `one_device`, or `mirrored` over all visible GPUs (one CPU where there is none).
        deterministic: Whether TensorFlow is held to operations that repeat to the last bit.
    """

    precision: str = "float32"
    strategy: str = "one_device"
    deterministic: bool = False

    def prepare(self) -> None:
        """Sets the policy of this process; call it before a network is built."""
        keras.mixed_precision.set_global_policy(self.precision)
        if self.deterministic:
            tf.config.experimental.enable_op_determinism()

    def scope(self) -> contextlib.AbstractContextManager:
        """Returns the context in which networks are built and compiled.

        One device means no strategy at all: under tf.distribute.OneDeviceStrategy Keras' own
        checkpoints do not restore.
        """
        if self.strategy == "mirrored":
            return _mirrored().scope()
        return contextlib.nullcontext()


@functools.cache
def _mirrored() -> tf.distribute.Strategy:
    """Returns the one strategy of this process; parts of a model must not be of several."""
    return tf.distribute.MirroredStrategy()
