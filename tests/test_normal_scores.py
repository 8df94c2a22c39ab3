"""The quadratures over normal scores against other ways to the same numbers; and the corners that the score strategies reach."""

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import find, settings

from oracles import normal_scores as quadrature
from oracles.ball import certified
from oracles.dual import softmax_jacobian_and_half_l1
from oracles.evidence import Unsettled
from oracles.normal_scores import attended_score, expected_maximum
from oracles.settled import settled
from oracles.softmax_gradient import half_l1_norms
from strategies.attention.scores import astronomical, counts, normal_scores, scores


@pytest.mark.parametrize("alpha", [1 / 64, 0.125, 1.0, 3.0, 16.0, 64.0])
def test_two_scores_reduce_to_one_integral(alpha):
    """p_1 s_1 + p_2 s_2 = (s_1 + s_2) / 2 + (d / 2) tanh(alpha d / 2), d = s_1 - s_2 of variance 2."""
    integrand = lambda d: d / 2 * mpmath.tanh(alpha * d / 2) * mpmath.npdf(d, 0, mpmath.sqrt(2))
    expected = settled(lambda: 2 * mpmath.quad(integrand, [0, 0.5, 1, 2, 4, 8, 16]), "two scores", digits=15)
    value, error = attended_score(alpha, 2)
    assert abs(value - expected) <= error < 1e-9


@pytest.mark.parametrize("n, alpha", [(3, 1.0), (64, 2.5), (512, 4.0)])
def test_a_simulation_lies_around_the_quadrature(n, alpha):
    s = np.random.default_rng(9812).standard_normal((4000, n))
    p = np.exp(alpha * (s - s.max(1, keepdims=True)))
    seen = (p * s).sum(1) / p.sum(1)
    assert abs(seen.mean() - attended_score(alpha, n)[0]) <= 5 * seen.std() / math.sqrt(len(s))


@pytest.mark.parametrize("n, expected", [(1, 0.0), (2, 1 / math.sqrt(math.pi)), (3, 1.5 / math.sqrt(math.pi))])
def test_expected_maximum_where_it_has_a_closed_form(n, expected):
    value, error = expected_maximum(n)
    assert abs(value - expected) <= error < 1e-9


def test_expected_maximum_of_many_against_mpmath():
    integrand = lambda x: x * 20000 * mpmath.npdf(x) * mpmath.ncdf(x) ** 19999
    value, error = expected_maximum(20000)
    assert abs(value - settled(lambda: mpmath.quad(integrand, [-1, 1, 2, 3, 4, 5, 6, 8, 12]), "E max", digits=12)) <= error + 1e-12


def test_a_grid_that_is_too_coarse_is_refused(monkeypatch):
    monkeypatch.setattr(quadrature, "SETTLED", 1e-17)
    with pytest.raises(Unsettled):
        attended_score(4.0, 64)


@pytest.mark.parametrize("n", [1, 2, 3, 12])
def test_half_l1_norms_are_those_of_the_definition(n):
    s, alphas = normal_scores(9812, 5, n), torch.tensor([0.1, 1.0, 7.0], dtype=torch.float64)
    sizes, error = half_l1_norms(s, alphas)
    for size, alpha in zip(sizes.mT, alphas, strict=True):
        true = certified(softmax_jacobian_and_half_l1, (s, alpha), roundings=0, sums=0).truth[:, 0]
        assert (abs(size - true) <= error).all() and (error < 1e-12).all()


REACHED = {
    "one score": (scores(), lambda case: case.s.shape[-1] == 1),
    "alpha = 0": (scores(), lambda case: case.alpha == 0 and case.s.shape[-1] > 2),
    "alpha = 1": (scores(), lambda case: case.alpha == 1),
    "the largest score tied": (scores(), lambda case: bool(((case.s == case.s.amax(-1, keepdim=True)).sum(-1) > 1).all())),
    "nearly one-hot": (scores(), lambda case: bool(torch.softmax(case.alpha * case.s, -1).max() > 1 - 1e-9) and case.s.shape[-1] > 2),
    "exp overflows in float32": (scores(), lambda case: bool((case.alpha * case.s).max() > 89)),
    "an offset of 10^4": (scores(), lambda case: bool(case.s.min() > 1e4)),
    "n = 1": (astronomical(), lambda n: n == 1),
    "n beyond float64": (astronomical(), lambda n: n > 10**400),
    "a reported size": (counts(least=2), lambda n: n == 4096),
    "two scores": (counts(least=2), lambda n: n == 2),
}


@pytest.mark.parametrize("corner", REACHED)
def test_the_strategies_reach(corner):
    strategy, condition = REACHED[corner]
    find(strategy, condition, settings=settings(max_examples=5000, derandomize=True, database=None))
