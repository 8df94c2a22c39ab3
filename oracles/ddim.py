"""The DDIM family, from what it has to fulfil: `xp` is torch (float64, for conditioning) or numpy (balls).

The four conditions E[x_prev | x_0] = abar_prev x_0, Var(x_prev | x_0) = bbar_prev^2, noise of deviation sigma, and a weight
of the noise in x_t that is not negative, leave a single affine step; here it is solved for, not simplified.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.ball import certified
from oracles.budget import Bound

Array = Any


def only_step(
    xp: Any, x: Array, eps: Array, z: Array, abar_t: Array, bbar_t: Array, abar: Array, bbar: Array,
    sigma: Array, noise: Array, interior: np.ndarray,
) -> Array:  # fmt: skip
    """A_x = abar / abar_t, A_n = noise, A_e = sqrt(bbar^2 - sigma^2) - A_x bbar_t.

    noise is sigma once more: as two inputs its two uses cannot cancel in the conditioning. interior: 0 where sigma = bbar;
    the root is 0 there, without error, because equal squares subtract to 0 in every arithmetic.
    """
    inside = interior if xp is np else xp.as_tensor(interior)
    root = xp.sqrt(bbar * bbar - sigma * sigma + (1 - inside)) * inside
    return abar / abar_t * (x - bbar_t * eps) + root * eps + noise * z


def step(x: Any, eps: Any, z: Any, abar_t: Any, bbar_t: Any, abar: Any, bbar: Any, sigma: Any) -> Bound:
    """Truth and error budget of a step of the family on float64 tensors."""
    interior = (sigma != bbar).numpy().astype(int)
    # Stored on the longest path: alpha, sigma^2, difference, root, times alpha, minus from bbar_t, times eps, minus from x_t,
    # divided by alpha, plus noise. No sums.
    return certified(only_step, (x, eps, z, abar_t, bbar_t, abar, bbar, sigma, sigma, interior), roundings=10, sums=0)


def only_jump(xp: Any, x: Array, eps: Array, z: Array, eta: float, *levels: Array) -> Array:
    """`only_step` with sigma = eta (bbar / bbar_t) sqrt(1 - (abar_t / abar)^2).

    levels: (abar_t, bbar_t, abar, bbar) three times, for the mean, for sigma under the root and for sigma before the noise:
    as inputs of their own, their uses cannot cancel in the conditioning.
    """
    mean, *of_sigmas = levels[:4], levels[4:8], levels[8:]
    sigmas = [eta * bbar / bbar_t * xp.sqrt(1 - abar_t / abar * abar_t / abar) for abar_t, bbar_t, abar, bbar in of_sigmas]
    return only_step(xp, x, eps, z, *mean, *sigmas, np.ones(np.shape(x), dtype=int))


def jump(x: Any, eps: Any, z: Any, abar: Any, bbar: Any, now: int, then: int, eta: float) -> Bound:
    """Truth and error budget of a step between two times of a schedule, with sigma = eta times the posterior's deviation."""
    levels = abar[now], bbar[now], abar[then], bbar[then]
    # The ten of a step, and before them: alpha^2, 1 - alpha^2, its root, times bbar_prev / bbar_t, times eta.
    return certified(only_jump, (x, eps, z, eta, *levels, *levels, *levels), roundings=15, sums=0)
