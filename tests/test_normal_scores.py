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
from oracles.normal_scores import attended_score, concentration, expected_maximum, log_partition
from oracles.settled import settled
from oracles.softmax_gradient import half_l1_norms, largest_probability, rounding_of_half_l1
from strategies.attention.components import components
from strategies.attention.scores import astronomical, beside, counts, normal_scores, scores, separated
from strategies.attention.spheres import dimensions, scales


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


@pytest.mark.parametrize("alpha, n", [(0.25, 10**6), (1.0, 64), (3.0, 512), (11.3, 4096)])
def test_integration_by_parts_relates_the_sum_of_squares_to_the_attended_score(alpha, n):
    """E alpha (1 - sum p_i^2) = E sum p_i s_i for normal scores."""
    (squares, off), (score, error) = concentration(alpha, n), attended_score(alpha, n)
    assert abs(alpha * (1 - squares) - score) <= alpha * off + error < 1e-9


@pytest.mark.parametrize("n", [2, 64, 20000])
def test_the_log_partition_function_has_the_attended_score_as_its_derivative(n):
    """Simpson's rule, of fourth order, over [1, 2]: the two integrals agree to its error, which halving the step makes 16 times smaller."""
    rise = log_partition(2.0, n)[0] - log_partition(1.0, n)[0]
    off = []
    for steps in (4, 8):
        values = [attended_score(1 + k / steps, n)[0] for k in range(steps + 1)]
        off.append(abs(rise - (values[0] + values[-1] + 4 * sum(values[1:-1:2]) + 2 * sum(values[2:-1:2])) / (3 * steps)))
    assert off[1] < off[0] / 8 < 1e-4


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
        attended_score.__wrapped__(4.0, 64)


@pytest.mark.parametrize("n", [1, 2, 3, 12])
def test_half_l1_norms_are_those_of_the_definition(n):
    s, alphas = normal_scores(9812, 5, n), torch.tensor([0.1, 1.0, 7.0], dtype=torch.float64)
    sizes, error = half_l1_norms(s, alphas)
    for size, alpha in zip(sizes.mT, alphas, strict=True):
        true = certified(softmax_jacobian_and_half_l1, (s, alpha), roundings=0, sums=0).truth[:, 0]
        assert (abs(size - true) <= error).all() and (error < 1e-12).all()


@pytest.mark.parametrize("n", [1, 3, 4096])
def test_a_softmax_has_the_largest_probability_and_the_gradient_within_the_stated_rounding(n):
    s = normal_scores(9812, 8, n)
    p = torch.softmax(7 * s, -1)
    value, room = largest_probability(s, 7.0)
    assert ((p.amax(-1) - value).abs() <= room).all() and (room < 1e-11).all()
    (sizes, error), own = half_l1_norms(s, torch.tensor([7.0], dtype=torch.float64)), rounding_of_half_l1(s, 7.0)
    assert ((7 * (1 - p.square().sum(-1)) - sizes[:, 0]).abs() <= error + own).all() and (own < 1e-10).all()


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
    "the ends of a range that begins late": (counts(least=492, most=153_958), lambda n: n == 492),
    "the first number beyond a range": (beside(491, 492, most=10**9), lambda n: n == 491),
    "a gap of one sixteenth": (separated(), lambda case: max(case.s) - sorted(case.s)[-2] == 1 / 16),
    "tied scores below the largest": (separated(), lambda case: len(set(case.s)) < len(case.s)),
    "two scores apart": (separated(), lambda case: len(case.s) == 2),
    "four components": (components(), lambda case: len(case.q) == 4),
    "fair coins alone": (components(), lambda case: set(case.q + case.k) == {1} and len(case.q) > 1),
    "skewed components of unlike laws": (components(), lambda case: len(set(case.q)) > 1 and 1 not in case.q + case.k),
    "the plane, where the density has no bound": (dimensions(), lambda d: d == 2),
    "an odd dimension beyond 5": (dimensions(), lambda d: d > 5 and d % 2 == 1),
    "a scale of 0": (scales(), lambda alpha: alpha == 0),
    "a scale beyond 60": (scales(), lambda alpha: alpha > 60),
}


@pytest.mark.parametrize("corner", REACHED)
def test_the_strategies_reach(corner):
    strategy, condition = REACHED[corner]
    find(strategy, condition, settings=settings(max_examples=5000, derandomize=True, database=None))
