"""Location, scale and shape of numbers in bins, by polynomials of their ranks."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["LOCATION_PER_SD", "SCALE_PER_LOG", "rank_polynomials", "skewness"]

#: What the first polynomial's mean moves by when a normal column moves by one standard deviation.
LOCATION_PER_SD = 0.9772050238
#: What the second's moves by when the logarithm of a normal column's spread moves by 1.
SCALE_PER_LOG = 1.2328088882


def rank_polynomials(rows: ArrayLike, degree: int = 4) -> NDArray[np.float64]:
    """Polynomials of the bins' mid-ranks that are orthonormal under the reference's shares.

    Weighted by the shares of the reference each has mean 0, variance 1 and no covariance with the others; so the mean
    of each over n rows drawn like the reference has the standard error 1 / sqrt(n). The first tells location, the
    second scale, the others shape.

    Parameters
    ----------
    rows : the reference's row counts, shape (bins,), in ascending order of the magnitude

    Returns
    -------
    array of shape (polynomials, bins)
        Fewer than `degree` where fewer bins hold rows; none where one bin holds all.

    Notes
    -----
    Components of a smooth test on ranks: Eubank, LaRiccia and Rosenstein (1987), J. Am. Stat. Assoc. 82, 816-825.

    >>> rank_polynomials([50, 50]).round(6).tolist()
    [[-1.0, 1.0]]
    """
    counts = np.asarray(rows, dtype=np.float64)
    total = counts.sum()
    held = counts > 0
    degree = min(degree, int(held.sum()) - 1)
    if degree < 1:
        return np.empty((0, counts.size))
    shares = counts / total
    ranks = 2 * (np.cumsum(shares) - shares / 2) - 1
    powers = np.polynomial.legendre.legvander(ranks, degree)
    # Gram-Schmidt under the shares, by a QR decomposition of the weighted values; signs such that each ascends at the end.
    weighted = powers[held] * np.sqrt(shares[held])[:, None]
    upper = np.linalg.qr(weighted, mode="r")
    upper *= np.sign(np.diag(upper))[:, None]
    found = np.linalg.solve(upper.T, powers.T)
    return np.asarray(found[1:])


def skewness(polynomials: NDArray[np.float64], rows: ArrayLike) -> NDArray[np.float64]:
    """The third moment of each polynomial under the reference's shares, shape (polynomials,); 0 for symmetric ones."""
    counts = np.asarray(rows, dtype=np.float64)
    return np.asarray((polynomials**3) @ (counts / max(float(counts.sum()), 1.0)))
