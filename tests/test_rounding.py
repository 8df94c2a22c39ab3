"""Floats against a truth in mpmath, logarithms of total weights, and weights that count their products."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import pytest

from oracles import log_partition
from oracles.evidence import Refuted, recording
from oracles.operations import priced
from oracles.rounding import within


def test_an_error_is_held_against_its_own_budget() -> None:
    with recording() as seen:
        within("x", [1.0, 2.5], [mpmath.mpf(1), mpmath.mpf(2)], [1e-9, 1.0], "float64")
    assert seen.row("cpu", "float64").share == 0.5 and seen.comparisons == 2
    with pytest.raises(Refuted, match="number 1 of 2"):
        within("x", [1.0 + 1e-6, 2.5], [mpmath.mpf(1), mpmath.mpf(2)], [1e-9, 1.0], "float64")


@pytest.mark.parametrize("got, truth", [(math.nan, 1.0), (math.inf, 1.0), (0.0, -math.inf), (math.nan, -math.inf), (math.inf, -math.inf)])
def test_what_is_not_finite_matches_itself_alone(got: float, truth: float) -> None:
    within("x", [-math.inf], [-mpmath.inf], [1.0], "float64")
    with pytest.raises(Refuted):
        within("x", [got], [mpmath.mpf(truth)], [1.0], "float64")


@pytest.mark.parametrize("e", [2, 3, 6])
def test_closed_form_and_enumeration_agree_on_equal_letters(e: int) -> None:
    enumerated = log_partition.steps("a" * e, {"a": -1.0, "aa": -2.0}, 0.75)[-1]
    closed = log_partition.unary_step(e, 0.75)
    assert (enumerated.a, enumerated.e) == (closed.a, closed.e) == (e - 1, e)
    assert all(mpmath.almosteq(x, y, abs_eps=1e-14) for x, y in zip(enumerated[2:], closed[2:], strict=True))


def test_a_text_without_a_segmentation_has_no_weight() -> None:
    assert log_partition.log_total("ab", {"a": -1.0}, 1.0) == -mpmath.inf


def test_products_with_a_weight_are_counted_and_only_those() -> None:
    weights, seen = priced({"a": Fraction(1, 2), "b": Fraction(1, 3)})
    assert 1 * weights["a"] * weights["b"] == Fraction(1, 6) == weights["b"] * Fraction(1, 2)
    assert seen["products"] == 3
    assert weights["a"] + weights["b"] == Fraction(5, 6) and seen["products"] == 3
