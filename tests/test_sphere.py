"""Moments of the cosine of random directions against their law in three dimensions, the closed form, and mpmath."""

import math
from fractions import Fraction

import mpmath
import pytest

from oracles.ball import flint
from oracles.evidence import Unsettled
from oracles.settled import settled
from oracles.sphere import annealed, even_moment, from_moments, moment_generating, peaks


def test_in_three_dimensions_the_cosine_is_uniform():
    assert [even_moment(3, k) for k in range(4)] == [Fraction(1, 2 * k + 1) for k in range(4)]


@pytest.mark.parametrize("d", [2, 3, 128, 768])
def test_the_second_moment_is_one_over_d(d):
    assert even_moment(d, 1) == Fraction(1, d)


@pytest.mark.parametrize("d, alpha", [(2, 1.0), (3, 64.0), (5, 0.125), (128, 30.0), (768, 0.0)])
def test_the_moments_sum_up_to_the_closed_form(d, alpha):
    assert from_moments(alpha, d).overlaps(moment_generating(alpha, d))
    assert from_moments(alpha, d).rad() < 1e-40 * from_moments(alpha, d).mid()


@pytest.mark.parametrize("d, alpha", [(2, 1.0), (7, 0.125), (128, 30.0), (768, 64.0)])
def test_the_closed_form_is_a_modified_bessel_function(d, alpha):
    order, argument = flint.arb(flint.fmpq(d, 2)) - 1, flint.arb(alpha)
    assert moment_generating(alpha, d).overlaps(flint.arb(flint.fmpq(d, 2)).gamma() * (2 / argument) ** order * argument.bessel_i(order))


@pytest.mark.parametrize("alpha", [0.125, 2.0, 64.0])
def test_the_closed_form_is_elementary_in_odd_dimensions(alpha):
    a = flint.arb(alpha)
    assert moment_generating(alpha, 3).overlaps(a.sinh() / a)
    assert moment_generating(alpha, 5).overlaps(3 * (a * a.cosh() - a.sinh()) / a**3)


@pytest.mark.parametrize("d, alpha", [(3, 2.0), (5, 30.0), (8, 4.0)])
def test_the_closed_form_is_the_integral(d, alpha):
    integrand = lambda s: mpmath.exp(alpha * s) * (1 - s * s) ** (mpmath.mpf(d - 3) / 2)
    whole = lambda: mpmath.quad(integrand, [-1, 0, 0.5, 1])
    constant = lambda: mpmath.quad(lambda s: (1 - s * s) ** (mpmath.mpf(d - 3) / 2), [-1, 0, 0.5, 1])
    expected = settled(lambda: whole() / constant(), "M", digits=12)
    assert abs(float(moment_generating(alpha, d)) / float(expected) - 1) < 1e-12


def test_a_maximum_is_enclosed_or_it_is_not():
    """In three dimensions M(2a) / M(a)^2 = a coth a, so that the objective is a - a^2 coth(a) / n, largest near n / 2."""
    assert abs(float(annealed(5.0, 3, math.log(10))) - (5 - 2.5 * float(mpmath.coth(5)))) < 1e-12
    assert peaks(5.0, 0.01, 3, math.log(10))
    assert not peaks(5.1, 0.01, 3, math.log(10))
    with pytest.raises(Unsettled):
        peaks(5.0, 1e-40, 3, math.log(10))
