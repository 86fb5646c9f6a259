"""Detectors made from others without fitting anything: other thresholds, other calibration."""
