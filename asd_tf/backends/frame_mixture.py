"""A Gaussian mixture of the error vectors of frames (Kuroyanagi et al., DCASE 2021, eq. 2)."""

import numpy as np

from asd_tf.backends.gaussian import CappedGaussianMixture


class FrameMixture(CappedGaussianMixture):
    """How likely rows are under a Gaussian mixture of the training rows.

    Eq. 2 is printed as minus the likelihood; meant, and computed, is its logarithm: likelihoods of
    a hundred dimensions are beyond what floating-point numbers hold, and would leave no meaning to
    alpha in eq. 3. Errors are fitted as they are, not normalised in length: the length is what
    says how bad a frame is. Only for the fit is each column divided by its standard deviation, so
    that `reg_covar` means the same for each of them; scores are log-likelihoods of the rows as
    they are given.

    Args:
        n_components: K, the number of Gaussians, which the paper leaves open; at most one for each
            distinct training row.
        covariance_type: `full`, `tied`, `diag` or `spherical`, the last in units of each column's
            spread. The paper has a matrix for each Gaussian.
        reg_covar: Added to the diagonal of each covariance, as a share of each column's variance.
        random_state: Seed of the k-means that the fit starts from.

    Attributes:
        location_: [D] mean of each column.
        scale_: [D] its standard deviation, 1 for a column that never varies.
        n_components_, weights_, means_, roots_: As `CappedGaussianMixture` has them, of the
            standardised columns.
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
        """Returns `rows` [n, D] with standardised columns."""
        if fitting:
            self.location_ = rows.mean(axis=0)
            spreads = rows.std(axis=0)
            # What is left of rounding in a column of equal values is no spread.
            varies = spreads > 1e-9 * np.abs(self.location_)
            self.scale_ = np.where(varies, spreads, 1.0)
        return (rows - self.location_) / self.scale_
