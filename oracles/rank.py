"""The rank of a matrix as it stands, bit by bit: no singular value is called small."""

from __future__ import annotations

import unittest
from fractions import Fraction

import numpy as np
from torch import Tensor

from oracles.ball import flint


def rank(x: Tensor | np.ndarray) -> int:
    """The exact rank of the entries of x (n, m), floats or rational numbers. Skips the property (not run) where python-flint is missing."""
    if flint is None:
        raise unittest.SkipTest("needs python-flint for exact ranks: pip install python-flint")
    entries = [[Fraction(value) for value in row] for row in (x.double() if isinstance(x, Tensor) else x).tolist()]
    return flint.fmpq_mat([[flint.fmpq(value.numerator, value.denominator) for value in row] for row in entries]).rank()
