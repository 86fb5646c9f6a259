"""The row "Qwen_Audio" of Table 1: its encoder, fully fine-tuned on segments of 2 s."""

import ml_collections
from asd_tf.configs.zheng import table1_beats


def get_config() -> ml_collections.ConfigDict:
    config = table1_beats.get_config()
    config.encoder.kind = "whisper"
    config.encoder.segment_seconds = 2.0
    return config
