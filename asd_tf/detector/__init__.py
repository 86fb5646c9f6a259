"""What a user keeps of a training: networks, backends and thresholds that score new clips."""

from asd_tf.detector.base import Detector
from asd_tf.detector.fused import FusedDetector
from asd_tf.detector.single import SingleDetector

__all__ = ["Detector", "FusedDetector", "SingleDetector"]
