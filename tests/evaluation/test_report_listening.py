"""The player would play another clip than the card names, or none."""

import base64
import io
import re

import numpy as np
import pytest
import soundfile
from reports import Page, clips_of, report_of, write_recordings


def test_what_is_heard_is_the_clip(scored, tmp_path):
    """A part of a file, one channel of it, at the level and rate of the recording."""
    rate = 8000
    tones = np.zeros((3 * rate, 2))
    tones[rate : 2 * rate, 1] = 0.25 * np.sin(np.arange(rate))
    soundfile.write(tmp_path / "long.wav", tones, rate, subtype="PCM_16")
    one = scored.head(1).assign(path=str(tmp_path / "long.wav"))

    def heard(**columns):
        (audio,) = Page(report_of(one, clips=clips_of(one, **columns), features={})).all("audio")
        content = base64.b64decode(audio["src"].removeprefix("data:audio/flac;base64,"))
        return soundfile.read(io.BytesIO(content))

    samples, heard_rate = heard(start_s=1.0, duration_s=1.0, channel=1)
    assert heard_rate == rate
    np.testing.assert_allclose(samples, tones[rate : 2 * rate, 1], atol=1e-4)
    np.testing.assert_allclose(heard()[0], tones.mean(axis=1), atol=1e-4)
    text = Page(report_of(one, clips=clips_of(one, channel=5), features={})).text
    assert "could not be read" in text


@pytest.mark.parametrize("content", [None, b"", b"no audio at all"])
def test_a_recording_that_is_gone_is_named_and_the_rest_stands(scored, tmp_path, content):
    path = tmp_path / "gone.wav"
    if content is not None:
        path.write_bytes(content)
    page = Page(report_of(scored.assign(path=str(path))))
    assert page.all("audio") == []
    assert f"could not be read any more: {path}" in page.text
    assert page.parts == ["result", "sections", "map", "clips", "provenance"]


def test_long_and_high_rate_recordings_are_cut_and_it_is_said(scored, tmp_path):
    long = write_recordings(scored.head(2), tmp_path, seconds=40, rate=48000)
    report = report_of(long, features={})
    assert len(report) < 3_000_000
    first, whole = re.search(r"the first ([\d.]+) of ([\d.]+) s are here", report).groups()
    assert float(whole) == 40
    assert 3 < float(first) < 10
