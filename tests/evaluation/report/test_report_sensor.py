"""The report must tell faults of the sensor, without a change of any number of the machine."""

from reports import report_of

from asd_tf.evaluation.results import evaluate


def test_faults_are_counted_and_named(scored):
    """Each section must have its counts, and each recording its reasons."""
    sensor = ["ok"] * len(scored)
    sensor[0], sensor[1], sensor[-1] = "clipped+gain", "silent", "clipped"
    report = report_of(scored.assign(sensor=sensor))
    assert f"In 3 of {len(scored)} recordings the sensor looks faulty" in report
    chapter = report.split('<section id="sensor"')[1].split("</section>")[0]
    rows = [row for row in chapter.split("<tr>")[1:] if "<td" in row]
    values = [[cell.split(">")[0] for cell in row.split('data-value="')[1:]] for row in rows]
    numbers = [[int(value.split('"')[0]) for value in row] for row in values]
    # recordings, faulty, silent, clipped, gain
    assert numbers == [[24, 2, 1, 1, 1], [24, 0, 0, 0, 0], [24, 0, 0, 0, 0], [24, 1, 0, 1, 0]]
    assert f"{scored['clip_id'].iloc[0]}</code>: clipped, gain" in chapter
    assert 'href="#sensor"' in report


def test_metrics_do_not_move(scored):
    faulty = scored.assign(sensor="gain")
    assert evaluate(faulty, "dcase2022").decisions == evaluate(scored, "dcase2022").decisions


def test_there_is_no_chapter_without_verdicts(scored):
    """Detectors of earlier versions say nothing, and healthy sensors are one line."""
    assert 'id="sensor"' not in report_of(scored)
    assert 'id="sensor"' not in report_of(scored.assign(sensor=None))
    healthy = report_of(scored.assign(sensor="ok"))
    assert f"In 0 of {len(scored)} recordings" in healthy
    assert "What they mean" not in healthy
