"""Softmax attention over n independent standard normal scores: expectations by quadrature, with their own error.

To attend with probabilities softmax(alpha s) is to pick the largest of alpha s_i + g_i with independent Gumbel noise g_i
(Gumbel-max). The winner's value y has n - 1 values below it, so

    E sum_i p_i s_i = n integral of E[s gumbel(y - alpha s)] (E Gumbel(y - alpha s))^(n-1) dy

with gumbel, Gumbel the density and distribution function of the noise. The integrands are analytic, the sums over a
uniform grid converge faster than any power of the spacing: the grid is halved, and the change must be below `SETTLED`.
Values are kept: a reference and its controls ask for the same ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from scipy.special import log_ndtr

from oracles.evidence import Unsettled

SETTLED = 1e-9  # one digit more than the eight decimals that claims are asked for
EDGE = 10.0  # P(|score| > 10) < 2e-23


@cache
def attended_score(alpha: float, n: int) -> tuple[float, float]:
    """E sum_i p_i s_i for alpha > 0, with a bound on its error. Raises `Unsettled` where halving the grid still changes it."""
    return _winner(f"attended score at alpha = {alpha:g}, n = {n}", alpha, n, of_s=lambda s: s)


@cache
def log_partition(alpha: float, n: int) -> tuple[float, float]:
    """E log sum_i e^(alpha s_i), the mean of the winner's value y less that of the noise (Euler's constant), with a bound on its error."""
    winner, error = _winner(f"log Z at alpha = {alpha:g}, n = {n}", alpha, n, of_y=lambda y: y)
    return winner - np.euler_gamma, error


@cache
def concentration(alpha: float, n: int) -> tuple[float, float]:
    """E sum_i p_i^2, with a bound on its error.

    With 1/Z^2 the integral of t e^(-tZ) dt, t = e^(-y), it is the integral above with one more factor e^(-g), g = y - alpha s, beside
    the noise's density.
    """
    return _winner(f"sum of squares at alpha = {alpha:g}, n = {n}", alpha, n, of_g=lambda g: np.exp(-g))


Part = Callable[[np.ndarray], np.ndarray]


def _winner(what: str, alpha: float, n: int, **parts: Part) -> tuple[float, float]:
    spacing = 1 / (3 * max(alpha, 1.0))  # Gumbel's density is analytic in a strip of half-width pi / 2: e^(-pi^2 / (alpha spacing))
    rough, _ = _on_grid(spacing, alpha, n, **parts)
    fine, rounding = _on_grid(spacing / 2, alpha, n, **parts)
    if not abs(fine - rough) <= SETTLED:
        raise Unsettled(f"{what}: halving the grid moves {rough:.12g} to {fine:.12g}")
    return fine, abs(fine - rough) + rounding


def _on_grid(
    spacing: float, alpha: float, n: int, of_s: Part = np.ones_like, of_y: Part = np.ones_like, of_g: Part = np.ones_like
) -> tuple[float, float]:
    """n integral of of_y(y) E[of_s(s) of_g(g) gumbel(g)] (E Gumbel(g))^(n-1) dy with g = y - alpha s, and what rounding may add."""
    half = math.ceil(EDGE / spacing)
    s = spacing * np.arange(-half, half + 1)
    weight = spacing * np.exp(-s * s / 2) / math.sqrt(2 * math.pi)
    # y from where no score wins (Gumbel(-5) = 4e-65) to where all lose (1 - Gumbel(40) = 4e-18), in units of alpha
    first, last = -math.ceil((EDGE + 5 / alpha) / spacing), math.ceil((EDGE + 40 / alpha) / spacing)
    y = alpha * spacing * np.arange(first, last + 1)
    g = alpha * spacing * np.arange(first - half, last + half + 1)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        density = np.where(g > -6, of_g(np.maximum(g, -6)) * np.exp(-g - np.exp(-g)), 0.0)
        above = np.convolve(-np.expm1(-np.exp(-g)), weight, "valid")  # 1 - E Gumbel(y - alpha s), exact where it is small
        others = n * alpha * spacing * of_y(y) * np.exp((n - 1) * np.log1p(-np.minimum(above, 1.0)))
        terms = np.convolve(density, weight * of_s(s), "valid") * others
        # Rounding: each of the len(s) products of an inner sum, which enters the power n - 1 with the factor of its logarithm.
        sizes = np.convolve(density, weight * abs(of_s(s)), "valid") * abs(others)
        exponent = np.where(above < 1, (n - 1) * above / (1 - above), 0.0)
        rounding = 2.0**-53 * float(np.sum(sizes * ((len(s) + 8) * (1 + exponent) + len(terms))))
    return float(np.sum(terms)), rounding


@cache
def expected_maximum(n: int) -> tuple[float, float]:
    """E max of n standard normal scores, the integral of x d(Phi^n), with a bound on its error. Raises `Unsettled`."""
    rough, _ = _expected_maximum(n, 1 / 16)
    fine, rounding = _expected_maximum(n, 1 / 32)
    if not abs(fine - rough) <= SETTLED:
        raise Unsettled(f"E max of {n}: halving the grid moves {rough:.12g} to {fine:.12g}")
    return fine, abs(fine - rough) + rounding


def _expected_maximum(n: int, spacing: float) -> tuple[float, float]:
    x = np.arange(-EDGE, EDGE + spacing, spacing)
    exponent = (n - 1) * log_ndtr(x)
    terms = spacing * n * x * np.exp(exponent - x * x / 2) / math.sqrt(2 * math.pi)
    # Rounding: the sum, and the exponents with the few units in the last place that log_ndtr leaves.
    rounding = 2.0**-53 * float(np.sum(abs(terms) * (len(x) + 8 * (1 + abs(exponent) + x * x))))
    return float(np.sum(terms)), rounding
