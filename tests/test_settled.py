"""oracles.settled returns what two precisions agree on, and refuses everything else."""

import math

import mpmath
import pytest

from oracles.annealed import closed_form, objective, peaks, stationary
from oracles.evidence import Unsettled
from oracles.settled import rises, settled


def test_a_settled_value_has_its_digits():
    assert mpmath.nstr(settled(lambda: mpmath.lambertw(1).real, "omega", digits=40), 30) == "0.56714329040978387299996866221"
    assert settled(lambda: mpmath.mpf(0), "zero") == 0


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(lambda: (mpmath.mpf(10) ** 60 + 1) - mpmath.mpf(10) ** 60, id="cancellation"),
        pytest.param(lambda: mpmath.mpf(mpmath.mp.dps), id="depends-on-the-precision"),
        pytest.param(lambda: mpmath.quad(lambda x: 1 / (1 + 1e12 * (x - 1 / mpmath.pi) ** 2), [0, 1]), id="quadrature-of-a-spike"),
        pytest.param(lambda: mpmath.mpf("nan"), id="nan"),
        pytest.param(lambda: mpmath.mpf("inf"), id="infinite"),
        pytest.param(lambda: mpmath.sqrt(-2), id="complex"),
    ],
)
def test_what_does_not_settle_is_refused(value):
    with pytest.raises(Unsettled):
        settled(value, "a value")


def test_rises_sees_differences_far_below_either_value():
    square = lambda x: x**2 + mpmath.mpf(10) ** 20
    near = mpmath.mpf(2) ** -200  # from 0 to there it rises by 6e-121 of 10^20
    assert rises(square, 0, near, "a parabola") and not rises(square, near, 0, "a parabola")
    assert not rises(lambda x: mpmath.mpf(7), 1, 2, "a constant")


@pytest.mark.parametrize("log_n", [0.0, 0.6931471805599453, 8.317766166719343, 2302.585092994046])
def test_the_annealed_oracles_agree_and_reject_a_neighbour(log_n):
    x, off = closed_form(log_n), mpmath.mpf("1e-30")
    assert peaks(log_n, x, off) and stationary(log_n, x, off)
    assert not peaks(log_n, x + 3 * off, off) and not stationary(log_n, x + 3 * off, off)


def test_the_annealed_objective_is_exact_where_it_is_known_and_where_it_cancels():
    assert objective(0.0, 7) == 0 and objective(3.0, 10**400) == 3
    near = math.sqrt(math.log(64))  # e^(alpha^2) = 64 up to the rounding of the square root
    with mpmath.workdps(60):
        assert abs(objective(near, 64) + near * mpmath.expm1(mpmath.mpf(near) ** 2 - mpmath.log(64))) < mpmath.mpf("1e-45")
