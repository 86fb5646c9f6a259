"""The log-mels of a recipe, at its sample rate."""

from typing import Any

import ml_collections

from asd_tf.frontends import LogMel, frames_at
from asd_tf.frontends.framing import RATE

FRAMES = ("frame_length", "frame_step", "n_mels")
"""Keys of the section `frontend` that `log_mel_layer` reads."""


def frame_sizes(config: ml_collections.ConfigDict) -> tuple[int, int]:
    """Returns length and step of the frames of a recipe in samples; see `frames_at`."""
    given = config.get("frontend", {})
    known = {key: given[key] for key in FRAMES if key in given}
    return frames_at(config.data.sample_rate, **known)


def log_mel_layer(config: ml_collections.ConfigDict, **kwargs: Any) -> LogMel:
    """Makes the log-mel layer of a recipe; `kwargs` are other arguments of `LogMel`."""
    length, step = frame_sizes(config)
    return LogMel(config.data.sample_rate, config.frontend.n_mels, length, step, **kwargs)


def frames_lines(config: ml_collections.ConfigDict) -> list[str]:
    """Describes the frames of a recipe, and of its parts, in milliseconds.

    Returns:
        A line for each of them; none for a method without frames.
    """
    rate = config.data.sample_rate
    parts = [part for part in config.values() if isinstance(part, ml_collections.ConfigDict)]
    sections = [config, *({**part, "data": config.data} for part in parts if "frontend" in part)]
    has_frames = ("frontend", "network")
    sizes = {
        frame_sizes(ml_collections.ConfigDict(section))
        for section in sections
        if any(key in section for key in has_frames)
    }
    why = "" if rate == RATE else f" at {rate} Hz, about as long as at {RATE} Hz"
    return [
        f"frames of {1000 * length / rate:.4g} ms every {1000 * step / rate:.4g} ms"
        f" ({length} and {step} samples{why})"
        for length, step in sorted(sizes)
    ]
