"""The classes of the auxiliary task on which a network learns to embed machine sounds."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from asd_tf.errors import InputError


def class_names(clips: pd.DataFrame, attributes: bool, domains: bool = True) -> pd.Series:
    """Names the class of each clip: machine, section and, if asked for, attributes and domain."""
    parts = [clips["machine"], clips["section"]]
    if domains:
        parts.append(clips["domain"].fillna("unknown"))
    if attributes:
        texts = ["_".join(map("_".join, pairs.items())) for pairs in clips["attributes"]]
        parts.insert(2, pd.Series(texts, clips.index))
    return parts[0].str.cat(parts[1:], sep="###")


def number_classes(
    train_names: pd.Series, others: Collection[str] = ()
) -> tuple[list[str], np.ndarray]:
    """Numbers classes in the order of their names.

    Args:
        train_names: Name of the class of each training clip.
        others: Names of further classes, without training clips.

    Returns:
        The names of the classes, and the class of each training clip [clips] int.

    Raises:
        InputError: If the training clips make fewer than two classes.
    """
    if train_names.nunique() < 2:
        raise InputError(
            f"the training clips make {train_names.nunique()} class of "
            "machine, section, attributes and domain, and this method classifies at least 2: add "
            "clips of other machines or sections, or use --method=mahalanobis or loudness, which "
            "need one"
        )
    classes = sorted({*train_names, *others})
    return classes, pd.Index(classes).get_indexer(train_names)
