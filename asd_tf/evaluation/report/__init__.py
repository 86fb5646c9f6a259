"""The report of an evaluation: one HTML file that loads nothing from disk or network."""

from asd_tf.evaluation.report.build import build_report, write_report
from asd_tf.evaluation.report.context import ReportContext, installed_versions

__all__ = ["ReportContext", "build_report", "installed_versions", "write_report"]
