"""A plant must be reproducible clip by clip, honest in its labels, and shifted between domains."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from scipy.io import wavfile

from asd_tf.data.layouts.readers import read_clips
from asd_tf.data.simulation.dataset import planned_clips, simulate, simulate_clip
from asd_tf.data.simulation.machine import Fault
from asd_tf.data.simulation.plant.family import PLANT
from asd_tf.data.simulation.plant.machines import KINDS
from asd_tf.data.simulation.plant.options import PlantOptions
from asd_tf.data.simulation.plant.synthesis import (
    SEVERITY,
    condition,
    parts_of,
    signal_to_noise_db,
)
from asd_tf.errors import UsageError

OPTIONS = PlantOptions(seconds=2.0)
TINY = PlantOptions(
    machines=("fan", "slider"), sections=1, seconds=0.5, train_source=3, train_target=2,
    test_normal=2, test_anomaly=2,
)  # fmt: skip
NAME = re.compile(
    r"section_\d\d_(source|target)_(train|test)_(normal|anomaly)_\d{4}(_[a-z]+_[a-z0-9A-Z]+)+\.wav"
)
FAULTS = [(machine, fault) for machine, kind in KINDS.items() for fault in kind.faults]


def a_clip(machine="fan", domain="source", label="normal", index=0, options=OPTIONS, section=0):
    return PLANT.clip(options, machine, section, "test", domain, label, index)


def rms(wave):
    return np.sqrt(np.mean(np.square(wave, dtype=float)))


def band_levels(wave):
    """Levels of 40 equal bands in decibels."""
    power = np.abs(np.fft.rfft(wave)) ** 2
    return 10 * np.log10([part.mean() for part in np.array_split(power, 40)])


def level_statistics(wave):
    """Mean and standard deviation over time of the levels of 32 equal bands in decibels."""
    frames = np.lib.stride_tricks.sliding_window_view(wave, 1024)[::512] * np.hanning(1024)
    power = np.abs(np.fft.rfft(frames)) ** 2
    levels = 10 * np.log10([part.mean(axis=1) + 1e-9 for part in np.array_split(power, 32, axis=1)])
    return np.concatenate([levels.mean(axis=1), levels.std(axis=1)])


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("plant") / "tiny", TINY, threads=1)


@pytest.mark.parametrize("machine", KINDS)
def test_every_kind_has_faults_and_a_shift(machine):
    """A type of machine must have 3 to 5 faults, and settings that only the target domain has."""
    kind = KINDS[machine]
    assert 3 <= len(set(kind.faults)) == len(kind.faults) <= 5
    source, target = kind.settings["source"], kind.settings["target"]
    assert len(source) > 1
    assert not any(settings in source for settings in target)


def test_at_least_six_kinds_are_there():
    """A plant must have many types of machines."""
    assert len(KINDS) >= 6


@pytest.mark.parametrize("machine", KINDS)
@pytest.mark.parametrize("label", ["normal", "anomaly"])
def test_waves_are_sound(machine, label):
    """A clip must be finite, neither silent nor at the converter's limits, centered at zero."""
    for domain in ("source", "target"):
        for index in range(0, 20, 4):
            clip = a_clip(machine, domain, label, index)
            wave = simulate_clip(clip, OPTIONS)
            assert wave.shape == (32000,)
            assert wave.dtype == np.float32
            assert np.isfinite(wave).all()
            assert 0.002 < rms(wave) < 0.2
            assert np.mean(np.abs(wave) >= 1) < 1e-3
            assert abs(wave.mean()) < 1e-3


def test_files_are_those_of_dcase_2022(tiny):
    """Names, format and tables must be those of DCASE 2022, equal for both labels."""
    clips, dataset = read_clips(tiny)
    assert dataset == "dcase2022"
    assert len(clips) == 2 * (3 + 2 + 4 * 2)
    assert set(clips["domain"]) == {"source", "target"}
    for path in tiny.rglob("*.wav"):
        assert NAME.fullmatch(path.name), path.name
        rate, wave = wavfile.read(path)
        assert (rate, wave.dtype, wave.shape) == (16000, np.int16, (8000,))
    assert (tiny / "dev_data" / "slider" / "attributes_00.csv").is_file()


