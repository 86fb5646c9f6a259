"""A Gaussian mixture of normalized embeddings that can be fitted to a few clips."""

import numpy as np
from scipy.special import logsumexp
from sklearn.mixture import GaussianMixture
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from asd_tf.arguments import check_choices
from asd_tf.backends.base import NoveltyBackend, distinct_rows, unit_rows

DENSITIES = ("mixture", "best_component", "worst_component")


class CappedGaussianMixture(NoveltyBackend):
    """Log-likelihood of rows under a Gaussian mixture of the training rows, scaled to length 1.

    Args:
        n_components: Number of Gaussians; capped at the number of distinct training rows.
        covariance_type: `full`, `tied`, `diag` or `spherical`.
        reg_covar: Added to the diagonal of each covariance.
        means_init: [n, D] initial means, such as learned centers; they are scaled to length 1.
            There are then n components. If n is capped, the means nearest to a training row are
            used. None for k-means.
        density: `mixture` for the density of the whole mixture; `best_component` for the largest
            density of a single component, without its weight, as sub-cluster AdaCos is published
            (Wilkinghoff 2021); `worst_component` for the smallest (the wording of Asai 2021).
        random_state: Seed of the k-means that initializes the fit.
        normalize_rows: Whether rows and initial means are scaled to length 1. Rows of the domain
            `all_and_mixed` of `PerDomain` are scaled before some are mixed, and then no more.

    Attributes:
        n_components_: Number of Gaussians used.
        weights_: [n_components_] their weights.
        means_: [n_components_, D] their means.
        roots_: Cholesky factors of their inverse covariances, in the shape of scikit-learn's
            `precisions_cholesky_`. Covariances are not kept: they are not needed, and would triple
            the size of a saved backend.
    """

    # For backends that were saved before there was the parameter.
    normalize_rows = True

    def __init__(
        self,
        n_components: int = 16,
        covariance_type: str = "full",
        reg_covar: float = 1e-3,
        means_init: np.ndarray | None = None,
        density: str = "mixture",
        random_state: int | None = 0,
        normalize_rows: bool = True,
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.reg_covar = reg_covar
        self.means_init = means_init
        self.density = density
        self.random_state = random_state
        self.normalize_rows = normalize_rows

    def fit(self, X: np.ndarray, y: None = None) -> "CappedGaussianMixture":
        """Fits the mixture to the rows of `X` [n, D].

        Raises:
            ValueError: If `density` is unknown.
        """
        check_choices(DENSITIES, density=self.density)
        X = self._validated(X, fitting=True, dtype=np.float64)
        rows = self._prepared(X, fitting=True)
        wanted = self.n_components if self.means_init is None else len(self.means_init)
        self.n_components_ = min(wanted, distinct_rows(rows, wanted))
        mixture = GaussianMixture(
            self.n_components_,
            covariance_type=self.covariance_type,
            reg_covar=self.reg_covar,
            means_init=self._means(rows),
            random_state=self.random_state,
        )
        # GaussianMixture requires two rows; a repeated row has the same mean and covariance. The
        # matrices are too small for several BLAS threads, which would only wait for each other.
        with threadpool_limits(1):
            mixture.fit(np.repeat(rows, 2, axis=0) if len(rows) == 1 else rows)
        self.weights_, self.means_ = mixture.weights_, mixture.means_
        self.roots_ = mixture.precisions_cholesky_
        self._set_offset(X)
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Returns [n] the log-density of each normalized row, see `density`."""
        check_is_fitted(self)
        rows = self._validated(X, fitting=False, dtype=np.float64)
        rows = self._prepared(rows, fitting=False)
        densities = self._log_densities(rows)
        if self.density == "mixture":
            return logsumexp(densities + np.log(self.weights_), axis=1)
        return densities.max(axis=1) if self.density == "best_component" else densities.min(axis=1)

    def _prepared(self, rows: np.ndarray, fitting: bool) -> np.ndarray:
        """Returns the rows [n, D] that the mixture is fitted to."""
        return unit_rows(rows) if self.normalize_rows else rows

    def _log_densities(self, rows: np.ndarray) -> np.ndarray:
        """Returns [n, components] the log-density of `rows` [n, D] under each component."""
        width = rows.shape[1]
        tied = self.covariance_type == "tied"
        densities = np.empty([len(rows), self.n_components_])
        for index, mean in enumerate(self.means_):
            root = self.roots_ if tied else self.roots_[index]
            if root.ndim == 2:
                whitened, diagonal = (rows - mean) @ root, np.diag(root)
            else:
                whitened, diagonal = (rows - mean) * root, np.broadcast_to(root, [width])
            squares = np.sum(whitened**2, axis=1)
            densities[:, index] = np.log(diagonal).sum() - squares / 2
        return densities - width / 2 * np.log(2 * np.pi)

    def _means(self, rows: np.ndarray) -> np.ndarray | None:
        """Returns the initial means; if there are too many, those nearest to `rows`."""
        if self.means_init is None:
            return None
        means = np.asarray(self.means_init, np.float64)
        means = unit_rows(means) if self.normalize_rows else means
        nearness = (means @ rows.T).max(axis=1)
        kept = np.argsort(-nearness, kind="stable")[: self.n_components_]
        return means[np.sort(kept)]
