"""What x_t says about x_0 for a mixture on the line, in balls: each component is conditioned by itself.

Nothing is differentiated: the exact predictor of the noise follows from the mean, (x_t - abar E[x_0 | x_t]) / bbar. x may be
an array of balls or of power series, whose second coefficients are then the derivatives.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from oracles.ball import balls, flint
from oracles.evidence import Unsettled
from oracles.mixture import Mixture

REACH = 12  # nodes up to 12 deviations away of every component: what is cut off has a weight of e^-72 = 5e-32,
CUT_OFF = 1e-25  # and values of less than 10^6
SETTLED = 1e-6


@dataclass(frozen=True)
class Denoised:
    """Of x_0 given x_t = x, entry by entry: mean and variance, and the density of x_t there, up to a constant."""

    density: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


def denoised(mixture: Mixture, x: np.ndarray, abar: Any, bbar: Any) -> Denoised:
    w, mu, sd = (balls(torch.tensor(values, dtype=torch.float64)) for values in (mixture.weights, mixture.means, mixture.deviations))
    v = (abar * sd) ** 2 + bbar**2
    away = x[..., None] - abar * mu
    weight = w / v**0.5 * np.exp(-(away**2) / (2 * v))
    density = weight.sum(-1)
    share = weight / density[..., None]
    means = mu + abar * sd**2 / v * away
    mean = (share * means).sum(-1)
    return Denoised(density, mean, (share * (sd**2 * bbar**2 / v + means**2)).sum(-1) - mean**2)


def noise(mixture: Mixture, x: np.ndarray, abar: Any, bbar: Any) -> np.ndarray:
    """E[noise | x_t = x]"""
    return (x - abar * denoised(mixture, x, abar, bbar).mean) / bbar


def slope_of_noise(mixture: Mixture, x: np.ndarray, abar: Any, bbar: Any) -> np.ndarray:
    """Its derivative, by power series of two terms."""
    series = np.empty_like(x)
    series[:] = [flint.arb_series([ball, 1], prec=2) for ball in x]  # np.array would take a series for a row of numbers
    return np.array([value[1] for value in noise(mixture, series, abar, bbar)], dtype=object)


def expectations(mixture: Mixture, abar: Any, bbar: Any, of: Callable[[np.ndarray, Denoised], list[np.ndarray]]) -> list[Any]:
    """E of each function of x_t by the trapezoidal rule, as balls whose radius is what halving its step has changed.

    On the line the rule converges geometrically for such integrands: halving the step squares the error, so the radius is by far too
    large. Raises `Unsettled` if it is more than SETTLED even so.
    """
    deviations = [float(((abar * sd) ** 2 + bbar**2).mid()) ** 0.5 for sd in mixture.deviations]
    centres = [float(abar.mid()) * mean for mean in mixture.means]
    low = min(centre - REACH * sd for centre, sd in zip(centres, deviations, strict=True))
    high = max(centre + REACH * sd for centre, sd in zip(centres, deviations, strict=True))
    step = min(deviations) / 6
    x = low + step * balls(torch.arange(math.ceil((high - low) / step), dtype=torch.float64))
    given = denoised(mixture, x, abar, bbar)
    found = []
    for values in of(x, given):
        fine, coarse = (sum(given.density[::k] * values[::k]) / sum(given.density[::k]) for k in (1, 2))
        change = abs(float((fine - coarse).mid()))
        if change > SETTLED * max(1.0, abs(float(fine.mid()))):
            raise Unsettled(f"half the step changes the integral by {change:.2g}")
        found.append(fine + flint.arb(0, change + CUT_OFF))
    return found
