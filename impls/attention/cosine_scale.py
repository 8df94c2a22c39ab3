"""The annealed objective of post 9812 for scores that are cosines of random directions in d dimensions ("cosine distribution").

s cosine, of density proportional to (1 - s^2)^((d-3)/2); M(alpha) = E e^(alpha s); A(alpha) = alpha (1 - M(2 alpha) / (n M(alpha)^2)).
All integrals are sums over a uniform grid of u with s = tanh(u), where the density is proportional to sech(u)^(d-1).
"""

import math

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln, logsumexp

from impls.attention.scale_fits import cosine as fit  # noqa: F401  what the post fits to the optimum for d = 128


def density(s, d):
    """To 10 digits: p(s) = Gamma(d/2) / (Gamma((d-1)/2) sqrt(pi)) (1 - s^2)^((d-3)/2), -1 < s < 1 and d >= 2."""
    return np.exp(gammaln(d / 2) - gammaln((d - 1) / 2) + (d - 3) / 2 * np.log1p(-(s**2))) / math.sqrt(math.pi)


def log_moment(alpha, d):
    """log M(alpha) for alpha >= 0, to 1e-12 (1 + alpha)."""
    return tilted(alpha, d)[0]


def tilted(alpha, d):
    """log M(alpha) and its derivative, the mean of s under the density times e^(alpha s)."""
    end = math.log(4 * (1 + 2 * alpha / (d - 1))) / 2 + 40 / (d - 1)  # beyond it less than e^-40 of either integral
    u = np.linspace(-end, end, 2 * math.ceil(8 * end * math.sqrt(d)) + 1)
    log_density = -(d - 1) * (np.logaddexp(u, -u) - math.log(2))
    log_weights = log_density + alpha * np.tanh(u)
    log_total = logsumexp(log_weights)
    return float(log_total - logsumexp(log_density)), float(np.exp(log_weights - log_total) @ np.tanh(u))


def size(alpha, d):
    """log n of the number of scores for which alpha maximises A: n = M(2a) / M(a)^2 (1 + 2a (L'(2a) - L'(a))), L = log M.

    To 1e-11 (1 + alpha).
    """
    (once, mean), (twice, far) = tilted(alpha, d), tilted(2 * alpha, d)
    return twice - 2 * once + math.log1p(2 * alpha * (far - mean))


def optimum(log_n, d):
    """alpha*, the maximiser of A, to 10 digits for d from 64 to 768 and n from 4 to 20000.

    The error of `size` moves the root by 1e-11 (1 + alpha) / (alpha size'(alpha)) of itself, where alpha size'(alpha), the slope over log alpha, is 2.2 and more
    there; what the search adds is a hundredth of that.
    """
    high = 1.0
    while size(high, d) < log_n:
        high *= 2
    return brentq(lambda alpha: size(alpha, d) - log_n, 0, high, rtol=1e-12)
