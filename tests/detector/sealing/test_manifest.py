"""The manifest of a detector must be whole, in range, and about plain files of its own folder."""

import json
import os

import pytest
from sealed import detector_of_format, refusal_of, reseal

from asd_tf.data.health.sensor import SensorLimits
from asd_tf.detector import folder as detector_folder
from asd_tf.detector.sealing import schema
from asd_tf.detector.sealing.manifest import MANIFEST, digest_of, read_manifest, with_digest
from asd_tf.files import read_json, write_json
from asd_tf.methods.common.checks import LIMITS

HISTORY = {"verb": "add", "time": "2026-11-30", "asd_tf": "0.2.0", "parent": "0" * 64}


@pytest.fixture
def detector(tmp_path):
    return detector_of_format(4, tmp_path)


def in_group(key, value):
    return lambda manifest: manifest["groups"][0].__setitem__(key, value)


def in_threshold(key, value):
    return lambda manifest: manifest["groups"][0]["threshold"].__setitem__(key, value)


def in_scorer(key, value):
    return lambda manifest: manifest["groups"][0]["scoring"]["scorers"][0].__setitem__(key, value)


def in_sensor(key, value):
    limits = SensorLimits([-50.0] * 12, -70.0, [-12.0, 12.0], 20.0, 0.002, 0.02, 9.0).to_json()
    return in_group("sensor", {**limits, key: value})


def at_top(key, value):
    return lambda manifest: manifest.__setitem__(key, value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (at_top("sample_rate", -1), "sample_rate must be an integer from 2000 to 192000, not -1"),
        (at_top("sample_rate", 16000.5), "sample_rate must be an integer"),
        (at_top("sample_rate", True), "sample_rate must be an integer"),
        (at_top("sample_rate", None), "sample_rate must be an integer"),
        (at_top("samples", 10**8), "samples/sample_rate, in seconds, must be"),
        (at_top("channel", -1), "channel must be an integer from 0"),
        (at_top("kind", "other"), "kind must be single or fused"),
        (at_top("extractors", []), "extractors must be a list of 1 to"),
        (at_top("extractors", ["features", "features"]), "a list without repetitions"),
        (at_top("extractors", ["../features"]), "a name inside of the detector's folder"),
        (at_top("extractors", ["..\\features"]), "a name inside of the detector's folder"),
        (at_top("groups", {}), "groups must be a list"),
        (lambda manifest: manifest.pop("groups"), "an object with the key groups"),
        (lambda manifest: manifest["groups"].append(manifest["groups"][0]), "repetitions"),
        (in_group("folder", "/etc"), r"groups\[0\].folder must be a name inside"),
        (in_group("machine", 3), "machine must be a text"),
        (in_group("number", -1), "number must be an integer from 0"),
        (in_threshold("value", "1"), "threshold.value must be a finite number, not '1'"),
        (in_threshold("false_alarms", 2.0), "threshold.false_alarms must be a number from 1e-06"),
        (in_threshold("rule", "best"), "threshold.rule must be conformal or gamma or"),
        (in_scorer("weight", -1.0), "weight must be a number from 0"),
        (in_scorer("pool", "worst"), "pool must be a way of pooling"),
        (in_scorer("pool", {"softmax": {"alpha": 1, "trim": 3}}), "pool must be a way of pooling"),
        (in_scorer("extractor", "other"), "must be features, not 'other'"),
        (in_scorer("fit_on", "all"), "fit_on must be items or mean"),
        (at_top("calibration", {"rule": "best"}), "calibration.rule must be conformal or gamma"),
        (at_top("state_column", 1), "state_column must be a text"),
        (in_group("sensor", {}), "sensor must be an object with the key bands_db"),
        (in_sensor("bands_db", [0.0] * 11), "sensor.bands_db must be a list of 12 items"),
        (in_sensor("gain_db", [0, "1"]), "gain_db[1] must be a number from -400 to 400, not '1'"),
        (in_sensor("clipped", 1.5), "sensor.clipped must be a number from 0 to 1"),
        (at_top("history", [{**HISTORY, "added": 1}]), "history[0].added must be a list"),
        (at_top("history", [{**HISTORY, "before": "1"}]), "history[0].before must be a number"),
        (at_top("history", [{**HISTORY, "removed": [{}]}]), "removed[0] must be an object with"),
        (in_group("off", {"level_db": [0]}), "off.level_db must be a list of 2 items"),
    ],
)  # fmt: skip
def test_values_out_of_range_are_named(detector, change, message):
    """A manifest with a right digest must still have values that make sense."""
    reseal(detector, change)
    assert message.replace("\\", "") in refusal_of(detector).replace("\\", "")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_not_finite_are_refused(detector, number):
    """A threshold that no score exceeds must not be loaded, whatever the digest."""
    text = (detector / MANIFEST).read_text()
    value = json.loads(text)["groups"][0]["threshold"]["value"]
    (detector / MANIFEST).write_text(text.replace(repr(value), number))
    assert "the file is damaged" in refusal_of(detector)


