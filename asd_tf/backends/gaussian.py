"""A Gaussian mixture of normalised embeddings that also fits a handful of clips."""

import numpy as np
from scipy.special import logsumexp
from sklearn.mixture import GaussianMixture
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from asd_tf.backends.base import NoveltyBackend, distinct_rows, unit_rows

DENSITIES = ("mixture", "best_component", "worst_component")


class CappedGaussianMixture(NoveltyBackend):
    """How likely rows are under a Gaussian mixture of the normalised training rows.

    Args:
        n_components: Number of Gaussians; at most one for each distinct training row.
        covariance_type: `full`, `tied`, `diag` or `spherical`.
        reg_covar: Added to the diagonal of each covariance.
        means_init: [n, D], where the means start from, such as learned centres, of any length;
            there are as many components then, but for the cap, under which those stay that lie
            nearest to a training row. None for k-means.
        density: `mixture` for that of the whole mixture; `best_component` for the largest density
            of a component alone, without its weight, as sub-cluster AdaCos is published with
            (Wilkinghoff 2021); `worst_component` for the smallest (the wording of Asai 2021).
        random_state: Seed of the k-means that the fit starts from.

    Attributes:
        n_components_: Number of Gaussians used.
        weights_: [n_components_] their weights.
        means_: [n_components_, D] their means.
        roots_: Cholesky factors of their inverse covariances, as scikit-learn shapes
            `precisions_cholesky_` for the type. Covariances themselves would triple a saved
            backend, and nothing asks for them.
    """

    def __init__(
        self,
        n_components: int = 16,
        covariance_type: str = "full",
        reg_covar: float = 1e-3,
        means_init: np.ndarray | None = None,
        density: str = "mixture",
        random_state: int | None = 0,
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.reg_covar = reg_covar
        self.means_init = means_init
        self.density = density
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: None = None) -> "CappedGaussianMixture":
        """Fits the mixture to the rows of `X` [n, D]."""
        if self.density not in DENSITIES:
            raise ValueError(
                f"density {self.density!r} is not known: use one of {', '.join(DENSITIES)}"
            )
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
        # GaussianMixture wants two rows; a row given twice has the same mean and covariance.
        # Its matrices are small: on them the threads of BLAS wait for each other, and little else.
        with threadpool_limits(1):
            mixture.fit(np.repeat(rows, 2, axis=0) if len(rows) == 1 else rows)
        self.weights_, self.means_ = mixture.weights_, mixture.means_
        self.roots_ = mixture.precisions_cholesky_
        self._set_offset(X)
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Returns [n] the log-likelihood of each normalised row, or that of a component."""
        check_is_fitted(self)
        rows = self._validated(X, fitting=False, dtype=np.float64)
        rows = self._prepared(rows, fitting=False)
        densities = self._log_densities(rows)
        if self.density == "mixture":
            return logsumexp(densities + np.log(self.weights_), axis=1)
        return densities.max(axis=1) if self.density == "best_component" else densities.min(axis=1)

    def _prepared(self, rows: np.ndarray, fitting: bool) -> np.ndarray:
        """Returns `rows` [n, D] as the mixture sees them, of length one."""
        return unit_rows(rows)

    def _log_densities(self, rows: np.ndarray) -> np.ndarray:
        """Returns [n, components] the log-density of `rows` [n, D] under each component alone."""
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
        """Returns the means to start from, the nearest ones to `rows` where there are too many."""
        if self.means_init is None:
            return None
        means = unit_rows(np.asarray(self.means_init, np.float64))
        nearness = (means @ rows.T).max(axis=1)
        kept = np.argsort(-nearness, kind="stable")[: self.n_components_]
        return means[np.sort(kept)]
