"""BEATs with LoRA as in ASDKit (TakuyaFujimura/dcase-asd-toolkit), on DCASE 2023."""

import ml_collections
from asd_tf.configs.zheng import table2_r64


def get_config() -> ml_collections.ConfigDict:
    config = table2_r64.get_config()
    config.data.seconds = 18.0
    config.data.max_seconds = 18.0
    config.encoder.kind = "beats"  # its weights are BEATs_iter3.pt
    config.head.pooling = "attentive_statistics"
    config.head.embedding = 256
    config.loss.kind = "subcluster_adacos"
    config.mixup.probability = 0.5
    config.spec_augment.probability = 0.0
    config.train.epochs = 25
    config.train.learning_rate = 1e-4
    config.train.weight_decay = 0.01  # the default of PyTorch's AdamW
    config.backend.oversample = 0.2
    return config
