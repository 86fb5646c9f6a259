"""The row "Our baseline (BC)" of Table 1, on DCASE 2021: one ResNet34 for each section."""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.data = ml_collections.ConfigDict(
        {
            "sample_rate": 16000,
            "seconds": 10.0,  # longer clips are cropped, shorter ones repeated
            "max_seconds": 10.0,  # where seconds is none, which means the data's commonest length
        }
    )
    # The paper has 256 x 256 log-mels; frames are not told, nor how many crops are scored.
    config.frontend = ml_collections.ConfigDict(
        {"n_mels": 256, "frame_length": 2048, "frame_step": 512}
    )
    config.crop = ml_collections.ConfigDict({"frames": 256, "in_scoring": 10})
    config.outliers = ml_collections.ConfigDict(
        {
            # other sections of the machine, other machines, or both alike
            "of": "both"
        }
    )
    config.network = ml_collections.ConfigDict(
        {
            "kind": "resnet34",  # or resnext50, efficientnet_b3
            "width": 64,  # of the first stage; of no meaning to efficientnet_b3
            "blocks": (3, 4, 6, 3),  # of each stage; of no meaning to efficientnet_b3
            "embedding": 128,  # size of z; not told
        }
    )
    config.loss = ml_collections.ConfigDict(
        {
            "ddcsad": 0.01,  # lambda of eq. 6; not told
            "epsilon": 1e-6,  # under the inverse distances of eq. 5; not told
            "arcface": 0.0,  # weight of ArcFace; not told
            "margin": 0.5,  # of ArcFace; not told
            "scale": 30.0,
        }
    )
    config.augmentation = ml_collections.ConfigDict(
        {  # of single clips; the ensemble has some, amounts are not told
            "noise": 0.0,  # probability
            "snr_db": (5.0, 20.0),
            "volume": 0.0,  # probability
            "gain_db": (-10.0, 10.0),
        }
    )
    config.train = ml_collections.ConfigDict(
        {
            "epochs": 16,  # in each of which the centroids are computed once
            "steps_per_epoch": 500,  # 8,000 steps in all
            "batch_size": 64,  # half of it outliers
            "learning_rate": 1e-3,  # highest one of dense layers
            "convolution_rate": 5e-4,  # and of convolutions
        }
    )
    config.target = ml_collections.ConfigDict(
        {
            "epochs": 4,
            "steps_per_epoch": 200,  # 800 steps in all
            "learning_rate": 1e-3,  # as before; not told
            "convolution_rate": 5e-4,
            "clips": 16,  # of a batch, of the target domain or mixed from it
            "mixup": 0.5,  # probability of such a clip to be mixed; not told
            "alpha": 0.2,  # of the beta distribution of the shares; not told
        }
    )
    config.score = ml_collections.ConfigDict(
        {  # eq. 7; neither told
            "gamma": 0.5,
            "least_spread": 0.5,  # of distances, as a share of their mean
        }
    )
    config.ensemble = ml_collections.ConfigDict(
        {
            "candidates": 1,  # networks that are trained for each section
            "size": 1,  # N of them, those with the least loss on clips held out, enter
            "sections": "own",  # or all: a clip is scored by the networks of all its machine has
            "vary": {},  # sections and keys to a value for each candidate, counted round
        }
    )
    config.calibration = ml_collections.ConfigDict({"quantile": 0.9, "held_out": 0.1})
    return config
