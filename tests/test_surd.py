"""Exact sums of square roots: arithmetic, order, what it declines, and that a formula that is not the same is seen."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles.evidence import Refuted, Strength, Unsettled, recording
from oracles.surd import POINTS, SIZE, Surd, exact, same, uniform

rationals = st.fractions(-20, 20, max_denominator=50)
radicands = st.fractions(0, 20, max_denominator=50)


@given(rationals, rationals, rationals, radicands, radicands)
def test_arithmetic_is_that_of_real_numbers(a, b, c, r, s):
    x, y = a + b * Surd(r) ** 0.5, c + Surd(s) ** 0.5
    float_x, float_y = a + b * math.sqrt(r), c + math.sqrt(s)
    for got, want in ((x + y, float_x + float_y), (x - y, float_x - float_y), (x * y, float_x * float_y), (x**3, float_x**3)):
        assert math.isclose(float(got), want, rel_tol=1e-9, abs_tol=1e-8)
    assert (x + y) * (x - y) == x * x - y * y
    if y != 0:
        assert x / y * y == x


@given(rationals, rationals, radicands, radicands)
def test_order_is_that_of_real_numbers(a, b, r, s):
    x, y = a + Surd(r) ** 0.5, b + Surd(s) ** 0.5
    difference = a - b + math.sqrt(r) - math.sqrt(s)
    if abs(difference) > 1e-9:
        assert (x < y) == (difference < 0) and (x - y).sign() == math.copysign(1, difference)
    else:
        assert (x - y).sign() == -(y - x).sign()


def test_roots_that_are_multiples_of_each_other_are_one():
    two, eight, six = (Surd(n) ** 0.5 for n in (2, 8, 6))
    assert 2 * two == eight and eight - 2 * two == 0 and (eight * two).terms == {1: 4}
    assert six / two == Surd(3) ** 0.5 != Fraction(17320508, 10**7)
    assert Surd(Fraction(9, 4)) ** 0.5 == 1.5 and abs(1 - two) == two - 1
    assert (two + six) ** 2 - 8 == 2 * Surd(12) ** 0.5


def test_the_sign_of_a_number_near_zero_is_decided():
    assert (Surd(10**200 + 1) ** 0.5 - 10**100).sign() == 1
    assert (Surd(2) ** 0.5 + Surd(3) ** 0.5 - Fraction(math.isqrt(10**80 * 2) + math.isqrt(10**80 * 3), 10**40)).sign() == 1


@pytest.mark.parametrize("wrong, sentence", [(lambda x: 1 / (x - x), "divides by zero"), (lambda x: (-x) ** 0.5, "square root of -2")])
def test_what_is_no_number_is_refuted(wrong, sentence):
    with pytest.raises(Refuted, match=sentence):
        wrong(Surd(2))


@pytest.mark.parametrize("beyond", [lambda x, y: (1 + x) ** 0.5, lambda x, y: 1 / (1 + x + y)])
def test_what_is_beyond_it_is_not_judged(beyond):
    with pytest.raises(Unsettled):
        beyond(Surd(2) ** 0.5, Surd(3) ** 0.5)


def test_points_are_uniform_and_repeatable():
    (many,) = uniform(1, 0)
    assert len(many) == POINTS and all(0 < x <= 1 and (x * SIZE).terms[1].denominator == 1 for x in many)
    assert all(np.array_equal(a, b) for a, b in zip(uniform(3, 5), uniform(3, 5), strict=True))
    assert not np.array_equal(uniform(1, 5)[0], uniform(1, 6)[0])


def test_another_way_to_write_it_is_the_same():
    x, y = uniform(2, 1)
    with recording() as record:
        same("difference of squares", (x + y) * (x - y), x * x - y * y)
        same("root of a square", (x * x + 2 * x * y + y * y) ** 0.5, x + y)
    assert record.comparisons == 2 * POINTS
    assert record.certificates["root of a square"].endswith("except with probability 9e-13")


def test_fewer_points_than_it_takes_certify_nothing():
    with recording() as record:
        same("one case", exact([2]) ** 2, exact([4]))
    assert record.comparisons == 1 and record.strengths == {Strength.EXACT} and not record.certificates


@pytest.mark.parametrize("factor, at", [(1 + Fraction(1, 10**30), 0), (-1, 0), (exact([1, 1, 1, 2]), 3)])
def test_another_formula_is_refuted(factor, at):
    (x,) = uniform(1, 2)
    with pytest.raises(Refuted, match=rf"formula at \[{at}\]: .* relative error"):
        same("formula", x * factor, x)
