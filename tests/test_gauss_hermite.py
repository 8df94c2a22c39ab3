"""The Gauss-Hermite oracle: moments by hand, its promised deficit, and rules that it must not be mistaken for."""

from __future__ import annotations

import math

import pytest
import torch

from oracles.evidence import Unsettled
from oracles.gauss_hermite import normal, rule, truncation

EPS = 2.0**-52


def test_two_and_three_nodes_are_those_by_hand() -> None:
    assert rule(2) == ((-1.0, 1.0), (0.5, 0.5))
    nodes, weights = rule(3)
    assert sorted(nodes) == [-math.sqrt(3), 0.0, math.sqrt(3)] and sorted(weights) == [1 / 6, 1 / 6, 2 / 3]


@pytest.mark.parametrize("nodes", [2, 5, 12])
def test_exact_below_degree_2n_and_no_further(nodes: int) -> None:
    def missed(degree: int) -> float:
        truth = math.prod(range(1, degree, 2))
        return abs(math.fsum(w * x**degree for x, w in zip(*rule(nodes), strict=True)) / truth - 1)

    assert all(missed(degree) < 4 * (degree + 2) * EPS for degree in range(0, 2 * nodes, 2))
    assert missed(2 * nodes) > 1e-8


def test_in_two_dimensions_a_product_and_not_a_diagonal() -> None:
    points, weights = normal(6, 2)
    assert abs(float(weights.sum()) - 1) < 40 * EPS
    assert abs(float(weights @ (points[:, 0] * points[:, 1]) ** 2) - 1) < 40 * EPS  # 3 if both coordinates were the same
    assert abs(float(weights @ points[:, 0] ** 4) - 3) < 100 * EPS


@pytest.mark.parametrize("nodes, x", [(4, 0.5), (6, 1.0), (8, 1.5)])
def test_the_deficit_of_an_exponential_is_within_its_bound_and_of_its_size(nodes: int, x: float) -> None:
    points, weights = normal(nodes, 1)
    deficit = 1 - float(weights @ (points[:, 0] * x).exp()) / math.exp(x * x / 2)
    promised = float(truncation(nodes, torch.tensor([[x]], dtype=torch.float64)))
    assert promised / 1000 < deficit + 20 * EPS and deficit <= promised + 20 * EPS


def test_too_few_nodes_are_refused() -> None:
    with pytest.raises(Unsettled, match="too few"):
        truncation(8, torch.tensor([[6.0]], dtype=torch.float64))
