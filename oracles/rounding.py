"""Floating-point numbers against a truth in mpmath, each with an error budget of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import mpmath

from oracles.evidence import Strength, climb, require, spent

DIGITS = 50
UNIT = {"float64": 2.0**-53, "float32": 2.0**-24}  # largest relative error of one rounding
ULPS = {"float64": 1, "float32": 4}  # numpy promises exp and log to 1 ulp in float64, to 4 in float32


def within(what: str, got: Sequence[Any], truth: Sequence[mpmath.mpf], budgets: Sequence[float], arithmetic: str) -> None:
    """Every number of `got` lies within its budget of the truth; NaN lies nowhere, an infinity only at itself. Raises `Refuted`."""
    shares = []
    with mpmath.workdps(DIGITS):
        for value, true, budget in zip(got, truth, budgets, strict=True):
            value = mpmath.mpf(float(value))
            error = abs(value - true)
            shares.append(0.0 if value == true else math.inf if mpmath.isnan(error) else float(error / budget))
    worst = max(range(len(shares)), key=shares.__getitem__)
    share, at = shares[worst], f"number {worst + 1} of {len(shares)}"
    spent(what, share, device="cpu", arithmetic=arithmetic, residual=share * budgets[worst] / (1 + abs(float(truth[worst]))), at=at)
    climb(what, share)
    require(
        share <= 1,
        f"{what}, {arithmetic}, {at}: got {float(got[worst])!r}, truth {mpmath.nstr(truth[worst], 17)}, {share:.3g} of the error budget",
        comparisons=len(shares),
        arithmetic=arithmetic,
        strength=Strength.BUDGET,
    )
