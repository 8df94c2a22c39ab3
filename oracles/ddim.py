"""The DDIM family, from what it has to fulfil: `xp` is torch (float64, for conditioning) or numpy (balls).

The four conditions E[x_prev | x_0] = abar_prev x_0, Var(x_prev | x_0) = bbar_prev^2, noise of deviation sigma, and a weight
of the noise in x_t that is not negative, leave a single affine step; here it is solved for, not simplified.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from oracles.ball import certified
from oracles.budget import Bound
from oracles.evidence import Refuted
from oracles.gaussian import Affine, Gaussian, probe
from oracles.identity import vanishes
from oracles.surd import exact, same

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


def only_jump(xp: Any, x: Array, eps: Array, z: Array, eta: float, *given: Array) -> Array:
    """`only_step` with sigma = eta (bbar / bbar_t) sqrt(1 - (abar_t / abar)^2), where bbar is sqrt(1 - abar^2).

    given: (abar_t, abar, abar_t, abar, 1) three times, for the mean, for sigma under the root and for sigma before the
    noise; the second pair and the 1 are for bbar. As inputs of their own, their uses cannot cancel in the conditioning.
    """

    def levels(abar_t: Array, abar: Array, again_t: Array, again: Array, one: Array) -> tuple[Array, ...]:
        return abar_t, xp.sqrt(one - again_t * again_t), abar, xp.sqrt(one - again * again)

    mean, *of_sigmas = (levels(*given[i : i + 5]) for i in (0, 5, 10))
    sigmas = [eta * bbar / bbar_t * xp.sqrt(1 - abar_t / abar * abar_t / abar) for abar_t, bbar_t, abar, bbar in of_sigmas]
    return only_step(xp, x, eps, z, *mean, *sigmas, np.ones(np.shape(x), dtype=int))


def jump(x: Any, eps: Any, z: Any, abar: Any, now: int, then: int, eta: float) -> Bound:
    """Truth and error budget of a step between two times of a schedule, with sigma = eta times the posterior's deviation.

    The deviations that a program gets may be rounded: abar^2 + bbar^2 = 1 is true to float64, so that is where it can run.
    """
    given = abar[now], abar[then], abar[now], abar[then], torch.ones_like(x)
    # The nine of a step after alpha, and before them sigma, whichever way: abar^2, 1 - abar^2 (or bbar, rounded by the caller),
    # bbar / bbar_t or its square, times (1 - alpha^2) or its root, a root, times eta.
    return certified(only_jump, (x, eps, z, eta, *given, *given, *given), roundings=15, sums=0)


def only_chain(xp: Any, x: Array, constant: Array, slope: Array, *levels: Array) -> Array:
    """Euler's method for dy/du = e, y = x / abar, u = bbar / abar, with the predictor e_t = constant_t + slope_t x_t.

    levels: abar, bbar, and abar, bbar once more for the ends of the steps: a level ends one step and begins the next.
    """
    begin, end = levels[1] / levels[0], levels[3] / levels[2]
    y = x / levels[0][-1]
    for t in range(len(begin) - 1, 0, -1):
        y = y + (end[t - 1] - begin[t]) * (constant[t] + slope[t] * (levels[0][t] * y))
    return levels[2][0] * y


def eulers_chain(x: Any, constant: Any, slope: Any, abar: Any, bbar: Any) -> Bound:
    """Truth and error budget of the chain of steps with sigma = 0 along levels of shape (times, batch)."""
    # In every step two roundings in the predictor and the ten of a step.
    return certified(only_chain, (x, constant, slope, abar, bbar, abar, bbar), roundings=12 * (len(abar) - 1), sums=0)


def without_noise(x: Array, predictor: Callable[[Array, int], Array], abar: Array, bbar: Array, tau: tuple[int, ...]) -> Array:
    """From x at the last of the times tau to the first with sigma = 0: x / abar moves by the noise times the change of bbar / abar."""
    y = x / abar[tau[-1]]
    for then, now in reversed(tuple(pairwise(tau))):
        y = y + (bbar[then] / abar[then] - bbar[now] / abar[now]) * predictor(abar[now] * y, now)
    return y * abar[tau[0]]


def admitting(step: Callable[..., Any]) -> Callable[..., Any]:
    """The step, where the statement says that it exists: refusing it there is a refutation, not an error of the caller."""

    def admitted(*given: Any) -> Any:
        try:
            return step(*given)
        except ValueError as error:
            raise Refuted(f"rejects the step: {error}") from error

    return admitted


def read(step: Callable[..., Any], at: tuple[Array, ...], *levels: Any) -> Affine:
    """The coefficients of (x_t, eps, z) in the step between these levels; `at` is the point that shows it to be affine."""
    return probe(lambda *state: step(*state, *levels), at)


def check_law(affine: Affine, abar_t: Array, bbar_t: Array, abar_prev: Array, bbar_prev: Array, sigma: Array) -> None:
    """Mean and variance given x_0 = 1, the noise that is injected, and that the noise kept has no minus sign. Raises `Refuted`.

    A constant term shows in the mean.
    """
    A_x, A_e, A_n = affine.coefficients
    one, nothing = A_x * 0 + 1, A_x * 0
    given_x0 = (Gaussian(abar_t, (bbar_t, nothing)), Gaussian(nothing, (one, nothing)), Gaussian(nothing, (nothing, one)))
    got = affine.push(*given_x0)
    terms = abs(A_x * bbar_t) + abs(A_e)
    vanishes("mean given x_0 = 1", got.mean - abar_prev, abar_prev)
    vanishes("variance given x_0", got.variance - bbar_prev**2, terms**2 + bbar_prev**2)
    vanishes("deviation of the injected noise", A_n - sigma, one)
    for i, kept in np.ndenumerate(A_x * bbar_t + A_e):
        if kept < 0:
            raise Refuted(f"weight {float(kept.mid()):.9g} of the noise in x_t that is kept, at {list(i)}: it has the wrong sign")


def same_law(affine: Affine, abar_t: Array, bbar_t: Array, abar_prev: Array, bbar_prev: Array, sigma: Array, kept: Array) -> None:
    """`check_law` on exact numbers; kept: the deviation of the noise that stays from x_t, of the right sign. Raises `Refuted`."""
    A_x, A_e, A_n = affine.coefficients
    one, nothing = exact([1]), exact([0])
    given_x0 = (Gaussian(abar_t, (bbar_t, nothing)), Gaussian(nothing, (one, nothing)), Gaussian(nothing, (nothing, one)))
    got = affine.push(*given_x0)
    same("mean given x_0 = 1", got.mean, abar_prev)
    same("variance given x_0", got.variance, bbar_prev**2)
    same("deviation of the injected noise", A_n, sigma)
    same("deviation of the kept noise", A_x * bbar_t + A_e, kept)
