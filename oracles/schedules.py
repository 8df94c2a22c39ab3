"""Noise schedules of the diffusion posts to 50 digits, all with abar^2 + bbar^2 = 1.

post: alpha_t^2 = 1 - 0.02 t/T. linear: beta_t^2 in T equally spaced values from 1e-4 to 0.02. scaled-linear: beta_t in T
equally spaced values from sqrt(.00085) to sqrt(.012). cosine: beta_t^2 = min(.999, 1 - f(t) / f(t-1)), f the squared cosine
with offset .008. exp5: abar_t = e^(-5 t^2 / T^2).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
import torch

from oracles.ball import balls

NAMES = ("post", "exp5", "linear", "scaled-linear", "cosine")


@lru_cache(maxsize=64)
def amplitudes(name: str, T: int, stride: int = 1) -> np.ndarray:
    """abar_0 = 1, abar_stride, abar_2stride .. abar_T as balls; linear and scaled-linear need T >= 2."""
    if stride > 1:
        return amplitudes(name, T)[::stride]
    t = balls(torch.arange(T + 1, dtype=torch.float64))
    one = t[1]
    if name == "exp5":
        return np.exp(-5 * (t / T) ** 2)
    if name == "post":
        beta2 = t[1:] * 2 / (100 * T)
    elif name == "cosine":
        f = np.cos((t / T + one / 125) / (1 + one / 125) * (2 * one.atan())) ** 2  # 2 atan(1) = pi / 2
        most = one * 999 / 1000
        beta2 = np.array([min(most, 1 - after / before) for before, after in pairwise(f)], dtype=object)
    else:
        first, last = (one / 10000, one / 50) if name == "linear" else ((one * 85 / 100000) ** 0.5, (one * 12 / 1000) ** 0.5)
        spaced = first + (last - first) * t[:-1] / (T - 1)
        beta2 = spaced if name == "linear" else spaced**2
    return np.concatenate([[one], np.cumprod(1 - beta2) ** 0.5])


def deviations(abar: np.ndarray) -> np.ndarray:
    """bbar with abar^2 + bbar^2 = 1."""
    return (1 - abar**2) ** 0.5


def step_deviations(abar: np.ndarray) -> np.ndarray:
    """beta_t of x_t = alpha_t x_{t-1} + beta_t noise, t = 1..T."""
    return (1 - (abar[1:] / abar[:-1]) ** 2) ** 0.5
