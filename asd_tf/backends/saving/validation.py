"""Checks of a loaded backend, whose compiled parts trust the sizes of their arrays."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import IsolationForest
from sklearn.svm import OneClassSVM

from asd_tf.backends.base import NoveltyBackend

MAX_FEATURES = 10**6
_KERNELS = ("linear", "poly", "rbf", "sigmoid")


def check_backend(backend: Any) -> None:
    """Checks that a backend can score, and does so without reading beyond its arrays.

    Args:
        backend: What was loaded.

    Raises:
        ValueError: If it is no backend of this package, or its arrays do not fit each other.
        Exception: If it is not fitted, or lacks an attribute.
    """
    if not isinstance(backend, NoveltyBackend):
        raise ValueError(f"a {type(backend).__name__} is not a backend")
    if not 1 <= backend.n_features_in_ <= MAX_FEATURES:
        raise ValueError("its number of features is out of range")
    for estimator in _estimators(backend):
        if isinstance(estimator, OneClassSVM) and hasattr(estimator, "support_vectors_"):
            _check_svm(estimator)
        if isinstance(estimator, IsolationForest) and hasattr(estimator, "estimators_"):
            _check_forest(estimator)
    _check_score(backend)


def _estimators(value: Any) -> Iterator[BaseEstimator]:
    """Yields all estimators within a value."""
    waiting, seen = [value], set()
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, BaseEstimator):
            yield item
            waiting += vars(item).values()
        elif isinstance(item, list | tuple):
            waiting += item
        elif isinstance(item, dict):
            waiting += item.values()


def _check_svm(svm: OneClassSVM) -> None:
    """Checks the arrays that libsvm reads."""
    rows, width = svm.support_vectors_.shape
    fits = (
        width == svm.n_features_in_
        and svm.kernel in _KERNELS
        and svm._sparse is False
        and svm.support_.shape == (rows,)
        and svm.dual_coef_.shape == svm._dual_coef_.shape == (1, rows)
        and svm.intercept_.shape == svm._intercept_.shape == (1,)
        and svm._n_support.shape == (2,)
        and 0 <= svm._n_support.min() <= svm._n_support.max() <= rows
        and svm._probA.size == svm._probB.size == 0
    )
    if not fits:
        raise ValueError("the arrays of its support vectors do not fit each other")


def _check_forest(forest: IsolationForest) -> None:
    """Checks that each tree uses features that there are."""
    width = forest.n_features_in_
    for tree, columns in zip(forest.estimators_, forest.estimators_features_, strict=True):
        given = width if forest._max_features == width else len(columns)
        if tree.tree_.n_features != given or columns.min() < 0 or columns.max() >= width:
            raise ValueError("a tree does not fit the number of features")


def _check_score(backend: NoveltyBackend) -> None:
    """Scores a row, which finds arrays of other sizes."""
    row = np.full((1, backend.n_features_in_), 0.5)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        scores = backend.score_samples(row)
    if np.shape(scores) != (1,) or np.isnan(scores).any():
        raise ValueError("it gives no score")
