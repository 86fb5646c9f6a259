"""Limits must find faults of the sensor, and leave healthy and anomalous recordings alone."""

import numpy as np
import pytest
from scipy import signal

from asd_tf.data.health.measures import LEVEL, measure, no_measures
from asd_tf.data.health.sensor import OK, SensorLimits, verdicts_without_limits

RATE, SAMPLES = 16000, 16000


def machine(rng, level_db=0.0, tone=300.0):
    """A tone in noise that falls with the frequency, at a level that varies by 2 dB."""
    time = np.arange(SAMPLES) / RATE
    colored = signal.lfilter([1], [1, -0.8], rng.normal(size=SAMPLES)) * 0.02
    wave = colored + 0.05 * np.sin(2 * np.pi * tone * time + rng.uniform(0, 6))
    return wave * 10 ** ((level_db + rng.normal(0, 2)) / 20)


def measured(waves):
    return measure(np.stack(waves).astype(np.float32), RATE)


@pytest.fixture(scope="module")
def limits():
    rng = np.random.default_rng(0)
    waves = [machine(rng) for _ in range(40)] + [machine(rng, -6) for _ in range(4)]
    return SensorLimits.fit(measured(waves), np.array(["source"] * 40 + ["target"] * 4))


def verdicts(limits, change=lambda wave, rng: wave, count=30):
    rng = np.random.default_rng(1)
    return list(limits.verdicts(measured([change(machine(rng), rng) for _ in range(count)])))


def low_pass(wave, rng):
    return signal.sosfilt(signal.ellip(8, 0.1, 80, 3500, fs=RATE, output="sos"), wave)


def lose(wave, rng):
    start = rng.integers(0, SAMPLES // 2)
    wave[start : start + SAMPLES // 8] = 0
    return wave


def hum(wave, rng):
    time = np.arange(SAMPLES) / RATE
    return wave + sum(0.08 / k * np.sin(2 * np.pi * 50 * k * time) for k in range(1, 9))


FAULTS = {
    "silent": lambda wave, rng: rng.normal(0, 1e-5, SAMPLES),
    "clipped": lambda wave, rng: np.clip(wave, -0.06, 0.06),
    "dropouts": lose,
    "gain": lambda wave, rng: wave * 15,
    "bandwidth": low_pass,
    "hum": hum,
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_named(limits, name):
    found = verdicts(limits, FAULTS[name])
    assert all(name in verdict.split("+") for verdict in found)


def test_healthy_recordings_are_ok(limits):
    """Also those of the few of a target domain, which are quieter."""
    assert set(verdicts(limits)) == {OK}
    rng = np.random.default_rng(2)
    assert set(limits.verdicts(measured([machine(rng, -6) for _ in range(30)]))) == {OK}


def test_faults_of_the_machine_are_none_of_the_sensor(limits):
    """A new tone, a rattle or another speed must not count as a fault of the sensor."""
    time = np.arange(SAMPLES) / RATE
    for change in (
        lambda wave, rng: wave + 0.3 * np.sin(2 * np.pi * 1700 * time),
        lambda wave, rng: wave
        + 0.1 * rng.normal(size=SAMPLES) * (np.sin(2 * np.pi * 7 * time) > 0.9),
        lambda wave, rng: machine(rng, tone=450.0),
    ):  # fmt: skip
        assert set(verdicts(limits, change)) == {OK}


def test_several_faults_are_all_named(limits):
    found = verdicts(limits, lambda wave, rng: np.clip(wave * 30, -1, 1))
    assert set(found) == {"clipped+gain"}


def test_a_few_faulty_training_windows_do_not_move_the_limits():
    rng, domains = np.random.default_rng(0), np.array(["source"] * 60)
    waves = [machine(rng) for _ in range(60)]
    clean = SensorLimits.fit(measured(waves), domains)
    waves[3], waves[40] = np.clip(waves[3], -0.06, 0.06), np.zeros(SAMPLES)
    again = SensorLimits.fit(measured(waves), domains)
    assert (again.clipped, again.gain_db) == (pytest.approx(clean.clipped, abs=1e-3), clean.gain_db)
    assert again.verdicts(measured(waves))[[3, 40]].tolist() == ["clipped", "silent"]


def test_what_is_not_measured_has_no_verdict(limits):
    assert limits.verdicts(no_measures(2)).tolist() == [None, None]
    assert SensorLimits.fit(no_measures(3), np.array(["source"] * 3)) is None
    values = no_measures(3)
    values[:2, LEVEL] = [-95, -30]
    assert verdicts_without_limits(values).tolist() == ["silent", None, None]


def test_limits_are_read_as_they_were_written(limits):
    assert SensorLimits.from_json(limits.to_json()) == limits
