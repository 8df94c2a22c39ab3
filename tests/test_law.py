"""The exact law of a program with a coin."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles.evidence import BadOutput, Unsettled
from oracles.law import independent, law, marginal, proportional, total_variation
from oracles.segmentation import segmentations, target_law

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)


def test_two_biased_coins_by_hand() -> None:
    assert law(lambda coin: (coin(THIRD), coin(HALF))) == {
        (True, True): Fraction(1, 6),
        (True, False): Fraction(1, 6),
        (False, True): Fraction(1, 3),
        (False, False): Fraction(1, 3),
    }


def test_a_coin_may_depend_on_earlier_coins() -> None:
    assert law(lambda coin: "a" if coin(HALF) else "b" if coin(THIRD) else "c") == {"a": HALF, "b": Fraction(1, 6), "c": THIRD}


@pytest.mark.parametrize("certain, outcome", [(0, False), (1, True), (Fraction(0), False), (Fraction(1), True)])
def test_a_coin_that_cannot_fall_both_ways_is_no_branch(certain: Fraction, outcome: bool) -> None:
    assert law(lambda coin: coin(certain), most_paths=1) == {outcome: Fraction(1)}


@given(st.lists(st.fractions(0, 1), max_size=6))
def test_probabilities_sum_to_one_and_number_of_heads_has_its_mean(coins: list[Fraction]) -> None:
    heads = law(lambda coin: sum(coin(p) for p in coins))
    assert sum(heads.values()) == 1
    assert all(p > 0 for p in heads.values())
    assert sum(k * p for k, p in heads.items()) == sum(coins)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=7))
def test_a_weighted_reservoir_is_a_weighted_draw(weights: list[int]) -> None:
    def reservoir(coin):
        total, kept = 0, None
        for i, w in enumerate(weights):
            total += w
            if coin(Fraction(w, total)):
                kept = i
        return kept

    assert law(reservoir) == {i: Fraction(w, sum(weights)) for i, w in enumerate(weights)}


@pytest.mark.parametrize("p", [0.5, -HALF, Fraction(3, 2), float("nan"), "1/2", None])
def test_a_probability_must_be_exact_and_between_0_and_1(p: object) -> None:
    with pytest.raises(BadOutput, match="a probability must be an exact Fraction between 0 and 1"):
        law(lambda coin: coin(p))


def test_a_program_with_too_many_paths_is_unsettled_not_slow() -> None:
    def until_heads(coin):
        while not coin(HALF):
            pass

    with pytest.raises(Unsettled, match="more than 100 paths"):
        law(until_heads, most_paths=100)


def test_laws_of_weights_of_pairs_and_of_components_by_hand() -> None:
    p = proportional({"a": Fraction(3), "b": Fraction(0), "c": Fraction(1)})
    assert p == {"a": Fraction(3, 4), "c": Fraction(1, 4)}
    assert proportional({}) == {}
    both = independent([p, {0: HALF, 1: HALF}])
    assert both == {("a", 0): Fraction(3, 8), ("a", 1): Fraction(3, 8), ("c", 0): Fraction(1, 8), ("c", 1): Fraction(1, 8)}
    assert independent([]) == {(): 1}
    assert marginal(both, [0]) == {("a",): Fraction(3, 4), ("c",): Fraction(1, 4)}
    assert marginal({(0, 0): HALF, (1, 1): HALF}, [1, 0]) == {(0, 0): HALF, (1, 1): HALF}


def test_total_variation_is_the_largest_difference_of_one_event() -> None:
    assert total_variation({"a": HALF, "b": HALF}, {"a": HALF, "b": HALF}) == 0
    assert total_variation({"a": Fraction(1)}, {"b": Fraction(1)}) == 1
    assert total_variation({"a": HALF, "b": HALF}, {"a": THIRD, "c": Fraction(2, 3)}) == Fraction(2, 3)


@given(st.text(alphabet="ab", max_size=6))
def test_all_segmentations_of_a_text_are_the_compositions_of_its_length(text: str) -> None:
    every = {text[a:e]: Fraction(1) for e in range(len(text) + 1) for a in range(e)}
    assert len(segmentations(text, every)) == 2 ** max(len(text) - 1, 0)
    assert all("".join(pieces) == text for pieces in segmentations(text, every))


def test_a_law_over_segmentations_by_hand() -> None:
    weights = {"ab": Fraction(2), "a": Fraction(3), "b": Fraction(5)}
    assert target_law("ab", weights) == {("ab",): Fraction(2, 17), ("a", "b"): Fraction(15, 17)}
    assert target_law("ac", weights) == {None: 1}
    assert target_law("", weights) == {(): 1}
