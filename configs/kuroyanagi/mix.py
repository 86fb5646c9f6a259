"""The row "AE+BC ens (mix)" of Table 1, on DCASE 2021: the average of both ensembles."""

import ml_collections
from asd_tf.configs.kuroyanagi_ae import ae_ens
from asd_tf.configs.kuroyanagi_bc import bc_ens


def get_config() -> ml_collections.ConfigDict:
    return mixed(ae_ens.get_config(), bc_ens.get_config())


def mixed(
    ae: ml_collections.ConfigDict, bc: ml_collections.ConfigDict
) -> ml_collections.ConfigDict:
    """Puts two recipes into one, whose clips and calibration are those of the first."""
    config = ml_collections.ConfigDict({"data": ae.data, "calibration": ae.calibration})
    for name, recipe in (("ae", ae), ("bc", bc)):
        own = {key: recipe[key] for key in recipe if key not in config}
        config[name] = ml_collections.ConfigDict(own)
    config.fusion = ml_collections.ConfigDict({"rule": "mean"})  # or median, max, rank, mean_rank
    return config
