"""Special functions and integrals in mpmath: a value counts only if two precisions agree on it.

This detects what grows worse with fewer digits: cancellation, a quadrature of too few nodes, a root that is not isolated.
It cannot detect a constant that entered as a float64, which is the same at both precisions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath

from oracles.evidence import Unsettled

DIGITS = 30


def settled(value: Callable[[], Any], what: str, digits: int = DIGITS) -> mpmath.mpf:
    """value(), computed with 10 digits to spare and again with twice as many, right to `digits` significant digits.

    Raises `Unsettled` where the two do not agree, or are not finite real numbers.
    """
    found = []
    for precision in (digits + 10, 2 * (digits + 10)):
        with mpmath.workdps(precision):
            found.append(mpmath.mpmathify(value()))
    rough, fine = found
    if not (isinstance(rough, mpmath.mpf) and isinstance(fine, mpmath.mpf) and mpmath.isfinite(rough) and mpmath.isfinite(fine)):
        raise Unsettled(f"{what}: not a finite real number, but {mpmath.nstr(rough, 6)} and {mpmath.nstr(fine, 6)} at two precisions")
    with mpmath.workdps(2 * (digits + 10)):
        if abs(rough - fine) > mpmath.mpf(10) ** -digits * abs(fine):
            seen = f"{mpmath.nstr(rough, digits)} and {mpmath.nstr(fine, digits)}"
            raise Unsettled(f"{what}: {seen} at two precisions, fewer than {digits} digits agree")
    return fine


def rises(f: Callable[[Any], Any], low: Any, high: Any, what: str) -> bool:
    """f(low) < f(high), decided by a settled difference: six digits of it say that its sign is no rounding.

    The points may lie so close that the difference has only 1e-100 of either value: it is computed with 200 digits.
    """
    with mpmath.workdps(400):
        low, high = mpmath.mpmathify(low), mpmath.mpmathify(high)
    return settled(lambda: _difference(f, low, high), what, digits=6) > 0


def _difference(f: Callable[[Any], Any], low: Any, high: Any) -> mpmath.mpf:
    with mpmath.workdps(mpmath.mp.dps + 200):
        return f(high) - f(low)
