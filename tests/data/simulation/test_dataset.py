"""The simulated data set must be reproducible, laid out as DCASE 2022, and as its options say."""

import csv
import dataclasses
import re

import numpy as np
import pytest
from scipy.io import wavfile

from asd_tf.data.simulation import dataset as simulated
from asd_tf.data.simulation.dataset import SimulationOptions, simulate, simulate_clip
from asd_tf.data.simulation.simple.family import SIMPLE
from asd_tf.data.simulation.simple.machines import MACHINES
from asd_tf.errors import InputError, UsageError
from asd_tf.files import read_json, write_json

SMALL = SimulationOptions(
    machines=("fan", "valve"), seconds=0.5, train_source=5, train_target=3, test_normal=2,
    test_anomaly=9,
)  # fmt: skip
NAME = re.compile(
    r"section_(0\d)_(source|target)_(train|test)_(normal|anomaly)_(\d{4})((?:_[a-z]+_[a-z0-9A-Z]+)+)"
    r"\.wav"
)


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def a_clip(machine="fan", section=0, split="test", domain="source", label="normal", index=0):
    return SIMPLE.clip(SMALL, machine, section, split, domain, label, index)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("simulated") / "data" / "small", SMALL)


def test_every_clip_stands_where_dcase_2022_has_it(small):
    """Each planned clip must have a file whose name fits the layout."""
    counted = {}
    for path in (small / "dev_data").rglob("*.wav"):
        machine, split = path.parent.parent.name, path.parent.name
        match = NAME.fullmatch(path.name)
        assert match, path.name
        assert match[3] == split
        key = (machine, match[1], split, match[2], match[4])
        counted.setdefault(key, set()).add(int(match[5]))
    expected = {}
    for machine in ("fan", "valve"):
        for section in ("00", "01"):
            expected[machine, section, "train", "source", "normal"] = set(range(5))
            expected[machine, section, "train", "target", "normal"] = set(range(3))
            for domain in ("source", "target"):
                expected[machine, section, "test", domain, "normal"] = set(range(2))
                expected[machine, section, "test", domain, "anomaly"] = set(range(9))
    assert counted == expected


def test_attributes_table_agrees_with_the_names(small):
    """The table of a section must list all its clips, with the attributes of their names."""
    for machine in ("fan", "valve"):
        for section in ("00", "01"):
            with (small / "dev_data" / machine / f"attributes_{section}.csv").open() as file:
                rows = list(csv.DictReader(file))
            assert list(rows[0]) == ["file_name", "d1p", "d1v", "d2p", "d2v"]
            files = {
                path for path in small.rglob(f"section_{section}_*.wav") if machine in path.parts
            }
            assert {small / "dev_data" / row["file_name"] for row in rows} == files
            for row in rows:
                text = "_".join([row["d1p"], row["d1v"], row["d2p"], row["d2v"]])
                assert row["file_name"].endswith(f"_{text}.wav")


@pytest.mark.parametrize("machine", MACHINES)
def test_target_domain_has_settings_of_its_own(machine):
    """The target domain must have attribute values that the source domain does not have."""
    source, target = MACHINES[machine].settings["source"], MACHINES[machine].settings["target"]
    assert len(source) > 1
    assert not any(settings in source for settings in target)
    assert any(
        value not in {other[name] for other in source}
        for settings in target
        for name, value in settings.items()
    )


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("domain", ["source", "target"])
def test_anomalies_show_every_fault(machine, domain):
    """The 25 default anomalies of a domain must include every fault of the machine."""
    found = {a_clip(machine, domain=domain, label="anomaly", index=k).fault for k in range(25)}
    assert found == set(MACHINES[machine].faults)
    assert len(found) >= 4


def test_files_are_16_khz_mono_16_bit(small):
    """Files must have the format of DCASE, and be neither silent nor clipped."""
    for path in small.rglob("*.wav"):
        rate, wave = wavfile.read(path)
        assert rate == 16000
        assert wave.dtype == np.int16
        assert wave.shape == (8000,)
        assert 0 < np.abs(wave.astype(int)).max() < 32767


@pytest.mark.parametrize("machine", MACHINES)
def test_levels_are_sound(machine):
    """A clip must be finite and centered at zero, and neither silent nor clipped."""
    options = SimulationOptions(seconds=1.0)
    for label in ("normal", "anomaly"):
        for index in range(20):
            wave = simulate_clip(a_clip(machine, index % 3, label=label, index=index), options)
            assert wave.dtype == np.float32
            assert wave.shape == (16000,)
            assert np.isfinite(wave).all()
            assert np.abs(wave).max() < 1
            assert 0.005 < np.sqrt(np.mean(wave**2)) < 0.2
            assert abs(wave.mean()) < 0.01


def test_same_options_give_the_same_bytes(small, tmp_path):
    """The same options must give the same files."""
    assert content(simulate(tmp_path / "again", SMALL)) == content(small)


def test_other_clips_do_not_change_a_clip(small, tmp_path):
    """Additional machines, sections or clips must not change the others."""
    more = dataclasses.replace(
        SMALL, machines=("valve", "bearing", "fan"), sections=3, train_source=6, test_anomaly=10
    )
    few, many = content(small), content(simulate(tmp_path / "more", more))
    names = [name for name in few if name.endswith(".wav")]
    assert len(names) == 2 * 2 * (5 + 3 + 2 * 2 + 2 * 9)
    assert all(few[name] == many[name] for name in names)


