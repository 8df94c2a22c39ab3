"""Entropies of softmax(alpha s) over n independent standard normal scores s (post 9812, "related thoughts").

Shannon's H_1 = log Z - alpha sum_i p_i s_i with Z = sum_i e^(alpha s_i), and E sum_i p_i s_i = G(alpha), the mean gradient. With
log Z = integral of (e^-t - e^(-tZ)) dt / t, t = e^(-y) and w = e^(alpha s - y):  E log Z = integral of e^(-e^-y) - (E e^(-w))^n dy
"""

import math

import numpy as np

from impls.attention.mean_gradient import FAR, gradient, optimum  # noqa: F401  the scale that the post recommends


def shannon(alpha, n):
    """E H_1 for 1/64 <= alpha <= 64, to 8 decimals times 1 + alpha."""
    h = 1 / (4 * max(alpha, 1))
    s = h * np.arange(-round(FAR / h), round(FAR / h) + 1)
    phi = h * np.exp(-(s**2) / 2) / math.sqrt(2 * math.pi)
    low, high = -FAR - 4 / alpha, FAR + (40 + math.log(n)) / alpha  # of y / alpha
    y = alpha * h * np.arange(math.floor(low / h), math.ceil(high / h) + 1)
    around = alpha * h * np.arange(math.floor(low / h) - len(s) // 2, math.ceil(high / h) + len(s) // 2 + 1)
    missing = np.minimum(np.convolve(-np.expm1(-np.exp(np.minimum(-around, 300))), phi, "valid"), 1 - 1e-16)  # 1 - E e^(-w)
    log_partition = alpha * h * float(np.sum(np.exp(-np.exp(np.minimum(-y, 300))) - np.exp(n * np.log1p(-missing))))
    return log_partition - alpha * gradient(alpha, n)


def renyi(alpha, n):
    """-log E sum_i p_i^2: Renyi's entropy of order 2, H_2 = -log sum_i p_i^2, with the mean inside (a lower bound of E H_2)."""
    return -math.log(1 - gradient(alpha, n) / alpha)
