"""The frames in which the networks of a recipe see a clip."""

import ml_collections

from asd_tf.frontends.framing import RATE, frames_at

FRAMES = ("frame_length", "frame_step", "n_mels")
"""Keys of the section `frontend` that say how a waveform is divided into frames."""

_WITH_FRAMES = ("frontend", "network")


def frame_sizes(config: ml_collections.ConfigDict) -> tuple[int, int]:
    """Returns length and step of the frames of a recipe in samples; see `frames_at`."""
    given = config.get("frontend", {})
    known = {key: given[key] for key in FRAMES if key in given}
    return frames_at(config.data.sample_rate, **known)


def all_frame_sizes(config: ml_collections.ConfigDict) -> list[tuple[int, int]]:
    """Returns length and step of the frames of a recipe and of its parts, in samples.

    Returns:
        Each pair once, sorted; none for a method without frames.
    """
    parts = [part for part in config.values() if isinstance(part, ml_collections.ConfigDict)]
    sections = [config, *({**part, "data": config.data} for part in parts if "frontend" in part)]
    return sorted(
        {
            frame_sizes(ml_collections.ConfigDict(section))
            for section in sections
            if any(key in section for key in _WITH_FRAMES)
        }
    )


def frames_lines(config: ml_collections.ConfigDict) -> list[str]:
    """Describes the frames of a recipe, and of its parts, in milliseconds.

    Returns:
        A line for each of them; none for a method without frames.
    """
    rate = config.data.sample_rate
    why = "" if rate == RATE else f" at {rate} Hz, about as long as at {RATE} Hz"
    return [
        f"frames of {1000 * length / rate:.4g} ms every {1000 * step / rate:.4g} ms"
        f" ({length} and {step} samples{why})"
        for length, step in all_frame_sizes(config)
    ]
