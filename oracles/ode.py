"""dx/ds along the flow of DDIM, differentiated from what defines it: x / abar moves by eps where bbar / abar moves by 1.

Reverse mode on tensors, power series of two terms on balls (`xp` is torch or numpy); abar = e^{-5 s^power}, abar^2 + bbar^2 = 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from oracles.ball import certified, flint
from oracles.budget import Bound

Array = Any


def rate(xp: Any, x: Array, eps: Array, s: Array, power: int) -> Array:
    """dx/ds at (x, s) where the noise is eps, entry by entry."""
    if xp is torch:
        return torch.func.grad(lambda ds: moved(xp, ds, x, eps, s, power).sum())(torch.zeros_like(s))
    ds = np.empty_like(s)
    for i in range(len(s)):
        ds[i] = flint.arb_series([0, 1], prec=2)
    return np.array([series[1] for series in moved(xp, ds, x, eps, s, power)], dtype=object)


def moved(xp: Any, ds: Array, x: Array, eps: Array, s: Array, power: int) -> Array:
    """x at s + ds with eps held fixed."""
    (abar, bbar), (abar_then, bbar_then) = levels(xp, s, power), levels(xp, s + ds, power)
    return abar_then * (x / abar + (bbar_then / abar_then - bbar / abar) * eps)


def levels(xp: Any, s: Array, power: int) -> tuple[Array, Array]:
    abar = xp.exp(-5 * (s * s if power == 2 else s))
    return abar, xp.sqrt(1 - abar * abar)


def bounded_rate(x: Tensor, eps: Tensor, s: Tensor, power: int) -> Bound:
    """Truth and error budget of dx/ds."""
    # Stored on the longest path: 10 s, s 10 s, expm1, root, quotient, minus x, times 10 s; a function of a library may be off by
    # one unit in the last place, which is two roundings, and 10 s enters twice.
    return certified(lambda xp, x, eps, s: rate(xp, x, eps, s, power), (x, eps, s), roundings=10, sums=0)
