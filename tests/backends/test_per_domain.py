"""Members per domain must be fitted to their rows, and their scores combined."""

from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import IsolationForest
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GroupKFold, LeaveOneOut
from sklearn.neighbors import LocalOutlierFactor
from sklearn.svm import OneClassSVM

from asd_tf.backends.as_score import AsScore
from asd_tf.backends.base import unit_rows
from asd_tf.backends.cosine import KMeansCosine, NearestCosine
from asd_tf.backends.mahalanobis import LedoitWolfMahalanobis
from asd_tf.backends.per_domain import PerDomain
from asd_tf.errors import InputError, UsageError

WILKINGHOFF = [("centers", KMeansCosine(16), "all"), ("targets", NearestCosine(), "target")]
PAIR = [
    ("source", LedoitWolfMahalanobis(), "source"),
    ("target", LedoitWolfMahalanobis(), "target"),
]


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    train = np.concatenate([rng.normal(size=(60, 4)), 4 + 3 * rng.normal(size=(10, 4))])
    domain = np.array(["source"] * 60 + ["target"] * 10)
    test = np.concatenate([1.5 * rng.normal(size=(13, 4)), 4 + 3 * rng.normal(size=(12, 4))])
    return train, domain, test


class Spy(BaseEstimator):
    """Remembers the rows it was fitted to, in a list that its clones share."""

    fits: ClassVar = []

    def fit(self, X, y=None):
        """Remembers `X`."""
        Spy.fits.append(X)
        self.mean_ = X.mean(axis=0)
        return self

    def score_samples(self, X):
        """Returns minus the distance from the mean."""
        return -np.linalg.norm(X - self.mean_, axis=1)


def separately(train, domain, test):
    return [
        -LedoitWolfMahalanobis().fit(train[domain == which]).score_samples(test)
        for which in ("source", "target")
    ]


def test_wilkinghoffs_backend_is_the_best_similarity_to_any_reference(data):
    """The published backend must use the rows of both domains."""
    train, domain, test = data
    unit = [X / np.linalg.norm(X, axis=1, keepdims=True) for X in (train[domain == "target"], test)]
    centers = KMeansCosine(16).fit(train).cluster_centers_
    expected = np.maximum((unit[1] @ centers.T).max(1), (unit[1] @ unit[0].T).max(1))
    backend = PerDomain(WILKINGHOFF).fit(train, domain=domain)
    np.testing.assert_allclose(backend.score_samples(test), expected)


def test_min_is_the_smaller_anomaly_score_and_sum_their_sum(data):
    """`min` must be the smallest anomaly score."""
    train, domain, test = data
    source, target = separately(train, domain, test)
    smaller = PerDomain(PAIR).fit(train, domain=domain)
    added = PerDomain(PAIR, combine="sum").fit(train, domain=domain)
    np.testing.assert_allclose(-smaller.score_samples(test), np.minimum(source, target))
    np.testing.assert_allclose(-added.score_samples(test), source + target)


def test_normalize_standardizes_each_member_by_scores_of_clips_it_has_not_seen(data):
    """Scores must be standardized by those of out-of-fold rows."""
    train, domain, test = data
    backend = PerDomain(PAIR, normalize="calibration").fit(train, domain=domain)
    target = train[domain == "target"]  # ten clips: five folds
    folds = GroupKFold(5, shuffle=True, random_state=0).split(target, groups=np.arange(10))
    unseen = np.empty(10)
    for rest, held in folds:
        unseen[held] = LedoitWolfMahalanobis().fit(target[rest]).score_samples(target[held])
    assert backend.mean_[1] == pytest.approx(unseen.mean())
    assert backend.std_[1] == pytest.approx(unseen.std())
    scores = -np.array(separately(train, domain, test)).T
    expected = ((scores - backend.mean_) / backend.std_).max(axis=1)
    np.testing.assert_allclose(backend.score_samples(test), expected)


def test_calibration_leaves_one_out_below_ten_clips(data):
    """Few clips must be scored by leave-one-out."""
    train, domain, _ = data
    backend = PerDomain(PAIR, normalize="calibration").fit(train[:63], domain=domain[:63])
    target = train[60:63]
    unseen = [
        LedoitWolfMahalanobis().fit(target[rest]).score_samples(target[held])[0]
        for rest, held in LeaveOneOut().split(target)
    ]
    assert backend.mean_[1] == pytest.approx(np.mean(unseen))
    assert backend.std_[1] == pytest.approx(np.std(unseen))


