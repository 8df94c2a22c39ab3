"""The mean softmax gradient over n independent standard normal scores: what post 9812 stands for its annealed objective.

G(alpha) = E[alpha (1 - sum_i p_i^2)], p = softmax(alpha s); phi, Phi density and distribution function of a score.
With 1/Z^2 = integral of t e^(-tZ) dt, t = e^(-y) and w = e^(alpha s - y):
    E sum_i p_i^2 = n integral of E[w^2 e^(-w)] (E e^(-w))^(n-1) dy
Both integrals are sums over one grid, on which the inner one is a convolution. Numbers are right to 8 decimals.
"""

import math

import numpy as np
from scipy.special import ndtr

from impls.attention.annealed_scale import optimum  # noqa: F401  the scale that the post recommends for this gradient

FAR = 9  # scores beyond it have probability 2e-19


def gradient(alpha, n):
    """G(alpha) for 1/64 <= alpha <= 64 and n >= 2; for alpha = inf its limit. Larger scales cost alpha^2."""
    if alpha == math.inf:
        return supremum(n)
    h = 1 / (4 * max(alpha, 1))  # spacing of the scores; of y: alpha h <= 1/4, where w^2 e^(-w) has poles at a distance pi / 2
    s = h * np.arange(-round(FAR / h), round(FAR / h) + 1)
    phi = h * np.exp(-(s**2) / 2) / math.sqrt(2 * math.pi)
    low, high = -2 * FAR - 4 / alpha, 2 * FAR + 40 / alpha  # of y / alpha - s
    w = np.exp(np.minimum(-alpha * h * np.arange(math.floor(low / h), math.ceil(high / h) + 1), 300))
    inner = np.convolve(w**2 * np.exp(-w), phi, "valid")
    missing = np.minimum(np.convolve(-np.expm1(-w), phi, "valid"), 1 - 1e-16)  # 1 - E e^(-w)
    return alpha * (1 - n * alpha * h * float(np.sum(inner * np.exp((n - 1) * np.log1p(-missing)))))


def supremum(n):
    """Limit of G for alpha -> infinity: n (n - 1) integral of phi^2 Phi^(n-2) = E max_i s_i."""
    x = np.arange(-FAR, FAR, 1 / 32)
    phi = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    return float(n * (n - 1) * np.sum(phi**2 * ndtr(x) ** (n - 2)) / 32)
