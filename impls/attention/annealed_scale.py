"""The annealed objective of post 9812 ("normal distribution"): for standard normal scores the post replaces sum_i p_i^2
by a ratio of expectations, M(2 alpha) / (n M(alpha)^2) = e^(alpha^2) / n with M(alpha) = E e^(alpha s) = e^(alpha^2 / 2).

n number of scores, a real number >= 1; alpha >= 0 scale of the scores. W is Lambert's function.
"""

import math

from scipy.special import wrightomega


def moment(alpha):
    """M(alpha) = E e^(alpha s) = e^(alpha^2 / 2)"""
    return math.exp(alpha**2 / 2)


def sum_of_squares(alpha, n):
    """e^(alpha^2) / n, what stands for sum_i p_i^2."""
    return math.exp(alpha**2 - math.log(n))


def gradient(alpha, n):
    """A(alpha) = alpha (1 - e^(alpha^2) / n), what the post maximises in place of the softmax gradient."""
    return alpha * (1 - sum_of_squares(alpha, n))


def optimum(log_n):
    """alpha* = sqrt(W(n sqrt(e) / 2) - 1/2), the maximiser of A; W(e^x) is Wright's omega, so that n may be huge."""
    return math.sqrt(max(float(wrightomega(log_n + 0.5 - math.log(2))) - 0.5, 0.0))
