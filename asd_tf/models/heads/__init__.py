"""Layers that turn the output of a network into scores or into features of a backend."""

from asd_tf.models.heads.arcface_nll import ArcFaceNLL
from asd_tf.models.heads.class_log_odds import ClassLogOdds
from asd_tf.models.heads.crops import ApplyToCrops, evenly_spaced
from asd_tf.models.heads.ddcsad_scores import DDCSADScores
from asd_tf.models.heads.frame_errors import PredictionErrors, WindowErrors
from asd_tf.models.heads.replica_errors import ReplicaErrors
from asd_tf.models.heads.residual_distances import ResidualDistances, residual_precision

__all__ = [
    "ApplyToCrops",
    "ArcFaceNLL",
    "ClassLogOdds",
    "DDCSADScores",
    "PredictionErrors",
    "ReplicaErrors",
    "ResidualDistances",
    "WindowErrors",
    "evenly_spaced",
    "residual_precision",
]
