"""The classes of the auxiliary task by which a network learns what machines sound like."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from asd_tf.errors import InputError


def class_names(clips: pd.DataFrame, attributes: bool, domains: bool = True) -> pd.Series:
    """Names the class of each clip: machine, section, and attributes and domain if wanted."""
    parts = [clips["machine"], clips["section"]]
    if domains:
        parts.append(clips["domain"].fillna("unknown"))
    if attributes:
        texts = ["_".join(map("_".join, pairs.items())) for pairs in clips["attributes"]]
        parts.insert(2, pd.Series(texts, clips.index))
    return parts[0].str.cat(parts[1:], sep="###")


def number_classes(
    of_train: pd.Series, others: Collection[str] = ()
) -> tuple[list[str], np.ndarray]:
    """Numbers classes in the order of their names.

    Args:
        of_train: Name of the class of each training clip.
        others: Classes without a training clip that count too.

    Returns:
        The names of the classes, and the class of each training clip [clips] int.

    Raises:
        InputError: If the training clips make fewer than two classes.
    """
    if of_train.nunique() < 2:
        raise InputError(
            f"the training clips make {of_train.nunique()} class of "
            "machine, section, attributes and domain, and this method learns by telling at least 2 "
            "apart: add clips of other machines or sections, or use --method=mahalanobis or "
            "loudness, which need one"
        )
    classes = sorted({*of_train, *others})
    return classes, pd.Index(classes).get_indexer(of_train)
