"""Scores that are cosines s of two independent uniform directions in d dimensions.

A standard normal vector g is its length times a uniform direction, independent of each other: E g_1^(2k) = E |g|^(2k) E s^(2k), where
the left side is (2k - 1)!! and E |g|^(2k) = d (d + 2) ... (d + 2k - 2). No density of s is used. The moments sum up to

    M(alpha) = E e^(alpha s) = 0F1(; d/2; alpha^2 / 4) = Gamma(d/2) (2 / alpha)^(d/2 - 1) I_(d/2 - 1)(alpha)
"""

from __future__ import annotations

import unittest
from fractions import Fraction
from functools import cache
from typing import Any

from oracles.ball import DIGITS, flint
from oracles.evidence import Unsettled


def even_moment(d: int, k: int) -> Fraction:
    """E s^(2k)"""
    moment = Fraction(1)
    for j in range(k):
        moment *= Fraction(2 * j + 1, d + 2 * j)
    return moment


def from_moments(alpha: float, d: int) -> Any:
    """M(alpha) as a ball: alpha^(2k) / (2k)! E s^(2k) summed over k, the rest bounded by that of cosh alpha."""
    _needed()
    with flint.ctx.workdps(DIGITS):
        power, moment, total, k = flint.arb(1), flint.arb(1), flint.arb(1), 0
        while k < abs(alpha) or power > 10.0**-DIGITS:
            k += 1
            power *= flint.arb(alpha) ** 2 / (2 * k * (2 * k - 1))
            moment *= flint.fmpq(2 * k - 1, d + 2 * k - 2)
            total += power * moment
        return total + flint.arb(0, 2 * power)  # from k > |alpha| on each term of cosh is less than half of the one before


def moment_generating(alpha: Any, d: int) -> Any:
    """M(alpha) as a ball, by the closed form."""
    _needed()
    with flint.ctx.workdps(DIGITS):
        return (flint.arb(alpha) ** 2 / 4).hypgeom_0f1(flint.fmpq(d, 2))


@cache
def annealed(alpha: float, d: int, log_n: float) -> Any:
    """alpha (1 - M(2 alpha) / (n M(alpha)^2)) as a ball, n = e^log_n with this very float: n may be beyond float64."""
    with flint.ctx.workdps(DIGITS):
        return alpha * (1 - moment_generating(2 * alpha, d) / (flint.arb(log_n).exp() * moment_generating(alpha, d) ** 2))


def peaks(alpha: float, off: float, d: int, log_n: float) -> bool:
    """The annealed objective is certainly larger at alpha than at alpha - off and at alpha + off: it has a maximum between them."""
    top = annealed(alpha, d, log_n)
    below = [annealed(beside, d, log_n) for beside in (alpha - off, alpha + off)]
    if any(top.overlaps(value) for value in below):
        raise Unsettled(
            f"d = {d}, log n = {log_n:.6g}: {DIGITS} digits do not tell the objective at {alpha:.12g} from that {off:g} beside it"
        )
    return all(top > value for value in below)


def _needed() -> None:
    if flint is None:
        raise unittest.SkipTest("needs python-flint for certified values: pip install python-flint")
