"""Devices, precision and determinism of a training."""

import contextlib
import dataclasses
import functools

import keras
import tensorflow as tf

from asd_tf.arguments import check_choices

PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")
STRATEGIES = ("one_device", "mirrored")


@dataclasses.dataclass(frozen=True)
class Devices:
    """The hardware settings of a training.

    Attributes:
        precision: Keras policy: `float32`, `mixed_float16` or `mixed_bfloat16`.
        strategy: `one_device`, or `mirrored` over all visible GPUs (one CPU where there is none).
        deterministic: Whether TensorFlow uses only operations whose results repeat bit by bit.

    Raises:
        ValueError: If `precision` or `strategy` is unknown.
    """

    precision: str = "float32"
    strategy: str = "one_device"
    deterministic: bool = False

    def __post_init__(self):
        check_choices(PRECISIONS, precision=self.precision)
        check_choices(STRATEGIES, strategy=self.strategy)

    def prepare(self) -> None:
        """Sets precision and determinism of this process; call it before a network is built."""
        keras.mixed_precision.set_global_policy(self.precision)
        if self.deterministic:
            tf.config.experimental.enable_op_determinism()

    def scope(self) -> contextlib.AbstractContextManager:
        """Returns the context in which networks are built and compiled.

        `one_device` uses no strategy: checkpoints of Keras cannot be restored under
        tf.distribute.OneDeviceStrategy.
        """
        if self.strategy == "mirrored":
            return _mirrored().scope()
        return contextlib.nullcontext()


@functools.cache
def _mirrored() -> tf.distribute.Strategy:
    """Returns the only strategy of this process; a model must not mix strategies."""
    return tf.distribute.MirroredStrategy()