def test_what_was_drawn_is_told(tiny):
    """Fault, severity and signal-to-noise ratio of each clip must be in a table beside the data."""
    table = pd.read_csv(tiny / "faults.csv", keep_default_na=False).set_index("file_name")
    assert len(table) == len(list(tiny.rglob("*.wav")))
    for clip in planned_clips(TINY):
        row = table.loc[clip.path.relative_to("dev_data").as_posix()]
        assert (row["fault"], bool(row["severity"])) == (clip.fault or "", clip.fault is not None)
        assert abs(row["snr_db"] - signal_to_noise_db(clip, TINY)) < 0.01


def test_threads_do_not_matter(tiny, tmp_path):
    """Any number of threads must give the same bytes."""
    assert content(simulate(tmp_path / "again", TINY, threads=3)) == content(tiny)


def test_any_clip_can_be_made_alone(tiny):
    """A clip must not depend on those that were made before it."""
    for clip in list(planned_clips(TINY))[::-5]:
        wave = np.round(simulate_clip(clip, TINY) * 32767).astype(np.int16)
        assert np.array_equal(wavfile.read(tiny / clip.path)[1], wave)


def test_other_clips_do_not_change_a_clip(tiny):
    """Additional machines, sections or clips must not change the others."""
    more = dataclasses.replace(
        TINY, machines=("valve", "slider", "fan"), sections=3, train_source=9, test_anomaly=30
    )
    planned = {clip.path: clip for clip in planned_clips(more)}
    for clip in list(planned_clips(TINY))[::4]:
        wave = np.round(simulate_clip(planned[clip.path], more) * 32767).astype(np.int16)
        assert np.array_equal(wavfile.read(tiny / clip.path)[1], wave)


def test_each_part_of_a_clips_identity_changes_its_sound():
    """Different clips must not be copies of each other, nor share their surroundings."""
    clips = [
        a_clip(), a_clip("pump"), a_clip(domain="target"), a_clip(label="anomaly"),
        a_clip(index=4), a_clip(section=1), dataclasses.replace(a_clip(), split="train"),
    ]  # fmt: skip
    parts = [parts_of(clip, OPTIONS, Fault()) for clip in clips]
    parts.append(parts_of(clips[0], dataclasses.replace(OPTIONS, seed=1), Fault()))
    for name in ("machine", "surroundings", "self_noise"):
        waves = [getattr(part, name)[:, 0] for part in parts]
        for i, wave in enumerate(waves):
            for other in waves[:i]:
                assert abs(np.corrcoef(wave, other)[0, 1]) < 0.6


@pytest.mark.parametrize(("machine", "fault"), FAULTS)
def test_a_fault_grows_from_nothing(machine, fault):
    """Severity 0 must be a healthy machine to the last bit, and more severity more difference."""
    options = dataclasses.replace(OPTIONS, seconds=6.0)
    clip = a_clip(machine, options=options)
    healthy = parts_of(clip, options, Fault())
    none = parts_of(clip, options, Fault(fault, 0.0))
    for name in ("machine", "surroundings", "self_noise"):
        assert np.array_equal(getattr(healthy, name), getattr(none, name))
    usual = level_statistics(healthy.machine[:, 0])
    changes = []
    for severity in (0.01, 0.2, 1.0):
        faulty = parts_of(clip, options, Fault(fault, severity))
        assert np.array_equal(healthy.surroundings, faulty.surroundings)
        changes.append(np.abs(level_statistics(faulty.machine[:, 0]) - usual).mean())
    assert changes[0] < changes[1] < changes[2]
    assert changes[2] > 0.25


def test_severities_are_spread_evenly_on_a_logarithmic_scale():
    """Severities must reach from inaudible to plain."""
    clips = [a_clip(label="anomaly", index=k) for k in range(400)]
    severities = np.array([condition(clip, OPTIONS).severity for clip in clips])
    share = np.log(severities / SEVERITY[0]) / np.log(SEVERITY[1] / SEVERITY[0])
    assert share.min() > 0
    assert share.max() < 1
    assert np.allclose(np.histogram(share, 4, (0, 1))[0], 100, atol=30)
    assert condition(a_clip(), OPTIONS) == Fault()


@pytest.mark.parametrize("label", ["normal", "anomaly"])
def test_the_signal_to_noise_ratio_is_honored(label):
    """The levels of the parts must differ by what was drawn, between the limits of the options."""
    drawn = []
    for index in range(0, 24, 3):
        clip = a_clip("gearbox", label=label, index=index)
        parts = parts_of(clip, OPTIONS, condition(clip, OPTIONS))
        ratio = 20 * np.log10(rms(parts.machine) / rms(parts.surroundings))
        assert abs(ratio - signal_to_noise_db(clip, OPTIONS)) < 0.01
        drawn.append(ratio)
    assert min(drawn) >= -5
    assert max(drawn) <= 10
    assert np.ptp(drawn) > 5


