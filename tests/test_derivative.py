"""Derivatives of definitions: polynomials by hand, both arithmetics against each other, and what is no derivative."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from oracles.ball import balls, rounded
from oracles.derivative import gradient_at_zero

X = torch.tensor([[0.5, -2.0, 3.0], [1.0, 0.0, 0.25]], dtype=torch.float64)
CASES = {
    "linear": (lambda xp, x, e: (3 * (x + e)).sum(), 3 + 0 * X),
    "cubic": (lambda xp, x, e: ((x + e) * (x + e) * (x + e)).sum(), 3 * X**2),
    "exponential": (lambda xp, x, e: xp.exp(x + e).sum(), X.exp()),
    "quotient": (lambda xp, x, e: (1 / (x + e + 4)).sum(), -1 / (X + 4) ** 2),
    "entries that share a product": (lambda xp, x, e: (x + e)[0, 0] * (x + e)[1, 2], torch.tensor([[0.25, 0, 0], [0, 0, 0.5]])),
    "second order alone": (lambda xp, x, e: (x * e * e).sum(), 0 * X),
}


@pytest.mark.parametrize("f, by_hand", CASES.values(), ids=CASES)
def test_both_arithmetics_give_the_derivative_by_hand(f, by_hand) -> None:
    x = balls(X)
    certified = rounded(gradient_at_zero(np, lambda e: f(np, x, e), x), scale=torch.ones_like(X))
    torch.testing.assert_close(certified, by_hand.double(), rtol=1e-15, atol=1e-15)
    torch.testing.assert_close(gradient_at_zero(torch, lambda e: f(torch, X, e), X), by_hand.double(), rtol=1e-14, atol=1e-14)


def test_a_planted_error_of_one_part_in_ten_to_the_thirty_shows() -> None:
    x = balls(X[:1, :1])
    exact, planted = (gradient_at_zero(np, lambda e, f=f: ((x + e) * (x + e) * f).sum(), x)[0, 0] for f in (1, 1 + x.sum() * 2e-30))
    assert not exact.overlaps(planted)
