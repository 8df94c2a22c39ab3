"""One scale for all positions of a decoder, where position i attends to i scores (post 9812, "related thoughts").

A annealed objective, alpha*(n) its maximiser, L the maximal length.
"""

import numpy as np
from scipy.special import wrightomega


def length(longest):
    """The n for which the scale is chosen: L / 2."""
    return longest / 2


def kept(i, longest):
    """A(alpha*(n); i) / A(alpha*(i); i) with n = length(L): the share of its own optimum that a position i > 1 reaches, (...)."""
    return gradient(optimum(length(longest)), i) / gradient(optimum(i), i)


def gradient(alpha, n):
    """A(alpha; n) = alpha (1 - e^(alpha^2) / n)"""
    return alpha * (1 - np.exp(alpha**2) / n)


def optimum(n):
    """alpha*(n), the maximiser of A; see impls/attention/annealed_scale.py"""
    return np.sqrt(wrightomega(np.log(n) + 0.5 - np.log(2)) - 0.5)