def test_loudness_does_not_depend_on_the_fault():
    """A faulty machine must have the level of a healthy one."""
    clip = a_clip("compressor")
    usual = rms(parts_of(clip, OPTIONS, Fault()).machine)
    assert np.isclose(rms(parts_of(clip, OPTIONS, Fault("leak", 1.0)).machine), usual, rtol=1e-3)


@pytest.mark.parametrize("machine", KINDS)
def test_the_target_domain_sounds_otherwise(machine):
    """Between the domains spectra must differ by more than between clips of one domain."""
    levels = {
        domain: np.array(
            [
                band_levels(
                    parts_of(a_clip(machine, domain, index=k), OPTIONS, Fault()).machine[:, 0]
                )
                for k in range(4)
            ]
        )
        for domain in ("source", "target")
    }
    shift = np.abs(levels["source"].mean(axis=0) - levels["target"].mean(axis=0))
    assert shift.max() > 1.5


def test_labels_leave_no_mark_but_the_fault():
    """Both labels must have the same settings, in the same shares."""
    for domain in ("source", "target"):
        used = {
            label: [a_clip("pump", domain, label, index).attributes for index in range(20)]
            for label in ("normal", "anomaly")
        }
        assert used["normal"] == used["anomaly"]


def test_sessions_move_the_microphone_a_little():
    """Sessions must be named, other ones in the test, and differ by less than places do."""
    options = dataclasses.replace(OPTIONS, sessions=3)
    train = [PLANT.clip(options, "fan", 0, "train", "source", "normal", k) for k in range(6)]
    test = [PLANT.clip(options, "fan", 0, "test", "source", "normal", k) for k in range(6)]
    assert [clip.attributes["ses"] for clip in train] == ["00", "01", "02"] * 2
    assert [clip.attributes["ses"] for clip in test] == ["03", "04", "05"] * 2
    assert all(re.search(r"_ses_0[0-5]\.wav$", clip.path.name) for clip in train + test)
    here, there = (dataclasses.replace(train[0], more={"ses": name}) for name in ("00", "01"))
    waves = [parts_of(clip, options, Fault()).machine[:, 0] for clip in (here, there)]
    change = np.abs(band_levels(waves[0]) - band_levels(waves[1]))
    assert 0.05 < change.mean() < 4


def test_two_microphones_hear_the_same_events():
    """The near channel must be that of one microphone; the far one hears less of the machine."""
    two = dataclasses.replace(OPTIONS, microphones=2)
    clip = a_clip("valve")
    both = simulate_clip(clip, two)
    assert both.shape == (32000, 2)
    assert np.array_equal(both[:, 0], simulate_clip(clip, OPTIONS))
    parts = parts_of(clip, two, Fault())
    assert rms(parts.machine[:, 1]) < 0.8 * rms(parts.machine[:, 0])
    assert 0.5 < rms(parts.surroundings[:, 1]) / rms(parts.surroundings[:, 0]) < 2


def test_files_of_two_microphones_have_two_channels(tmp_path):
    """Both channels must be in the file."""
    options = dataclasses.replace(TINY, machines=("fan",), microphones=2)
    folder = simulate(tmp_path / "two", options)
    assert {wavfile.read(path)[1].shape for path in folder.rglob("*.wav")} == {(8000, 2)}


def test_long_recordings_are_made():
    """A minute must be possible, without a gap or a repetition."""
    options = dataclasses.replace(OPTIONS, seconds=60.0)
    wave = simulate_clip(a_clip("conveyor", options=options), options)
    assert wave.shape == (960000,)
    levels = [rms(part) for part in np.array_split(wave, 60)]
    assert min(levels) > 0.3 * np.median(levels)
    first, second = wave[:384000], wave[384000:768000]  # what is computed of neighbors is 24 s
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.5


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"machines": ("fan", "toaster")}, "unknown machine 'toaster'"),
        ({"sections": 100}, "sections=100: must be at least 1 and at most 99"),
        ({"seconds": 601}, "seconds=601"),
        ({"snr_spread_db": -1}, "snr_spread_db=-1"),
        ({"sessions": -1}, "sessions=-1"),
        ({"microphones": 3}, "microphones=3: must be at least 1 and at most 2"),
    ],
)
def test_impossible_options_are_refused(values, message):
    """A wrong option must be refused at once, in one line."""
    with pytest.raises(UsageError, match=re.escape(message)):
        PlantOptions(**values)
