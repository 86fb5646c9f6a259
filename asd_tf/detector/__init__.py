"""What a user keeps of a training: networks, backends and thresholds that score new clips."""

from asd_tf.detector.base import Detector, Examined
from asd_tf.detector.features import ClipFeatures
from asd_tf.detector.fused import FusedDetector
from asd_tf.detector.single import SingleDetector

__all__ = ["ClipFeatures", "Detector", "Examined", "FusedDetector", "SingleDetector"]
