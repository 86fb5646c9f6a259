"""Detectors: the networks, backends and thresholds that a training leaves to score new clips."""

from asd_tf.detector.base import Detector
from asd_tf.detector.cross_fit import CrossFitDetector
from asd_tf.detector.fused import FusedDetector
from asd_tf.detector.single import SingleDetector

__all__ = ["CrossFitDetector", "Detector", "FusedDetector", "SingleDetector"]
