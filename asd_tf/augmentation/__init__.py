"""Stateless augmentation: pure functions of a batch and a seed."""

from asd_tf.augmentation.feature_masks import dropout_mask, spec_augment_mask
from asd_tf.augmentation.mixup import MixPairs, mixup
from asd_tf.augmentation.noise_and_volume import add_gaussian_noise, change_volume
from asd_tf.augmentation.spec_augment import SpecAugment

__all__ = [
    "MixPairs",
    "SpecAugment",
    "add_gaussian_noise",
    "change_volume",
    "dropout_mask",
    "mixup",
    "spec_augment_mask",
]
