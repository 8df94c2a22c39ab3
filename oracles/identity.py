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
