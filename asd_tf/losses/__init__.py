"""Published losses as Keras layers, one loss per file."""

from asd_tf.losses.arcface import ArcFace
from asd_tf.losses.ddcsad import DDCSAD
from asd_tf.losses.generative_contrastive import GenerativeContrastiveLoss, contrastive_losses
from asd_tf.losses.subcluster_adacos import SubclusterAdaCos

__all__ = [
    "DDCSAD",
    "ArcFace",
    "GenerativeContrastiveLoss",
    "SubclusterAdaCos",
    "contrastive_losses",
]
