"""A Gaussian mixture of the error vectors of frames (Kuroyanagi et al., DCASE 2021, eq. 2)."""

import numpy as np

from asd_tf.backends.gaussian import CappedGaussianMixture


class FrameMixture(CappedGaussianMixture):
    """Log-likelihood of rows under a Gaussian mixture of the training rows.

    Eq. 2 is printed as minus the likelihood; the negative log-likelihood is meant and computed:
    likelihoods of a hundred dimensions overflow floating-point numbers, and alpha in eq. 3 would
    have no effect. Error vectors are not scaled to length 1, since their length measures the error
    of a frame. For the fit, each column is standardized so that `reg_covar` has the same relative
    effect on all columns; scores are log-likelihoods of the given rows.

    Args:
        n_components: K, the number of Gaussians, not stated in the paper; capped at the number of
            distinct training rows.
        covariance_type: `full`, `tied`, `diag` or `spherical`, of the standardized columns. In the
            paper each Gaussian has a full matrix.
        reg_covar: Added to the diagonal of each covariance, as a share of each column's variance.
        random_state: Seed of the k-means that initializes the fit.

    Attributes:
        location_: [D] mean of each column.
        scale_: [D] standard deviation of each column, 1 for a constant column.
        n_components_, weights_, means_, roots_: See `CappedGaussianMixture`; of the standardized
            columns.
    """

    means_init = None
    density = "mixture"

    def __init__(
        self,
        n_components: int = 2,
        covariance_type: str = "full",
        reg_covar: float = 1e-3,
        random_state: int | None = 0,
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.reg_covar = reg_covar
        self.random_state = random_state

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Returns [n] the log-likelihood of each row of `X` [n, D]."""
        return super().score_samples(X) - np.log(self.scale_).sum()

    def _prepared(self, rows: np.ndarray, fitting: bool) -> np.ndarray:
        """Returns `rows` [n, D] with standardized columns."""
        if fitting:
            self.location_ = rows.mean(axis=0)
            std = rows.std(axis=0)
            # A constant column has a standard deviation of rounding errors.
            varies = std > 1e-9 * np.abs(self.location_)
            self.scale_ = np.where(varies, std, 1.0)
        return (rows - self.location_) / self.scale_
