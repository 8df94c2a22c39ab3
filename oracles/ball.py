"""Certified values: ball arithmetic (python-flint's arb) on arrays of tensors' exact entries.

An arb carries a proved bound on its own error, so a value read from here is a small proof, not a second opinion. Arrays
are numpy arrays of dtype object: `@`, `*`, `+` and broadcasting work, and `np.exp`, `np.cos`, ... call the ball's own
functions.
"""

from __future__ import annotations

import math
import unittest
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from oracles.budget import Bound, conditioning
from oracles.evidence import Unsettled

try:
    import flint
except ImportError:
    flint = None

DIGITS = 50


def balls(x: Tensor) -> np.ndarray:
    """The entries of x as exact balls (radius 0). Skips the property (not run) where python-flint is missing."""
    if flint is None:
        raise unittest.SkipTest("needs python-flint for certified values: pip install python-flint")
    flint.ctx.dps = DIGITS
    return np.array([flint.arb(value) for value in x.double().flatten().tolist()], dtype=object).reshape(tuple(x.shape))


def rounded(value: np.ndarray, scale: Tensor | None = None) -> Tensor:
    """The float64 next to each ball's midpoint. Raises `Unsettled` where a ball is wider than float64 can tell.

    scale: the size of the terms that each entry is made of; without it a value whose terms cancel to 0 cannot be told from 0.
    """
    flat = []
    entries = np.asarray(value, dtype=object).flatten()
    sizes = [0.0] * len(entries) if scale is None else scale.flatten().tolist()
    for ball, size in zip(entries, sizes, strict=True):
        middle, radius = float(ball.mid()), float(ball.rad())
        if radius > 2.0**-60 * max(abs(middle), size, 2.0**-900):
            raise Unsettled(f"{DIGITS} digits leave a radius of {radius:.2g} around {middle:.9g}: cancellation in the oracle itself")
        flat.append(middle)
    return torch.tensor(flat, dtype=torch.float64).reshape(np.shape(value))


def certified(definition: Callable[..., Any], inputs: tuple[Any, ...], *, roundings: int, sums: int, exponent: float = 0.0) -> Bound:
    """The certified value of `definition(xp, *inputs)` with the error budget of this case (see `oracles.budget`).

    The definition runs twice: on balls (xp = numpy) for the truth, on float64 tensors (xp = torch) for the conditioning.
    Tensors of floats are inputs; anything else (indices, sizes) is handed through.
    """
    floating = tuple(i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.is_floating_point())

    def of_floats(xp: Any, *values: Any) -> Any:
        full = list(inputs)
        for i, value in zip(floating, values, strict=True):
            full[i] = value
        return definition(xp, *full)

    tensors = tuple(inputs[i] for i in floating)
    value = of_floats(np, *map(balls, tensors))
    scale = conditioning(lambda *values: of_floats(torch, *values), tensors)
    reach = 2 * math.prod(max(1.0, float(x.abs().sum())) for x in tensors)
    return Bound(rounded(value, scale), scale, roundings, sums, float(exponent), reach)