def test_calibration_keeps_the_rows_of_a_clip_in_one_fold(data):
    """Folds must keep the rows of a clip together."""
    Spy.fits = []
    clips = np.repeat(np.arange(12), 5)
    X = np.repeat(np.arange(12.0), 5)[:, None]  # each row shows its clip
    members = [("a", Spy(), "all"), ("b", Spy(), "source")]
    PerDomain(members, normalize="calibration").fit(X, groups=clips)
    partial = [X for X in Spy.fits if len(X) < 60]
    assert len(partial) == 10
    for rows in partial:
        assert set(np.unique(rows, return_counts=True)[1]) == {5}


def test_known_takes_the_member_of_the_clips_domain(data):
    """`known` must use the given domain."""
    train, domain, test = data
    backend = PerDomain(PAIR, combine="known").fit(train, domain=domain)
    source, target = separately(train, domain, test)
    own = ["source"] * 10 + ["target"] * 15
    expected = np.where(np.array(own) == "source", source, target)
    np.testing.assert_allclose(-backend.score_samples(test, own), expected)


@pytest.mark.parametrize("normalize", ["none", "calibration"])
@pytest.mark.parametrize("missing", [None, [pd.NA] * 25, [np.nan] * 25])
def test_known_falls_back_to_the_member_that_is_smallest_when_calibrated(data, missing, normalize):
    """Rows without a domain must use the standardized minimum."""
    train, domain, test = data
    members = [("source", NearestCosine(), "source"), ("target", KMeansCosine(2), "target")]
    backend = PerDomain(members, combine="known", normalize=normalize).fit(train, domain=domain)
    scores = [-clone(e).fit(train[domain == d]).score_samples(test) for _, e, d in members]
    scores = np.transpose(scores)
    standard = (scores + backend.mean_) / backend.std_  # mean_ is of normality
    best = standard.argmin(axis=1)
    assert set(best) == {0, 1}
    assert (best != scores.argmin(axis=1)).any()
    units = standard if normalize == "calibration" else scores
    np.testing.assert_allclose(-backend.score_samples(test, missing), units[np.arange(25), best])


def test_blind_scores_do_not_depend_on_domains(data):
    """`blind` must give the scores that `known` gives where no domain is known."""
    train, domain, test = data
    known, blind = (
        PerDomain(PAIR, combine=combine).fit(train, domain=domain) for combine in ("known", "blind")
    )
    expected = known.score_samples(test)
    for own in (None, ["source"] * 25, ["target"] * 25):
        np.testing.assert_array_equal(blind.score_samples(test, own), expected)
    assert (known.score_samples(test, ["target"] * 25) != expected).any()


def test_known_falls_back_for_a_domain_without_a_member(data):
    """Rows of a domain without a member must use the standardized minimum."""
    train, domain, test = data
    members = [("all", LedoitWolfMahalanobis(), "all"), ("source", NearestCosine(), "source")]
    backend = PerDomain(members, combine="known").fit(train, domain=domain)
    fallback = backend.score_samples(test)
    np.testing.assert_array_equal(backend.score_samples(test, ["target"] * 25), fallback)
    nearest = NearestCosine().fit(train[:60]).score_samples(test)
    np.testing.assert_allclose(backend.score_samples(test, ["source"] * 25), nearest)


def test_a_member_without_clips_is_left_out_and_the_other_is_itself(data):
    """A member without rows must be left out."""
    train, _, test = data
    for combine in ("min", "sum", "known"):
        backend = PerDomain(WILKINGHOFF, combine, normalize="calibration").fit(train)
        expected = KMeansCosine(16).fit(train).score_samples(test)
        np.testing.assert_array_equal(backend.score_samples(test), expected)
        assert [name for name, *_ in backend.members_] == ["centers"]
        assert backend.describe()["left_out"] == ["targets"]


def test_clips_without_a_domain_are_source(data):
    """Missing domains must count as source."""
    train = data[0]
    some = pd.Series(["source", pd.NA, np.nan, None] * 15 + ["target"] * 10, dtype=object)
    backend = PerDomain(PAIR).fit(train, domain=some)
    assert backend.rows_ == [60, 10]


def test_no_member_left_is_an_error_that_says_so(data):
    """A fit without any training row must state the reason."""
    with pytest.raises(ValueError, match=r"no member.*training.*target") as error:
        PerDomain([("targets", NearestCosine(), "target")]).fit(data[0])
    assert isinstance(error.value, InputError)


