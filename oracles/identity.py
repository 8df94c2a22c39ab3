"""Identities decided at 50 digits: a ball that excludes zero refutes, one that encloses it tightly is a certificate."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.ball import DIGITS
from oracles.evidence import Refuted, Strength, Unsettled, compared

LEFT = 10.0 ** -(DIGITS // 2)  # half of the digits may be lost to cancellation before an enclosure of zero means nothing


def vanishes(what: str, residual: Any, scale: Any) -> None:
    """Every ball of `residual` encloses 0, to LEFT of its `scale` (the size of the terms that cancel). Raises `Refuted`."""
    residual, scale = np.broadcast_arrays(np.asarray(residual, dtype=object), np.asarray(scale, dtype=object))
    compared(residual.size, arithmetic=f"{DIGITS} digits", strength=Strength.CERTIFIED)
    for at, ball in np.ndenumerate(residual):
        where = f"{what} at {list(at)}" if at else what
        if not ball.is_finite() or not ball.contains(0):
            raise Refuted(f"{where}: off by {float(ball.mid()):.9g}, where the terms have size {float(abs(scale[at])):.3g}")
        if not ball.rad() <= LEFT * abs(scale[at]):
            raise Unsettled(f"{where}: {DIGITS} digits leave {float(ball.rad()):.2g}: cancellation in the oracle itself")


def below(what: str, low: Any, high: Any) -> None:
    """Every ball of `low` lies below its partner in `high`. Raises `Refuted`, and `Unsettled` where a pair cannot be told apart."""
    low, high = np.broadcast_arrays(np.asarray(low, dtype=object), np.asarray(high, dtype=object))
    compared(low.size, arithmetic=f"{DIGITS} digits", strength=Strength.CERTIFIED)
    for at, gap in np.ndenumerate(high - low):
        if gap > 0:
            continue
        where = f"{what} at {list(at)}" if at else what
        sentence = f"{where}: {float(low[at].mid()):.9g} is not below {float(high[at].mid()):.9g}"
        if gap.is_finite() and gap.contains(0) and not gap.is_exact():
            raise Unsettled(f"{sentence} by {DIGITS} digits, nor above it")
        raise Refuted(sentence)
