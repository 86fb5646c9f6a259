"""Recipes must become backends, or be refused by name."""

import json

import ml_collections
import numpy as np
import pytest

from asd_tf.backends.cosine import KMeansCosine
from asd_tf.backends.per_domain import PerDomain
from asd_tf.backends.registry import ESTIMATORS, OWN_ESTIMATORS, build_backend, own_types
from asd_tf.errors import UsageError

CONFIG = {
    "combine": "sum",
    "normalize": "calibration",
    "members": {
        "targets": {"estimator": "NearestCosine", "domain": "target", "params": {}},
        "centers": {"estimator": "KMeansCosine", "domain": "all", "params": {"n_clusters": 4}},
    },
}


def test_a_recipe_gives_the_backend_it_names():
    """Values of a recipe must reach the backend, with members sorted by name."""
    for config in (CONFIG, json.loads(json.dumps(CONFIG)), ml_collections.ConfigDict(CONFIG)):
        backend = build_backend(config)
        assert (backend.combine, backend.normalize) == ("sum", "calibration")
        assert [(name, domain) for name, _, domain in backend.members] == [
            ("centers", "all"),
            ("targets", "target"),
        ]
        estimator = backend.members[0][1]
        assert isinstance(estimator, KMeansCosine)
        assert (estimator.n_clusters, estimator.n_init) == (4, 10)


def test_defaults_are_one_joint_minimum():
    """Omitted values must have the documented defaults."""
    backend = build_backend({"members": {"only": {"estimator": "OneClassSVM"}}})
    assert (backend.combine, backend.normalize, backend.members[0][2]) == ("min", "none", "all")


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_every_name_fits_and_scores_the_same_twice(name):
    """Every estimator must be usable by its name, with equal scores in each run."""
    columns = 2 if name == "PosteriorDistance" else 1
    X = np.random.default_rng(0).normal(size=(30, columns))
    config = {"members": {"only": {"estimator": name}}}
    first, second = (build_backend(config).fit(X).score_samples(X) for _ in range(2))
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, second)


def member(**changes):
    return {"members": {"only": {"estimator": "KMeansCosine"} | changes}}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (member(estimator="KMeanCosine"), "did you mean 'KMeansCosine'"),
        (member(params={"n_cluster": 3}), "did you mean 'n_clusters'"),
        (member(domain="targets"), "did you mean 'target'"),
        (member(domian="target"), "did you mean 'domain'"),
        (member() | {"combine": "mni"}, "did you mean 'min'"),
        (member() | {"normalize": "calibrate"}, "did you mean 'calibration'"),
        (member() | {"normalise": "none"}, "did you mean 'normalize'"),
        ({"members": {"only": {}}}, "unknown backend.members.only.estimator"),
        ({"combine": "min"}, "members is empty"),
        (member(estimator="LocalOutlierFactor", params={"novelty": False}), "unknown key"),
    ],
)
def test_what_is_not_known_is_refused_in_one_line(config, message):
    """Unknown names must be refused with the known ones."""
    with pytest.raises(UsageError, match=message) as error:
        build_backend(config)
    assert "\n" not in str(error.value)


def test_own_types_are_those_of_this_package():
    """A saved backend must be able to hold each of our backends, and nothing else of ours."""
    names = own_types()
    assert names == tuple(sorted(set(names)))
    assert len(names) == len(OWN_ESTIMATORS) + 1
    for estimator in (*OWN_ESTIMATORS, PerDomain):
        assert f"{estimator.__module__}.{estimator.__name__}" in names
    assert all(name.startswith("asd_tf.backends.") for name in names)
    assert list(ESTIMATORS) == sorted(ESTIMATORS)
