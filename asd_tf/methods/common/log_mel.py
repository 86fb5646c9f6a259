"""The log-mels of a recipe, at its sample rate."""

from typing import Any

import ml_collections

from asd_tf.frontends import LogMel
from asd_tf.run.frames import frame_sizes


def log_mel_layer(config: ml_collections.ConfigDict, **kwargs: Any) -> LogMel:
    """Makes the log-mel layer of a recipe; `kwargs` are other arguments of `LogMel`."""
    length, step = frame_sizes(config)
    return LogMel(config.data.sample_rate, config.frontend.n_mels, length, step, **kwargs)
