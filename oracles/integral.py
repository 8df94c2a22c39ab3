"""Certified integrals of analytic functions against a normal density, by ball arithmetic (Arb's adaptive Gauss-Legendre rule)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oracles.ball import DIGITS, flint

REACH = 24  # standard deviations: where |f| grows no faster than e^(6 |z|), the integral beyond is below 1e-60


def against_normal(f: Callable[[Any], Any], mean: Any, deviation: Any) -> Any:
    """The integral of f(w) N(w; mean, deviation^2) dw as a real ball; f takes and returns complex balls.

    With z = (w - mean) / deviation, |f| must be at most A e^(6 |z|): what is cut off is then less than 1e-60 A.
    """
    with flint.ctx.workdps(DIGITS):
        inside = flint.acb.integral(
            lambda w, _: f(w) * (-(((w - mean) / deviation) ** 2) / 2).exp(), mean - REACH * deviation, mean + REACH * deviation
        )
        return inside.real / (deviation * (2 * flint.arb.pi()).sqrt())
