"""The row "Our baseline (BC)" of Table 1, on DCASE 2021: one ResNet34 for each section."""

import ml_collections
from asd_tf.configs.common import calibration_section, data_section


def get_config() -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.data = data_section()
    # The paper's log-mels are 256 x 256; frame sizes and the number of crops are not stated.
    config.frontend = ml_collections.ConfigDict(
        {"n_mels": 256, "frame_length": 2048, "frame_step": 512}
    )
    config.crop = ml_collections.ConfigDict({"frames": 256, "num_eval_crops": 10})
    config.outliers = ml_collections.ConfigDict(
        {"source": "both"}  # or sections (others of the machine), (other) machines, same_dataset
    )
    config.network = ml_collections.ConfigDict(
        {
            "kind": "resnet34",  # or resnext50, efficientnet_b3
            "width": 64,  # of the first stage; not used by efficientnet_b3
            "blocks": (3, 4, 6, 3),  # of each stage; not used by efficientnet_b3
            "embedding": 128,  # size of z; not stated in the paper
        }
    )
    config.loss = ml_collections.ConfigDict(
        {
            "ddcsad": 0.01,  # lambda of eq. 6; not stated in the paper
            # Added to the distances of eq. 5 before they are inverted; not stated in the paper.
            "epsilon": 1e-6,
            "arcface": 0.0,  # weight of ArcFace; not stated in the paper
            "margin": 0.5,  # of ArcFace; not stated in the paper
            "scale": 30.0,
        }
    )
    config.augmentation = ml_collections.ConfigDict(
        {  # of single clips; the paper's ensemble uses it, amounts are not stated
            "noise": 0.0,  # probability
            "snr_db": (5.0, 20.0),
            "volume": 0.0,  # probability
            "gain_db": (-10.0, 10.0),
        }
    )
    config.train = ml_collections.ConfigDict(
        {
            "epochs": 16,  # the centroids are computed once in each
            "steps_per_epoch": 500,  # 8,000 steps in all
            "batch_size": 64,  # half of it outliers
            "learning_rate": 1e-3,  # highest rate of dense layers
            "convolution_rate": 5e-4,  # highest rate of convolutions
        }
    )
    config.target = ml_collections.ConfigDict(
        {
            "epochs": 4,
            "steps_per_epoch": 200,  # 800 steps in all
            "learning_rate": 1e-3,  # as before; not stated in the paper
            "convolution_rate": 5e-4,
            "clips": 16,  # in a batch, of the target domain or mixed from it
            "mixup": 0.5,  # probability that such a clip is mixed; not stated in the paper
            "alpha": 0.2,  # of the beta distribution of the shares; not stated in the paper
        }
    )
    config.score = ml_collections.ConfigDict(
        {  # eq. 7; neither value is stated in the paper
            "gamma": 0.5,
            # Least standard deviation of the distances, as a share of their mean.
            "min_relative_std": 0.5,
        }
    )
    config.ensemble = ml_collections.ConfigDict(
        {
            "candidates": 1,  # networks that are trained for each section
            "size": 1,  # N: the networks used, those with the least loss on held-out clips
            # or all: networks of all sections of the machine score a clip; or all_but_rejecting:
            # all but those to which clips of the scored section were outliers
            "sections": "own",
            "vary": {},  # section to key to values, which the candidates take in turn
        }
    )
    config.calibration = calibration_section(held_out=0.1)
    return config
