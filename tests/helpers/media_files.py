"""Files as phones, cameras and recorders write them, by real encoders."""

from pathlib import Path

import av
import numpy as np

# Container and codec by suffix; the names are those of FFmpeg.
ENCODERS = {
    ".m4a": ("ipod", "aac"),
    ".mp4": ("mp4", "aac"),
    ".mov": ("mov", "pcm_s16le"),
    ".mkv": ("matroska", "aac"),
    ".avi": ("avi", "pcm_s16le"),
    ".ts": ("mpegts", "aac"),
    ".aac": ("adts", "aac"),
    ".mp3": ("mp3", "libmp3lame"),
    ".opus": ("ogg", "libopus"),
    ".amr": ("amr", "libopencore_amrnb"),
    ".wma": ("asf", "wmav2"),
}
_LAYOUTS = {1: "mono", 2: "stereo", 4: "quad"}


def write_media(path: Path, samples: np.ndarray, rate: int, video: bool = False) -> Path:
    """Encodes samples [n] or [n, channels] in -1..1 as the suffix says, for videos with pictures.

    Returns:
        The path.
    """
    container_name, codec = ENCODERS[path.suffix]
    samples = np.atleast_2d(np.asarray(samples, np.float32).T)
    layout = _LAYOUTS[len(samples)]
    with av.open(str(path), "w", format=container_name) as container:
        if video:
            pictures = container.add_stream("mpeg4", rate=25)
            pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        stream = container.add_stream(codec, rate=rate, layout=layout)
        stream.bit_rate = 12200 if codec.startswith("libopencore") else 96000 * len(samples)
        if video:
            _write_pictures(container, pictures, samples.shape[1] / rate)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", layout)
        frame.sample_rate, frame.pts = rate, 0
        resampler = av.AudioResampler(stream.codec_context.format, layout, rate)
        for converted in resampler.resample(frame):
            container.mux(stream.encode(converted))
        container.mux(stream.encode(None))
    return path


def _write_pictures(container, stream, seconds: float) -> None:
    for number in range(round(25 * seconds)):
        pixels = np.full([48, 64, 3], 10 * number % 256, np.uint8)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
    container.mux(stream.encode(None))