@pytest.mark.parametrize(
    "change",
    [
        {"combine": "max"},
        {"normalize": "yes"},
        {"members": []},
        {"members": [("a", NearestCosine(), "both")]},
        {"members": [("a", NearestCosine(), "all"), ("a", KMeansCosine(), "all")]},
    ],
)
def test_wrong_arguments_are_refused_at_fit(data, change):
    """Unknown values must be refused at fit."""
    with pytest.raises(ValueError, match=" must be one "):
        PerDomain(**({"members": PAIR} | change)).fit(data[0])


def test_a_domain_that_is_neither_is_refused(data):
    """Unknown domains must be refused."""
    with pytest.raises(ValueError, match="source, target or missing"):
        PerDomain(PAIR).fit(data[0], domain=["Source"] * 70)


def test_embeddings_for_a_backend_of_scores_are_refused(data):
    """Several features for `AsScore` must be refused."""
    with pytest.raises(UsageError, match="AsScore takes one feature"):
        PerDomain([("score", AsScore(), "all")]).fit(data[0])


@pytest.mark.parametrize(
    ("estimator", "used"),
    [
        (OneClassSVM(), {}),
        (IsolationForest(n_estimators=10, random_state=0), {}),
        (LocalOutlierFactor(20, novelty=True), {"n_neighbors": 4}),
        (GaussianMixture(8, random_state=0), {"n_components": 5}),
    ],
)
def test_scikit_learns_detectors_are_members_with_counts_capped(estimator, used):
    """Estimators of scikit-learn must be usable, also with few rows."""
    rows = np.random.default_rng(1).normal(size=(5, 3))
    train = np.concatenate([rows, rows])
    backend = PerDomain([("only", estimator, "all")]).fit(train)
    assert np.isfinite(backend.score_samples(rows + 1)).all()
    member = backend.describe()["members"]["only"]
    expected = {"estimator": type(estimator).__name__, "domain": "all", "rows": 10}
    assert member == expected | used
    assert np.isfinite(clone(backend).fit(rows[:1]).score_samples(rows)).all()


def test_a_joint_member_can_have_domain_mixup(data):
    """The member must get the unit rows and, for each source row, a mean with a target row."""
    train, domain, test = data
    members = [("joint", Spy(), "all_and_mixed")]
    Spy.fits.clear()
    backend = PerDomain(members).fit(train, domain=domain)
    rows, mixed = np.split(Spy.fits[0], [70])
    np.testing.assert_allclose(rows, unit_rows(train))
    partners = 2 * mixed - rows[domain == "source"]
    distances = np.linalg.norm(partners[:, None] - rows[domain == "target"], axis=2)
    np.testing.assert_allclose(distances.min(axis=1), 0, atol=1e-12)
    assert len(set(distances.argmin(axis=1))) > 5
    # Rows are scaled when they are scored, too, and a second fit is the same.
    np.testing.assert_allclose(backend.score_samples(3 * test), backend.score_samples(test))
    again = PerDomain(members).fit(train, domain=domain)
    np.testing.assert_array_equal(again.score_samples(test), backend.score_samples(test))
    alone = PerDomain(members).fit(train[:60], domain=domain[:60])
    np.testing.assert_allclose(alone.members_[0][1].mean_, unit_rows(train[:60]).mean(axis=0))


def test_out_of_fold_rows_are_not_mixed_into_the_others(data):
    """Calibration must not see a clip through the mean of it and another."""
    train, domain, _ = data
    members = [("joint", Spy(), "all_and_mixed"), ("near", NearestCosine(), "target")]
    Spy.fits.clear()
    PerDomain(members, normalize="calibration").fit(train, domain=domain)
    whole, *folds = Spy.fits
    assert len(whole) == 130
    for fold in folds:
        kept = {tuple(row) for row in np.round(fold, 12)}
        used = np.array([tuple(row) in kept for row in np.round(unit_rows(train), 12)])
        assert len(fold) == used.sum() + (used & (domain == "source")).sum()


def test_describe_tells_the_clusters_used(data):
    """The description must state the numbers that were used."""
    train, domain, _ = data
    members = PerDomain(WILKINGHOFF).fit(train[55:], domain=domain[55:]).describe()["members"]
    assert members["centers"]["n_clusters"] == 15
    assert members["targets"] == {"estimator": "NearestCosine", "domain": "target", "rows": 10}


def test_clone_is_unfitted_and_parameters_of_members_can_be_set(data):
    """Parameters of members must be settable on a clone only."""
    backend = PerDomain(WILKINGHOFF).fit(data[0])
    copy = clone(backend).set_params(centers__n_clusters=3)
    assert not hasattr(copy, "members_")
    assert copy.fit(data[0]).describe()["members"]["centers"]["n_clusters"] == 3
    assert backend.get_params()["centers__n_clusters"] == 16
