"""The brute-force oracle of segmentations, and the numbers that the claims on sampling quote, all by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from claims.sampling import test_9811_perfect_sampling as variants
from impls.sampling import perfect_sampling, printed_decoder, viterbi_decoding, viterbi_sampling
from impls.sampling.segment import follow, longest_first, shortest_first
from oracles.law import independent, law, marginal, total_variation
from oracles.segmentation import chain_of_duels, compositions, occurrences, optima, reachable_ends, segmentations, target_law
from strategies.sampling.segmentation import ALL_PRIMES, instance

ALL_OF_ABC = instance("abc", a=1, b=1, c=1, ab=1, bc=1, abc=1)
FLAT = instance("abc", abc=3, a=1, bc=1, ab=1, c=2)
SPLITS = instance("watching", watch=1, ing=1, wat=1, ching=1, w=1, atching=1)


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


@pytest.mark.parametrize(
    "name, away",
    [
        ("viterbi_sampling", ["52573/1419600", "22183039/99412560", "0", "1/4", "2/15", "3/20", "1/6", "1/6"]),
        ("stored_prefix_weight", ["567/3380", "567/3380", "1/6", "1/6", "0", "0", "0", "0"]),
        ("arrivals_counted_not_weighed", ["19/60", "19/60", "1/6", "1/6", "1/6", "1/6", "0", "0"]),
        ("prefix_weight_dropped", ["277/580", "277/580", "1/6", "1/6", "0", "0", "0", "0"]),
    ],
)
def test_how_far_every_wrong_sampler_is_from_the_target(name: str, away: list[str]) -> None:
    """Longest and shortest token first: primes, all weights 1, flat, three splits. A wrong sampler is invisible in some of them."""
    sampler = getattr(variants, name)
    cases = [replace(case, shortest_first=shortest) for case in (ALL_PRIMES, ALL_OF_ABC, FLAT, SPLITS) for shortest in (False, True)]
    assert [off(sampler, case) for case in cases] == list(map(Fraction, away))


def test_one_coin_in_two_is_right_only_where_the_first_sampler_is() -> None:
    away = [off(variants.always_one_half, case) for case in (ALL_PRIMES, FLAT, SPLITS, ALL_OF_ABC)]
    assert away == [Fraction(3, 20), Fraction(1, 4), Fraction(1, 6), 0]


def off(sampler, case) -> Fraction:
    return total_variation(variants.output_law(sampler, case), target_law(case.text, case.weights))


def test_what_one_pass_stores_for_two_prefixes_is_a_quarter_from_independence() -> None:
    def kept(coin):
        route = perfect_sampling.routes("abc", ALL_OF_ABC.weights, coin)
        return follow("ab", route), follow("abc", route)

    joint = law(kept)
    apart = independent([{pieces: p for (pieces,), p in marginal(joint, [place]).items()} for place in (0, 1)])
    assert total_variation(joint, apart) == Fraction(1, 4)


@pytest.mark.parametrize("scan, away", [(longest_first, Fraction(124991, 7179796)), (shortest_first, Fraction(484225, 21539388))])
def test_back_pointers_of_the_first_sampler_are_dependent(scan, away) -> None:
    def starts(coin):
        route = viterbi_sampling.routes("abc", ALL_PRIMES.weights, coin, scan)
        return tuple(route[e] for e in (1, 2, 3))

    joint = law(starts)
    assert total_variation(joint, independent([{a: p for (a,), p in marginal(joint, [e]).items()} for e in range(3)])) == away


def test_fair_duels_with_the_shortest_token_first_are_far_from_uniform() -> None:
    weights = dict.fromkeys(["abcde"[a:e] for e in range(6) for a in range(e)], Fraction(1))
    fair = law(lambda coin: viterbi_sampling.sample("abcde", weights, coin, shortest_first))
    assert (len(fair), max(fair.values()), min(fair.values())) == (16, Fraction(1, 2), Fraction(1, 1024))
    assert total_variation(fair, target_law("abcde", weights)) == Fraction(5, 8)


def test_the_scan_decides_which_of_the_best_is_decoded() -> None:
    tied = instance("abcd", abcd=6, a=2, bcd=3, ab=2, cd=3)
    assert viterbi_decoding.decode("abcd", tied.weights, longest_first) == ("abcd",)
    assert viterbi_decoding.decode("abcd", tied.weights, shortest_first) == ("ab", "cd")


def test_the_printed_decoder_drops_what_follows_the_last_match_and_fails_at_a_gap_before_it() -> None:
    weights = instance("", a=1, b=1).weights
    assert printed_decoder.tokenize("abx", weights) == ("a", "b")
    for text in ("xab", "axb"):
        with pytest.raises(KeyError):
            printed_decoder.tokenize(text, weights)
    assert printed_decoder.tokenize("abc", instance("", ab=1, bc=1, c=1).weights) == ("ab", "c")
