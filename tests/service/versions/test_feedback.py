"""Alarms that people have judged must change a detector, and anomalies never teach it."""

import numpy as np
import pandas as pd
import pytest
from versions import KINDS, run, write_tones

from asd_tf.detector import Detector
from asd_tf.detector.parts import single_parts
from asd_tf.service.versions.confirmed import ranking_of


def kept(folder, name):
    parts = single_parts(Detector.load(folder)).values()
    return [sorted(getattr(part, name).table["clip_id"].str.split("/").str[-1]) for part in parts]


@pytest.mark.parametrize("kind", KINDS)
def test_dismissed_alarms_join_and_confirmed_ones_are_kept(
    kind, detectors, dataset, tmp_path, capsys, caplog
):
    """Confirmed ones must be ranked without their audio, by this version and by the one before."""
    anomalies = sorted((dataset / "dev_data" / "fan" / "test").glob("section_00_source*anomaly*"))
    alarm = next((write_tones(tmp_path / "new", "00", 1) / "fan" / "train").iterdir())
    gone = tmp_path / "gone" / "fan" / "test" / anomalies[0].name
    gone.parent.mkdir(parents=True)
    gone.write_bytes(anomalies[0].read_bytes())
    table = tmp_path / "alarms.csv"
    pd.DataFrame(
        {
            "path": [alarm, gone, anomalies[1], anomalies[2]],
            "verdict": ["dismissed", "confirmed", "confirmed", ""],
            "comment": ["a passing train", "", "bearing", ""],
            "score": 1.0,
        }
    ).to_csv(table, index=False)
    first, second = tmp_path / "first", tmp_path / "second"
    status, out, _ = run(capsys, "feedback", detectors / kind, table, f"--output={first}")
    assert status == 0
    assert "feedback: added fan 00: 1 recording; confirmed fan 00: 2 recordings" in out
    [line] = [line for line in out.splitlines() if line.startswith("confirmed anomalies, 2 ")]
    assert all(alarm.name in names for names in kept(first, "windows"))
    assert all(gone.name not in names for names in kept(first, "windows"))
    assert kept(first, "confirmed") == [sorted([gone.name, anomalies[1].name])] * (
        2 if kind == "fused" else 1
    )
    comments = next(iter(single_parts(Detector.load(first)).values())).confirmed.table["comment"]
    assert comments.fillna("").tolist() == ["", "bearing"]
    # The kept features must score as the audio does, in both versions.
    old, new = Detector.load(detectors / kind), Detector.load(first)
    for detector, word in ((old, "before"), (new, "now")):
        above = detector.score([gone, anomalies[1]])["decision"].eq(1).mean()
        ranking = ranking_of(detector, new)
        assert ranking.above == above and f"{100 * above:.1f} % {word}" in line
        assert 0.9 < ranking.auc <= 1
    gone.unlink()
    assert run(capsys, "threshold", first, "--false_alarms=0.5", f"--output={second}")[0] == 0
    assert kept(second, "confirmed") == kept(first, "confirmed")
    status, _, err = run(capsys, "feedback", first, table)
    assert status == 1 and "is skipped" not in err


def test_a_verdict_may_be_changed(detectors, tmp_path, capsys, caplog):
    """What was dismissed may be confirmed later, and is then no normal recording; and back."""
    alarms = sorted((write_tones(tmp_path / "new", "01", 2, 340) / "fan" / "train").iterdir())
    table, folders = tmp_path / "alarms.csv", [detectors / "fused"]
    for number, verdict in enumerate(("dismissed", "confirmed", "dismissed")):
        table.write_text("clip_id,verdict\n" + "".join(f"{of},{verdict}\n" for of in alarms))
        folders.append(tmp_path / str(number))
        assert run(capsys, "feedback", *folders[-2:-1], table, f"--output={folders[-1]}")[0] == 0
        for part in single_parts(Detector.load(folders[-1])).values():
            is_normal = part.windows.table["clip_id"].str.contains(alarms[0].name, regex=False)
            assert is_normal.any() == (verdict == "dismissed")
            assert (part.confirmed is not None) == (verdict == "confirmed")
    assert "2 normal recordings are now confirmed anomalies" in caplog.text
    assert "2 confirmed anomalies are now dismissed" in caplog.text
    status, _, err = run(capsys, "add", tmp_path / "1", tmp_path / "new")
    assert status == 1 and "no recording is new" in err
    assert "their content is that of confirmed anomalies" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,verdict\na,b\n", "needs the columns path (or clip_id) and verdict, has name"),
        ("path,verdict\na.wav,maybe\n", "verdict 'maybe' is not one of dismissed, confirmed"),
        ("path,verdict\na.wav,\n", "no row has a verdict"),
        ("path,verdict\na.wav,confirmed\na.wav,dismissed\n", "is judged twice"),
        ("path,verdict,domain\na.wav,confirmed,moon\n", "domain 'moon' is not one of source"),
        ("path,verdict,machine,section\na.wav,confirmed,fan,00\n", "no recording is left"),
        ("", "is no table in CSV"),
    ],
)
def test_a_wrong_table_is_one_line(text, message, detectors, tmp_path, capsys):
    (tmp_path / "alarms.csv").write_text(text)
    status, out, err = run(capsys, "feedback", detectors / "fused", tmp_path / "alarms.csv")
    assert (status, out) == (1, "") and message in err.splitlines()[-1]
    assert np.all([path.name == "alarms.csv" for path in tmp_path.iterdir()])
