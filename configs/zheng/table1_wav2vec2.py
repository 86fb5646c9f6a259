"""The row "Wav2Vec2" of Table 1: fully fine-tuned on segments of 2 s, without masks."""

import ml_collections
from asd_tf.configs.zheng import table1_beats


def get_config() -> ml_collections.ConfigDict:
    config = table1_beats.get_config()
    config.encoder.kind = "wav2vec2"
    config.encoder.segment_seconds = 2.0
    config.spec_augment.probability = 0.0
    return config
