"""Certified values: exact where they can be, enclosing where they cannot, and refused where they are too wide."""

from __future__ import annotations

import math
import unittest
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from torch import Tensor

from oracles import ball
from oracles.ball import balls, certified, rounded
from oracles.evidence import Unsettled
from strategies.tensors import dyadic

flint = pytest.importorskip("flint", reason="needs python-flint: pip install python-flint")


def fractions(x: Tensor) -> np.ndarray:
    return np.array([Fraction(value) for value in x.flatten().tolist()], dtype=object).reshape(tuple(x.shape))


@given(x=dyadic(2, 3), W=dyadic(3, 2))
def test_a_rational_value_is_the_float_next_to_the_exact_fraction(x: Tensor, W: Tensor) -> None:
    definition = lambda xp, x, W: (x @ W + 1) / (2 + x @ W * (x @ W))
    exact = definition(None, fractions(x), fractions(W))
    assert rounded(definition(np, balls(x), balls(W))).tolist() == [[float(value) for value in row] for row in exact]


@given(x=dyadic(4))
def test_elementary_functions_agree_with_mpmath_at_50_digits(x: Tensor) -> None:
    with mpmath.workdps(50):
        for name in ("exp", "sin", "cos"):
            assert rounded(getattr(np, name)(balls(x))).tolist() == [float(getattr(mpmath, name)(value)) for value in x.tolist()]


def test_balls_are_exact_and_keep_their_shape() -> None:
    x = torch.tensor([[0.1, -3.0], [2.0**-1000, 1e300]], dtype=torch.float64)
    assert balls(x).shape == (2, 2)
    assert all(value.is_exact() for value in balls(x).flatten())
    assert torch.equal(rounded(balls(x)), x)


def test_a_cancellation_beyond_50_digits_is_unsettled() -> None:
    tiny = balls(torch.tensor([2.0**-300], dtype=torch.float64))
    with pytest.raises(Unsettled, match="cancellation in the oracle itself"):
        rounded(np.exp(tiny) - np.exp(-tiny) - 2 * tiny)


def test_a_cancellation_to_zero_is_settled_on_the_scale_of_its_terms() -> None:
    third = balls(torch.ones(1, dtype=torch.float64)) / 3
    assert rounded(third - third, scale=torch.tensor([1.0])).tolist() == [0.0]
    with pytest.raises(Unsettled):
        rounded(third - third)


@pytest.mark.parametrize(
    "definition", [lambda xp, x: 1 / x, lambda xp, x: xp.log(x), lambda xp, x: xp.exp(1 / x)], ids=["1 / 0", "log 0", "exp(1 / 0)"]
)
def test_a_value_that_is_not_finite_is_unsettled(definition) -> None:
    with pytest.raises(Unsettled):
        certified(definition, (torch.zeros(2, dtype=torch.float64),), roundings=1, sums=0)


def test_indices_and_sizes_are_handed_through() -> None:
    x = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)
    bound = certified(lambda xp, x, n: x[:n] * n, (x, 2), roundings=1, sums=0)
    assert bound.truth.tolist() == [2.0, 4.0]
    assert bound.scale.tolist() == [4.0, 8.0]


def test_without_python_flint_a_claim_is_skipped_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ball, "flint", None)
    with pytest.raises(unittest.SkipTest, match="needs python-flint for certified values: pip install python-flint"):
        certified(lambda xp, x: xp.exp(x), (torch.ones(1),), roundings=1, sums=0)


def test_the_truth_is_known_to_more_digits_than_float64_has() -> None:
    x = torch.tensor([1e-9], dtype=torch.float64)
    bound = certified(lambda xp, x: (xp.exp(x) - 1) / x, (x,), roundings=3, sums=0)
    assert bound.truth.item() == math.expm1(1e-9) / 1e-9
    assert abs((math.exp(1e-9) - 1) / 1e-9 - bound.truth.item()) > 1e-8  # what float64 makes of the same formula
