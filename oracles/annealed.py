"""The maximum of A(alpha) = alpha (1 - e^(alpha^2) / n) on alpha >= 0, three ways that share no formula; x = alpha^2, n = e^log_n.

A is concave (A'' = -(e^x / n) (6 alpha + 4 alpha^3)), so values of A alone enclose its maximiser; A' = 0 reads
x + log(1 + 2x) = log n, with a rising left side; and the closed form is x = W(n sqrt(e) / 2) - 1/2.
"""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np

from oracles.settled import rises, settled

DIGITS = 50


def closed_form(log_n: float) -> mpmath.mpf:
    """alpha^2 at the maximum, to 40 decimals."""
    w = settled(lambda: mpmath.lambertw(mpmath.exp(mpmath.mpf(log_n) + 0.5) / 2).real, "Lambert's W", digits=DIGITS)
    with mpmath.workdps(DIGITS):
        return max(w - 0.5, mpmath.mpf(0))


def share_of_rounding(alpha: float, log_n: float) -> float:
    """|alpha^2 - closed form| over what a program in float64 may be off by; above 1, or NaN, alpha is another scale.

    alpha^2 = omega(log n + 1/2 - log 2) - 1/2 is the end of 12 roundings of numbers of at most log n + 1: the constant and the sum
    (2), Wright's omega, whose residual x - w - log w has three terms and is not amplified (omega' < 1), and its result (7), the
    subtraction of 1/2 (1), a square root, squared here (2).
    """
    return float(abs(mpmath.fmul(alpha, alpha, exact=True) - closed_form(log_n))) / (12 * 2.0**-53 * (log_n + 1))


def objective(alpha: float, n: int) -> mpmath.mpf:
    """A(alpha), with 1e-50 of the larger of its two terms as error."""
    grown = settled(lambda: mpmath.exp(mpmath.mpf(alpha) ** 2) / n, "e^(alpha^2) / n", digits=DIGITS)
    with mpmath.workdps(2 * DIGITS):
        return alpha * (1 - grown)


def peaks(log_n: float, x: Any, off: Any) -> bool:
    """The maximum of A lies between x - off and x + off: A falls from x to either side (at the end x = 0, to the right)."""
    at = lambda square: mpmath.sqrt(square) * (1 - mpmath.exp(square - log_n))
    with mpmath.workdps(DIGITS):
        low, high = max(x - off, mpmath.mpf(0)), x + off
    return (low == 0 or rises(at, low, x, "A")) and rises(at, high, x, "A")


def stationary(log_n: float, x: Any, off: Any) -> bool:
    """The root of x + log(1 + 2x) = log n lies between x - off and x + off."""
    with mpmath.workdps(2 * DIGITS):
        low, high = (square + mpmath.log(1 + 2 * square) - log_n for square in (max(x - off, mpmath.mpf(0)), x + off))
        return low <= 0 <= high


def optima(n: np.ndarray) -> np.ndarray:
    """alpha at the maxima for many n > 1, in float64: Newton's method for x + log(1 + 2x) = log n from 0, where it rises to the root."""
    log_n, x = np.log(n), np.zeros(np.shape(n))
    for _ in range(50):  # the left side is concave: each step stays below the root, and six of them are enough for n < 10^9
        x = x + (log_n - x - np.log1p(2 * x)) / (1 + 2 / (1 + 2 * x))
    return np.sqrt(x)