def test_each_part_of_a_clips_identity_changes_its_sound():
    """Different clips must not be copies of each other."""
    clips = [
        a_clip(),
        a_clip(machine="gearbox"),
        a_clip(section=1),
        a_clip(split="train"),
        a_clip(domain="target"),
        a_clip(label="anomaly"),
        a_clip(index=4),  # of the same settings
    ]
    waves = [simulate_clip(clip, SMALL) for clip in clips]
    waves.append(simulate_clip(a_clip(), dataclasses.replace(SMALL, seed=1)))
    for i, wave in enumerate(waves):
        for other in waves[:i]:
            assert abs(np.corrcoef(wave, other)[0, 1]) < 0.5


def test_attributes_change_the_lines_of_a_fan():
    """The blade-passing frequency must be that of the speed in the name."""
    options = SimulationOptions(seconds=4.0, snr_db=30.0)
    fan = MACHINES["fan"].units[0]
    for index in range(4):
        clip = a_clip(index=index)
        passing = fan.blades * fan.ratio * float(clip.attributes["spd"])
        wave = simulate_clip(clip, options)
        spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave))))
        around = round(passing * 4)
        peak = around - 100 + np.argmax(spectrum[around - 100 : around + 101])
        assert abs(peak / 4 / passing - 1) < 0.005
        assert spectrum[peak] > 20 * np.median(spectrum[around - 100 : around + 101])


def test_noise_option_sets_how_far_the_machine_stands_out():
    """A higher signal-to-noise ratio must give more prominent lines."""

    def peakiness(snr_db):
        options = SimulationOptions(snr_db=snr_db)
        ratios = []
        for index in range(5):
            spectrum = np.abs(np.fft.rfft(simulate_clip(a_clip(index=index), options)))[400:6000]
            ratios.append(spectrum.max() / np.median(spectrum))
        return np.median(ratios)

    assert peakiness(20.0) > 2 * peakiness(0.0) > 4 * peakiness(-20.0)


def test_length_option_is_kept():
    """Clips must have the length of the options."""
    wave = simulate_clip(a_clip(), dataclasses.replace(SMALL, seconds=0.75))
    assert wave.shape == (12000,)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"machines": ("fan", "toaster")}, "unknown machine 'toaster'"),
        ({"machines": ()}, "machines=: name one or more"),
        ({"machines": ("fan", "fan")}, "machines=fan,fan: name one or more, each once"),
        ({"sections": 4}, "sections=4: must be at least 1 and at most 3"),
        ({"sections": 0}, "sections=0"),
        ({"seconds": 0.1}, "seconds=0.1: must be at least 0.5"),
        ({"seconds": float("nan")}, "seconds=nan"),
        ({"snr_db": float("inf")}, "snr_db=inf"),
        ({"train_source": -1}, "train_source=-1: must be at least 0"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_impossible_options_are_refused(values, message):
    """A wrong option must be refused at once, in one line."""
    with pytest.raises(UsageError, match=re.escape(message)) as raised:
        SimulationOptions(**values)
    assert "\n" not in str(raised.value)


def test_failure_midway_leaves_nothing(tmp_path, monkeypatch):
    """A failure must not leave half a data set, which would be taken for a whole one."""
    written = []

    def fail_at_the_tenth(path, rate, wave):
        written.append(path)
        if len(written) == 10:
            raise OSError(28, "No space left on device", str(path))
        path.write_bytes(b"")

    monkeypatch.setattr(simulated.wavfile, "write", fail_at_the_tenth)
    with pytest.raises(OSError, match="No space left"):
        simulate(tmp_path / "data", SMALL)
    assert len(written) == 10
    assert list(tmp_path.iterdir()) == []


def test_finished_data_set_is_used_again(small):
    """A second call must not write the clips again."""

    def progress(done, total):
        raise AssertionError("a clip was made")

    assert simulate(small, SMALL, progress) == small


def test_progress_counts_to_the_end(tmp_path):
    """The last call of the callback must be with the number of all clips."""
    options = dataclasses.replace(SMALL, machines=("fan",), sections=1, test_anomaly=1)
    calls = []
    simulate(tmp_path / "data", options, lambda done, total: calls.append((done, total)))
    assert calls == [(k, 14) for k in range(1, 15)]


def test_empty_folder_is_filled(tmp_path):
    """An existing empty folder must be accepted."""
    options = dataclasses.replace(SMALL, machines=("fan",), sections=1)
    (tmp_path / "data").mkdir()
    simulate(tmp_path / "data", options)
    assert (tmp_path / "data" / "simulation.json").exists()


def test_other_options_are_refused_and_named(small):
    """Data of other options must not be used silently."""
    before = content(small)
    with pytest.raises(InputError, match=r"small: .*seed=0, not 7") as raised:
        simulate(small, dataclasses.replace(SMALL, seed=7))
    assert "\n" not in str(raised.value)
    with pytest.raises(InputError, match=r"machines=.*fan.*valve.*, not .*valve"):
        simulate(small, dataclasses.replace(SMALL, machines=("valve",)))
    assert content(small) == before


def test_foreign_folder_is_refused_and_kept(tmp_path):
    """A folder with other contents must be refused and left alone."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match=r"mine: is there and holds no simulated machines"):
        simulate(folder, SMALL)
    with pytest.raises(InputError, match=r"thesis\.txt"):
        simulate(folder / "thesis.txt", SMALL)
    assert (folder / "thesis.txt").read_text() == "precious"


def test_data_of_another_version_is_refused(tmp_path):
    """Data of another format version must not pass for current data."""
    folder = simulate(tmp_path / "data", dataclasses.replace(SMALL, machines=("fan",), sections=1))
    manifest = read_json(folder / "simulation.json")
    write_json(folder / "simulation.json", {**manifest, "format_version": 0})
    with pytest.raises(InputError, match="format_version is 0"):
        simulate(folder, SMALL)
    (folder / "simulation.json").write_text("{")
    with pytest.raises(InputError, match=r"simulation\.json: cannot be read"):
        simulate(folder, SMALL)
