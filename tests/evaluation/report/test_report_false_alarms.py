"""The report must put promised beside seen false alarms, and warn where they are more."""

import re

from reports import Page, clips_of, context, features_of, rows_of

from asd_tf.evaluation.report import build_report
from asd_tf.evaluation.results import evaluate


def report_of(scored, promised):
    evaluation = evaluate(scored, "dcase2022", promised=promised)
    features = {"embedding": features_of(scored)}
    return build_report(evaluation, clips_of(scored), features, context())


def test_rows_with_more_than_promised_are_warned(scored):
    """A row whose interval is above the promise must have the warning color, and say so."""
    normal, fan = scored["label"] == 0, scored["machine"] == "fan"
    scored["decision"] = (fan & normal).astype("Int64")
    report = report_of(scored, 0.1)
    rows = rows_of(report, "result")
    assert rows[0] == [
        "fan", "all sections", "all domains", "24", "10.00", "100.00",
        "85.8 to 100.0, more than promised",
    ]  # fmt: skip
    assert rows[9] == [
        "pump", "all sections", "all domains", "24", "10.00", "0.00", "0.0 to 14.2",
    ]  # fmt: skip
    body = report.split("<tbody>")[1].split("</tbody>")[0]
    warned = ['class="warned"' in row for row in re.findall(r"<tr.*?</tr>", body)]
    assert warned == [True] * 9 + [False] * 9
    assert "In 9 of 18 rows there are more false alarms than promised" in Page(report).text
    assert "tr.warned" in report


def test_without_a_promise_there_is_no_such_table(scored):
    """An evaluation of scores alone must compare nothing."""
    assert "False alarms, promised and seen" not in Page(report_of(scored, None)).text
    kept = Page(report_of(scored.assign(decision=0), 0.1)).text
    assert "In no row are there more false alarms than promised" in kept
