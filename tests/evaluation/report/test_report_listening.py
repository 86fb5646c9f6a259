"""A card must play the clip that it names, and say so if it cannot."""

import base64
import io
import re

import numpy as np
import pytest
import soundfile
from reports import Page, clips_of, report_of, write_recordings


def test_the_player_has_the_samples_of_the_clip(scored, tmp_path):
    """Range, channel, level and sample rate must be those of the clip."""
    rate = 8000
    tones = np.zeros((3 * rate, 2))
    tones[rate : 2 * rate, 1] = 0.25 * np.sin(np.arange(rate))
    soundfile.write(tmp_path / "long.wav", tones, rate, subtype="PCM_16")
    clip = scored.head(1).assign(path=str(tmp_path / "long.wav"))

    def read_player(**columns):
        (audio,) = Page(report_of(clip, clips=clips_of(clip, **columns), features={})).all("audio")
        content = base64.b64decode(audio["src"].removeprefix("data:audio/flac;base64,"))
        return soundfile.read(io.BytesIO(content))

    samples, sample_rate = read_player(start_s=1.0, duration_s=1.0, channel=1)
    assert sample_rate == rate
    np.testing.assert_allclose(samples, tones[rate : 2 * rate, 1], atol=1e-4)
    np.testing.assert_allclose(read_player()[0], tones.mean(axis=1), atol=1e-4)
    text = Page(report_of(clip, clips=clips_of(clip, channel=5), features={})).text
    assert "cannot be read" in text


@pytest.mark.parametrize("content", [None, b"", b"no audio at all"])
def test_a_recording_that_is_gone_is_named_and_the_report_complete(scored, tmp_path, content):
    path = tmp_path / "gone.wav"
    if content is not None:
        path.write_bytes(content)
    page = Page(report_of(scored.assign(path=str(path))))
    assert page.all("audio") == []
    assert f"cannot be read anymore: {path}" in page.text
    assert page.chapters == ["result", "sections", "map", "clips", "provenance"]


def test_long_recordings_of_high_rate_are_cut_with_a_note(scored, tmp_path):
    long = write_recordings(scored.head(2), tmp_path, seconds=40, rate=48000)
    report = report_of(long, features={})
    assert len(report) < 3_000_000
    first, length = re.search(r"the first ([\d.]+) of ([\d.]+) s;", report).groups()
    assert float(length) == 40
    assert 3 < float(first) < 10
