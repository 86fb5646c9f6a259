"""Backends from the plain values of a recipe."""

import json

import ml_collections
import numpy as np
import pytest

from asd_tf.backends.cosine import KMeansCosine
from asd_tf.backends.registry import ESTIMATORS, build_backend
from asd_tf.errors import UsageError

CONFIG = {
    "combine": "sum",
    "normalise": "calibration",
    "members": {
        "targets": {"estimator": "NearestCosine", "domain": "target", "params": {}},
        "centres": {"estimator": "KMeansCosine", "domain": "all", "params": {"n_clusters": 4}},
    },
}


def test_a_recipe_gives_the_backend_it_names():
    """The values of a recipe do not reach the backend, or the order of members varies."""
    for config in (CONFIG, json.loads(json.dumps(CONFIG)), ml_collections.ConfigDict(CONFIG)):
        backend = build_backend(config)
        assert (backend.combine, backend.normalise) == ("sum", "calibration")
        assert [(name, domain) for name, _, domain in backend.members] == [
            ("centres", "all"),
            ("targets", "target"),
        ]
        estimator = backend.members[0][1]
        assert isinstance(estimator, KMeansCosine)
        assert (estimator.n_clusters, estimator.n_init) == (4, 10)


def test_defaults_are_one_joint_minimum():
    """A short recipe is refused or means something else."""
    backend = build_backend({"members": {"only": {"estimator": "OneClassSVM"}}})
    assert (backend.combine, backend.normalise, backend.members[0][2]) == ("min", "none", "all")


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_every_name_fits_and_scores_the_same_twice(name):
    """A name of the table cannot be used, or gives other scores at each run."""
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
        (member() | {"normalise": "calibrate"}, "did you mean 'calibration'"),
        (member() | {"normalize": "none"}, "did you mean 'normalise'"),
        ({"members": {"only": {}}}, "unknown backend.members.only.estimator"),
        ({"combine": "min"}, "members is empty"),
        (member(estimator="LocalOutlierFactor", params={"novelty": False}), "unknown key"),
    ],
)
def test_what_is_not_known_is_refused_in_one_line(config, message):
    """A misspelt name is ignored, or ends in a traceback."""
    with pytest.raises(UsageError, match=message) as error:
        build_backend(config)
    assert "\n" not in str(error.value)
