"""Integrals against a normal density enclose their closed forms, tightly, and a wrong closed form is excluded."""

from __future__ import annotations

import pytest

flint = pytest.importorskip("flint")

from oracles.ball import DIGITS
from oracles.integral import against_normal


@pytest.mark.parametrize("mean", [0, -3, 0.5])
@pytest.mark.parametrize("deviation", [1, 0.125, 2])
def test_moments_of_a_normal_law(mean: float, deviation: float) -> None:
    mean, deviation = flint.arb(mean), flint.arb(deviation)
    moments = [against_normal(lambda w, n=n: w**n, mean, deviation) for n in range(3)]
    for got, want in zip(moments, (flint.arb(1), mean, mean**2 + deviation**2), strict=True):
        assert abs(got - want) < 1e-40
    assert abs(moments[2] - mean**2) > 0.9 * deviation**2


@pytest.mark.parametrize("rate", [0, 1.5, -2, 6])
def test_exponential_moments(rate: float) -> None:
    with flint.ctx.workdps(DIGITS):
        want = (flint.arb(rate) ** 2 / 2).exp()
        assert abs(against_normal(lambda w: (w * rate).exp(), flint.arb(0), flint.arb(1)) / want - 1) < 1e-40
