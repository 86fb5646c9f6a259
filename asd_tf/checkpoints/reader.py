"""The one entry by which the published weights of an encoder are known to `load`."""

import dataclasses
from collections.abc import Callable, Iterable

import numpy as np

from asd_tf.checkpoints.mapping import Entry
from asd_tf.checkpoints.raw import Raw
from asd_tf.models.encoders.config import EncoderConfig


@dataclasses.dataclass(frozen=True)
class Reader:
    """Reads the published checkpoints of one kind of encoder.

    Attributes:
        config: Class of the encoder's configs.
        matches: Returns whether a checkpoint is of this encoder.
        read: Returns the config and the weights by published name of a checkpoint that matches.
            Raises InputError for variants that are not supported.
        entries: Returns for a config which published array is which variable.
    """

    config: type[EncoderConfig]
    matches: Callable[[Raw], bool]
    read: Callable[[Raw], tuple[EncoderConfig, dict[str, np.ndarray]]]
    entries: Callable[[EncoderConfig], Iterable[Entry]]
