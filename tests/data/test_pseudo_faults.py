"""Pseudo-faults: as strong as they say, as long as the clip, and the same each time."""

import numpy as np
import pytest
import soundfile

from asd_tf.data.layouts.readers import read_clips
from asd_tf.data.pseudo_fault_clips import write_pseudo_faults
from asd_tf.data.pseudo_faults import KINDS, STRENGTHS, Band, Recipient, band_of, pseudo_fault, rms

RATE, SAMPLES = 16000, 32000
BAND = Band(800.0, 1600.0)
ADDED = ("tone", "clicks", "band_noise")


@pytest.fixture(scope="module")
def waveform():
    """Noise that falls with frequency, so that bands have different levels."""
    noise = np.random.default_rng(0).normal(size=SAMPLES)
    return 0.1 * np.convolve(noise, 0.9 ** np.arange(30), "same")


def recipient(waveform, strength, **changes):
    return Recipient(waveform, RATE, BAND, strength)._replace(**changes)


@pytest.mark.parametrize("kind", ADDED)
@pytest.mark.parametrize("strength", STRENGTHS)
def test_what_is_added_is_relative_to_the_band_of_the_clip(waveform, kind, strength):
    """A disturbance must be as strong as the strength says, and lie in its band."""
    made = KINDS[kind](recipient(waveform, strength), np.random.default_rng(1))
    added, own = made - waveform, rms(band_of(waveform, RATE, BAND))
    assert rms(added) == pytest.approx(strength * own, rel=1e-6)
    assert rms(band_of(added, RATE, BAND)) > 0.5 * rms(added)


def test_bursts_are_short_and_as_strong_as_their_strength(waveform):
    """A burst must have its strength while it lasts, which is a part of the clip."""
    own = rms(band_of(waveform, RATE, BAND))
    for seed in range(5):
        added = KINDS["bursts"](recipient(waveform, 0.5), np.random.default_rng(seed)) - waveform
        heard = np.abs(added) > 1e-9
        assert 0.02 < heard.mean() < 0.99
        # Bursts may overlap; each alone has the level of the strength.
        assert 0.45 * own < rms(added[heard]) < 1.1 * own


def test_modulation_and_attenuation_change_the_band_alone(waveform):
    """The band must swing by the strength, or lose its share; other bands must stay."""
    in_band = band_of(waveform, RATE, BAND)
    swung = KINDS["modulation"](recipient(waveform, 0.5), np.random.default_rng(0)) - waveform
    assert rms(swung) == pytest.approx(0.5 / 2**0.5 * rms(in_band), rel=0.05)
    weaker = KINDS["attenuation"](recipient(waveform, 1.0), np.random.default_rng(0))
    np.testing.assert_allclose(band_of(weaker, RATE, BAND), in_band / 2, atol=1e-12)
    np.testing.assert_allclose(weaker - band_of(weaker, RATE, BAND), waveform - in_band, atol=1e-12)


def test_speed_moves_a_tone():
    """A recording at another speed must have its tones at other frequencies."""
    tone = np.sin(2 * np.pi * 1000 * np.arange(SAMPLES) / RATE)
    for seed in range(4):
        played = KINDS["speed"](recipient(tone, 1.0), np.random.default_rng(seed))
        hertz = np.argmax(np.abs(np.fft.rfft(played))) * RATE / SAMPLES
        assert hertz == pytest.approx(900, abs=2) or hertz == pytest.approx(1100, abs=2)


def test_another_machine_is_relative_to_the_whole_clip(waveform):
    """What is mixed in must be relative to the whole recording, and cannot be missing."""
    other = np.random.default_rng(5).normal(size=SAMPLES)
    made = KINDS["mixed"](recipient(waveform, 0.25, other=other), np.random.default_rng(0))
    assert rms(made - waveform) == pytest.approx(0.25 * rms(waveform), rel=1e-6)
    with pytest.raises(ValueError, match="another machine"):
        KINDS["mixed"](recipient(waveform, 0.25), np.random.default_rng(0))


@pytest.mark.parametrize("kind", KINDS)
def test_faults_are_as_long_as_the_clip_and_repeat(waveform, kind):
    """The same generator must make the same fault, another one another, of the same length."""
    other = np.random.default_rng(5).normal(size=SAMPLES)
    made = [
        pseudo_fault(kind, waveform, RATE, np.random.default_rng(seed), other) for seed in (3, 3, 4)
    ]
    assert all(len(fault) == SAMPLES and np.isfinite(fault).all() for fault in made)
    np.testing.assert_array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])
    assert not np.allclose(made[0], waveform, atol=1e-9)


@pytest.mark.parametrize("rate", [1000, 16000, 96000])
@pytest.mark.parametrize("kind", KINDS)
def test_short_and_silent_clips_at_every_rate(kind, rate):
    """A clip of a few samples, or of silence, must have a finite pseudo-fault."""
    for samples in (20, 3000):
        other = np.random.default_rng(0).normal(size=samples)
        for given in (np.zeros(samples), 0.1 * other):
            made = pseudo_fault(kind, given, rate, np.random.default_rng(1), other)
            assert made.shape == (samples,)
            assert np.isfinite(made).all()


def write(dataset, folder, most=11, seed=0, others=True):
    clips, _ = read_clips(dataset)
    clips = clips[clips["split"] == "train"]
    fan, valve = (
        clips[clips["machine"] == name].reset_index(drop=True) for name in clips["machine"].unique()
    )
    folder.mkdir()
    return fan, write_pseudo_faults(
        fan.head(3), valve if others else valve.head(0), folder,
        samples=6000, sample_rate=8000, most=most, seed=seed,
    )  # fmt: skip


def test_files_of_pseudo_faults(dataset, tmp_path):
    """Clips must be used in turn, each once for each kind, and keep section and domain."""
    fan, made = write(dataset, tmp_path / "a")
    assert made["source"].value_counts().tolist() == [4, 4, 3]
    assert not made.duplicated(["source", "kind"]).any()
    own = fan.set_index("clip_id").loc[made["source"]]
    assert made["domain"].tolist() == own["domain"].tolist()
    assert made["label"].eq(1).all()
    first, rate = soundfile.read(made["path"][0])
    assert (rate, len(first)) == (8000, 4000)  # clips of half a second stay as short
    _, again = write(dataset, tmp_path / "b")
    _, other = write(dataset, tmp_path / "c", seed=1)
    read = [soundfile.read(table["path"][0])[0] for table in (again, other)]
    np.testing.assert_array_equal(first, read[0])
    assert not np.array_equal(first, read[1])


def test_one_machine_alone(dataset, tmp_path):
    """Without another machine nothing can be mixed in; all other kinds must be there."""
    _, made = write(dataset, tmp_path / "a", most=1000, others=False)
    assert set(made["kind"]) == set(KINDS) - {"mixed"}
    assert len(made) == 3 * (len(KINDS) - 1)