def test_ranges_are_those_of_recipes():
    """What a recipe may say, a detector may hold."""
    assert LIMITS["sample_rate"] == schema.SAMPLE_RATES
    assert LIMITS["false_alarms"] == schema.FALSE_ALARMS
    low, high = LIMITS["seconds"]
    assert schema.SECONDS[0] <= low and high <= schema.SECONDS[1]


def test_the_digest_covers_every_value(detector):
    """A change of any value must change the digest; the layout of the file must not."""
    manifest = read_json(detector / MANIFEST)
    assert digest_of(manifest) == manifest["digest"]

    def changed(value):
        """Yields copies in which one value or key differs."""
        if isinstance(value, dict):
            for key, item in value.items():
                yield {**{k: v for k, v in value.items() if k != key}, f"{key}x": item}
                yield from ({**value, key: other} for other in changed(item))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield value[:index] + value[index + 1 :]
                yield from ([*value[:index], o, *value[index + 1 :]] for o in changed(item))
        else:
            yield f"{value}x"

    del manifest["digest"]
    digests = [digest_of(other) for other in changed(manifest)]
    assert len(digests) > 100 and len(set(digests)) == len(digests)
    (detector / MANIFEST).write_text(json.dumps(with_digest(manifest)))
    assert read_manifest(detector)["digest"] == digest_of(manifest)


def test_an_altered_manifest_is_refused(detector):
    """A threshold that was changed by hand must be refused."""
    manifest = read_json(detector / MANIFEST)
    manifest["groups"][0]["threshold"]["value"] += 1e-9
    write_json(detector / MANIFEST, manifest)
    assert "was altered (its digest differs)" in refusal_of(detector)


def test_a_digest_cannot_be_left_out(detector):
    """A manifest of format 3 needs a digest, and one that calls itself 2 must not have another."""
    manifest = read_json(detector / MANIFEST)
    write_json(detector / MANIFEST, {**manifest, "format_version": 2})
    assert "its digest differs" in refusal_of(detector)
    del manifest["digest"]
    write_json(detector / MANIFEST, manifest)
    assert "its digest differs" in refusal_of(detector)


@pytest.mark.parametrize(
    "content", [b"[" * 10**6, b"\xff\xfe{", b"9" * 10**5, b'{"format_version": "3"}']
)
def test_manifests_that_are_no_json_are_one_line(detector, content):
    """Nested, binary and huge manifests must be refused."""
    (detector / MANIFEST).write_bytes(content)
    assert "the file is damaged" in refusal_of(detector)


@pytest.mark.parametrize("make", [os.symlink, lambda _, path: os.mkfifo(path)])
def test_links_and_pipes_are_refused(detector, tmp_path, make):
    """A detector must not lead to files elsewhere, nor to a pipe on which reading would wait."""
    target = tmp_path / "scores.csv"
    (detector / "calibration" / "scores.csv").rename(target)
    make(target, detector / "calibration" / "scores.csv")
    assert "calibration/scores.csv is a link or no plain file" in refusal_of(detector)


def test_links_to_folders_are_refused(detector, tmp_path):
    """A folder of a detector must not lie elsewhere."""
    (detector / "backends").rename(tmp_path / "backends")
    (detector / "backends").symlink_to(tmp_path / "backends", target_is_directory=True)
    assert "backends is a link" in refusal_of(detector)


def test_a_link_to_a_detector_is_followed(detector, tmp_path):
    """The folder itself may be given by a link, as a user may keep detectors anywhere."""
    (tmp_path / "link").symlink_to(detector, target_is_directory=True)
    assert read_manifest(tmp_path / "link") == read_manifest(detector)


def test_files_are_limited(detector, monkeypatch):
    """Number, size and depth of files must be limited before any is read."""
    monkeypatch.setattr(detector_folder, "MAX_FILES", 3)
    assert "has more than 3 files" in refusal_of(detector)
    monkeypatch.setattr(detector_folder, "MAX_FILES", 100)
    with (detector / "sparse").open("wb") as file:
        file.truncate(detector_folder.MAX_BYTES)
    assert "has more than 64 GiB" in refusal_of(detector)
    (detector / "sparse").unlink()
    (detector / "/".join(["a"] * 40)).mkdir(parents=True)
    assert "no plain file" in refusal_of(detector)
