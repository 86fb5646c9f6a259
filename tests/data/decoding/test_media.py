"""What phones, cameras and recorders write must be read as the recording that was encoded."""

import sys

import numpy as np
import pytest
import soundfile
from data_helpers import clip_table
from media_files import ENCODERS, write_media

from asd_tf.data.decoding.header import read_header
from asd_tf.data.decoding.inspection import inspect_clips
from asd_tf.data.decoding.media_kinds import media_kind
from asd_tf.data.decoding.reader import read_samples
from asd_tf.data.windows import split_into_windows
from asd_tf.errors import InputError

RATE = 16000
SECONDS = 6.3
# The codec's delay is not taken out, or only by later versions, or little but the level is kept.
DELAYED = (".aac", ".ts", ".mkv", ".amr", ".wma")


def sound(rate=RATE, seconds=SECONDS) -> np.ndarray:
    """A tone whose level differs from second to second, in noise."""
    time = np.arange(round(seconds * rate)) / rate
    tone = 0.2 * (1 + time.astype(int) % 3) * np.sin(2 * np.pi * 440 * time)
    return tone + 0.02 * np.random.default_rng(0).normal(size=len(time))


def level(samples):
    return np.sqrt(np.mean(np.square(samples)))


@pytest.fixture(params=sorted(ENCODERS))
def encoded(request, tmp_path):
    """A file of each kind, and the samples that were encoded."""
    rate = 8000 if request.param == ".amr" else 48000 if request.param == ".opus" else RATE
    samples = sound(rate)
    return write_media(tmp_path / f"a{request.param}", samples, rate), samples, rate


def test_every_kind_is_read(encoded):
    """Rate, length and level must be those of the source; and what is there be its samples."""
    path, samples, rate = encoded
    header = read_header(path)
    assert (header.sample_rate, header.channels, header.samples_at) == (rate, 1, -1)
    found = read_samples(path)
    assert found.dtype == np.float32
    assert len(found) == header.frames
    assert abs(len(found) - len(samples)) <= 0.2 * rate
    assert level(found) == pytest.approx(level(samples), rel=0.1)
    if path.suffix not in DELAYED:
        both = min(len(found), len(samples))
        assert np.corrcoef(found[:both], samples[:both])[0, 1] > 0.98


def test_what_begins_and_ends_at_a_sample_has_the_length_of_the_source(tmp_path):
    """The delay of the encoder, and what it fills the last packet with, must not be heard."""
    samples = sound()
    for suffix in (".m4a", ".mp4", ".mov", ".mp3"):
        assert len(read_samples(write_media(tmp_path / f"a{suffix}", samples, RATE))) == len(
            samples
        )


def test_a_part_is_that_of_the_whole(encoded):
    """A window must have the same samples, wherever it begins, up to the very last."""
    path, _, rate = encoded
    whole = read_samples(path)
    for first in (0, 1, rate - 1, 3 * rate + 77, 5 * rate, len(whole) - 1000):
        frames = min(rate, len(whole) - first)
        found = read_samples(path, first=first, frames=frames)
        np.testing.assert_allclose(found, whole[first : first + frames], atol=2e-4)
    with pytest.raises(InputError, match="truncated"):
        read_samples(path, first=len(whole) - 10, frames=11)


def test_the_last_window_of_a_listing_is_read(encoded):
    """The length that windows are made of must be the length that is decoded."""
    path, _, rate = encoded
    clips = clip_table([path])
    windows = split_into_windows(clips, inspect_clips(clips), 1.0).table
    assert len(windows) == 7
    report = inspect_clips(windows, thorough=True)
    assert report["ok"].all(), report["reason"].tolist()
    ends = windows["start_s"] + report["seconds"]
    assert ends.max() == pytest.approx(read_header(path).seconds, abs=1 / rate)


def test_the_sound_of_a_video_and_its_channels(tmp_path):
    samples = np.stack([sound(), 0.3 * sound()[::-1]], axis=1)
    path = write_media(tmp_path / "a.mp4", samples, RATE, video=True)
    assert read_header(path).channels == 2
    for channel in range(2):
        found = read_samples(path, channel)
        assert len(found) == len(samples)
        assert np.corrcoef(found, samples[:, channel])[0, 1] > 0.98
    np.testing.assert_allclose(
        read_samples(path), (read_samples(path, 0) + read_samples(path, 1)) / 2, atol=1e-6
    )


