"""The brute-force oracle of segmentations, and the numbers that the claims on sampling quote, all by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest

from impls.sampling import viterbi_sampling
from oracles.law import law
from oracles.segmentation import chain_of_duels, compositions, occurrences, optima, reachable_ends, segmentations, target_law
from strategies.sampling.segmentation import instance


def test_every_segmentation_with_its_weight() -> None:
    case = instance("abc", a=2, b=3, c=5, ab=7, bc=11, abc=13)
    assert segmentations(case.text, case.weights) == {("a", "b", "c"): 30, ("ab", "c"): 35, ("a", "bc"): 22, ("abc",): 13}
    assert target_law("", {}) == {(): 1}
    assert target_law("x", {"a": Fraction(1)}) == {None: 1}


@pytest.mark.parametrize("n", range(1, 8))
def test_equal_duels_leave_powers_of_one_half(n: int) -> None:
    arrivals = [((str(i),), Fraction(1)) for i in range(n)]
    halves = [Fraction(1, 2 ** (n - 1))] + [Fraction(1, 2 ** (n - i)) for i in range(1, n)]
    assert list(chain_of_duels(arrivals).values()) == halves


def test_unequal_duels() -> None:
    arrivals = [(("abc",), Fraction(3)), (("a", "bc"), Fraction(1)), (("ab", "c"), Fraction(2))]
    assert list(chain_of_duels(arrivals).values()) == [Fraction(9, 20), Fraction(1, 12), Fraction(7, 15)]


@pytest.mark.parametrize(
    "case, quoted",
    [
        (instance("abc", abc=3, a=1, bc=1, ab=1, c=2), {("abc",): Fraction(9, 20), ("ab", "c"): Fraction(7, 15)}),
        (instance("aaa", a=2, aa=3, aaa=1), {("a", "a", "a"): Fraction(1088, 3087), ("a", "aa"): Fraction(135, 343)}),
    ],
)
def test_the_probabilities_quoted_for_the_first_sampler(case, quoted) -> None:
    sampled = law(lambda coin: viterbi_sampling.sample(case.text, case.weights, coin))
    assert {pieces: sampled[pieces] for pieces in quoted} == quoted


def test_candidates_and_what_can_be_reached_by_hand() -> None:
    assert occurrences("aab", ("a", "aa", "ab", "x")) == {(0, 1), (1, 2), (0, 2), (1, 3)}
    assert reachable_ends("abc", ("ab", "bc", "c")) == {0, 2, 3}
    assert reachable_ends("", ()) == {0}


def test_all_best_segmentations() -> None:
    tied = instance("ab", a=2, b=3, ab=6)
    assert optima(tied.text, tied.weights) == {("ab",), ("a", "b")}
    assert optima("x", {}) == set()


@pytest.mark.parametrize("n", range(8))
@pytest.mark.parametrize("largest", [1, 2, 3, 9])
def test_compositions_count_the_segmentations_of_equal_letters(n: int, largest: int) -> None:
    assert compositions(n, largest) == len(segmentations("a" * n, {"a" * k: 1 for k in range(1, largest + 1)}))
