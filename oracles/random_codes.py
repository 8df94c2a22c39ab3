"""The distance from a standard normal vector to the nearest of c others: its exact law.

Given |k|^2 = s, each |k - omega_i|^2 is noncentral chi-square with d degrees of freedom and noncentrality s, and they are
independent, so that P(min <= t) = E[1 - (1 - F(t; d, s))^c] with s chi-square. Both integrals are Gauss-Legendre sums,
taken twice with different numbers of nodes, which must agree.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi, chi2, ncx2

from oracles.evidence import Unsettled

AGREE = 1e-6  # of two rules; what is read off these values differs by 1e-4 and more
NODES = (60, 90)


@cache
def farther(d: int, c: int, t: float) -> float:
    """P(min_i |k - omega_i|^2 > t)."""
    return float(settled_sums(lambda nodes: survival(d, c, np.array([t]), nodes)[0], f"the law for {c} codes in {d} dimensions"))


@cache
def median(d: int, c: int) -> float:
    """The t with P(min_i |k - omega_i|^2 <= t) = 1/2, to 1e-6 of itself, which moves P by 1e-6 t f(t), f the density.

    tests/test_random_codes.py holds t f(t) below 4; to tell 4e-6 from nothing takes more than 10^10 draws.
    """
    top = float(2 * chi2.isf(1e-3, d))
    return float(brentq(lambda t: farther(d, c, t) - 0.5, 0.0, top, rtol=1e-6))


@cache
def distortion(d: int, c: int) -> float:
    """E min_i |k - omega_i|^2 / d: one for a single code at 0, two for a single random code."""
    top = float(2 * chi2.isf(1e-18, d))  # |k - omega|^2 / 2 is chi-square: beyond this even a single code is with probability 1e-18

    def integral(nodes: int) -> float:
        x, w = np.polynomial.legendre.leggauss(2 * nodes)
        y = (x + 1) / 2  # over the square root of t, because many codes crowd the law near 0
        return float((survival(d, c, top * y**2, nodes) * y * w).sum() * top / d)

    return settled_sums(integral, f"the distortion of {c} codes in {d} dimensions")


def survival(d: int, c: int, t: np.ndarray, nodes: int) -> np.ndarray:
    """P(min > t) for each t by a rule of `nodes` points over |k|, between quantiles that leave out 2e-12 of its mass."""
    of_one, mass = single(d, tuple(t.tolist()), nodes)
    return of_one**c @ mass


@cache
def single(d: int, t: tuple[float, ...], nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """P(one code is farther than t) for each t and each |k| of the rule, and the masses of these |k|. Dear, and the same for any number of codes."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    low, high = chi.ppf(1e-12, d), chi.isf(1e-12, d)
    norm = (low + high) / 2 + (high - low) / 2 * x
    return ncx2.sf(np.array(t)[:, None], d, norm**2), chi.pdf(norm, d) * w * (high - low) / 2


def settled_sums(value: Callable[[int], float], what: str) -> float:
    rough, fine = (value(nodes) for nodes in NODES)
    if not abs(rough - fine) <= AGREE * max(abs(fine), 1.0):
        raise Unsettled(f"{what}: {rough:.9g} and {fine:.9g} with two numbers of nodes")
    return fine