@pytest.mark.parametrize("rate", [8000, 44100, 96000])
def test_resampled_as_any_file(tmp_path, rate):
    path = write_media(tmp_path / "a.m4a", sound(rate), rate)
    found = read_samples(path, sample_rate=RATE)
    soundfile.write(tmp_path / "a.wav", read_samples(path), rate, subtype="FLOAT")
    np.testing.assert_allclose(found, read_samples(tmp_path / "a.wav", sample_rate=RATE), atol=1e-6)


def test_the_content_decides(tmp_path):
    """A wrong suffix must neither keep a file from being read, nor make one of it."""
    write_media(tmp_path / "a.m4a", sound(), RATE).rename(tmp_path / "a.wav")
    assert read_header(tmp_path / "a.wav").frames == len(sound())
    soundfile.write(tmp_path / "b.wav", sound(), RATE)
    (tmp_path / "b.wav").rename(tmp_path / "b.m4a")
    assert read_header(tmp_path / "b.m4a").samples_at > 0


def test_a_changed_file_is_counted_again(tmp_path):
    path = write_media(tmp_path / "a.m4a", sound(), RATE)
    assert read_header(path).frames == len(sound())
    write_media(path, sound(seconds=2.0), RATE)
    assert read_header(path).frames == 2 * RATE


def cut(path, size):
    path.write_bytes(path.read_bytes()[:size])
    return path


@pytest.mark.parametrize("suffix", sorted(ENCODERS))
def test_a_file_that_ends_early_has_a_reason_or_what_is_left(tmp_path, suffix, capfd):
    """Nothing but a reason may come of it, and no word of the decoder on the terminal."""
    rate = 48000 if suffix == ".opus" else 8000 if suffix == ".amr" else RATE
    path = write_media(tmp_path / f"a{suffix}", sound(rate), rate)
    size = path.stat().st_size
    for part in (size - 1, size // 2, 700, 100, 20):
        try:
            assert len(read_samples(cut(path, part))) == read_header(path).frames
        except InputError as error:
            assert "\n" not in str(error)
            assert str(tmp_path) not in str(error)
    assert capfd.readouterr().err == ""


def test_a_video_without_sound(tmp_path):
    import av

    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros([48, 64, 3], np.uint8), "rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(InputError, match=r"an MP4 file .* without sound"):
        read_header(tmp_path / "a.mp4")


def test_without_the_extra_the_reason_says_what_to_install(encoded, monkeypatch):
    path, _, _ = encoded
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(InputError, match=r"^an? .*: pip install 'asd_tf\[media\]' to read it$"):
        read_header(path)


def test_a_playlist_opens_no_other_file(tmp_path):
    """Formats of FFmpeg that name other files must not be tried."""
    secret = write_media(tmp_path / "secret.m4a", sound(), RATE)
    texts = (
        f"ffconcat version 1.0\nfile {secret}\n",
        f"#EXTM3U\n#EXT-X-TARGETDURATION:7\n#EXTINF:6,\n{secret}\n#EXT-X-ENDLIST\n",
    )
    for text in texts:
        (tmp_path / "list.m4a").write_text(text)
        with pytest.raises(InputError, match=r"not an audio file|no audio file"):
            read_header(tmp_path / "list.m4a")


@pytest.mark.parametrize("head", [b"", b"a", b"ID3", b"\xff", b"\xff\xfb", b"G" * 3, b"OggS"])
def test_a_few_bytes_are_no_media(tmp_path, head):
    (tmp_path / "a").write_bytes(head)
    with (tmp_path / "a").open("rb", buffering=0) as file:
        assert media_kind(file) is None
        assert file.tell() == 0


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"time,x,y\n0.0,1.2,3.4\n", "a CSV table"),
        ("zeit;größe\n0;1\n".encode(), "a CSV table"),
        (b"PAR1\x15\x04\x15", "a Parquet table"),
    ],
)
def test_a_table_is_told_to_be_one(tmp_path, content, kind):
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(InputError, match=f"^{kind}, no audio file: docs/recordings.md"):
        read_header(tmp_path / "a.wav")
