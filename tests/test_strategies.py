"""Contracts of the strategies for texts, tensors, projections and scores: one line per corner, see tests/contracts.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles.segmentation import occurrences, reachable_ends, segmentations
from strategies.attention import projections, scores
from strategies.sampling.scores import log_pairs, scored, temperatures
from strategies.sampling.segmentation import (
    MOST_COINS,
    arrivals,
    coins,
    covered,
    haystacks,
    instances,
    meetings,
    ordered_instances,
    rivals,
    whole_vocabularies,
)
from strategies.tensors import dyadic, few_bits, gaussian
from tests.contracts import does_not_stay_in, drawn, reaches, stays_within


def matrix() -> st.SearchStrategy[Any]:
    return dyadic(2, 3)


def normal() -> st.SearchStrategy[Any]:
    return gaussian(4, 4, scale=3.0)


def ways(case: Any) -> dict[Any, Any]:
    return segmentations(case.text, case.weights)


def uncovered() -> st.SearchStrategy[Any]:
    return scored(max_length=4, covered=False)


def gaps(pairs: Any) -> list[float]:
    return [abs(x - y) for x, y in pairs]


def of_shape(size: Callable[[Any], int], wanted: int) -> Callable[[Any], bool]:
    return lambda case: size(case) == wanted


REACHES = [
    (instances, "the empty text", lambda c: c.text == ""),
    (instances, "a text of six letters", lambda c: len(c.text) == 6),
    (instances, "no segmentation", lambda c: not ways(c)),
    (instances, "one segmentation", lambda c: len(ways(c)) == 1),
    (instances, "three and more segmentations", lambda c: len(ways(c)) >= 3),
    (instances, "the whole text as a token", lambda c: c.text in c.weights),
    (instances, "equal weights", lambda c: len(c.weights) > 2 and len(set(c.weights.values())) == 1),
    (instances, "unequal weights", lambda c: len(set(c.weights.values())) > 2),
    (instances, "a weight that is no integer", lambda c: any(w.denominator > 1 for w in c.weights.values())),
    (instances, "a repeated letter", lambda c: len(set(c.text)) < len(c.text)),
    (
        instances,
        "nested choices: a last token after a prefix with two segmentations",
        lambda c: len({pieces[-1:] for pieces in ways(c)}) < len(ways(c)),
    ),
    (instances, "the shortest token first", lambda c: c.shortest_first),
    (instances, "the longest token first", lambda c: not c.shortest_first),
    (rivals, "two segmentations of as many tokens", lambda c: len(ways(c)) == 2 and len({len(pieces) for pieces in ways(c)}) == 1),
    (
        rivals,
        "a token that no segmentation uses",
        lambda c: len(ways(c)) == 2 and any(token not in sum(ways(c), ()) for token in c.weights),
    ),
    (rivals, "unequal shares", lambda c: len(set(ways(c).values())) == 2),
    (rivals, "the shortest token first", lambda c: c.shortest_first),
    (whole_vocabularies, "the empty text", lambda c: c.text == ""),
    (whole_vocabularies, "five letters", lambda c: len(c.text) == 5),
    (covered, "three and more segmentations of unequal weight", lambda c: len(set(ways(c).values())) >= 3),
    (covered, "the empty text", lambda c: c.text == ""),
    (meetings, "three arrivals", lambda m: len(m.arrivals) == 3),
    (meetings, "seven arrivals", lambda m: len(m.arrivals) == 7),
    (meetings, "equal weights", lambda m: len({w for _, w in m.arrivals}) == 1),
    (meetings, "unequal weights", lambda m: len({w for _, w in m.arrivals}) > 2),
    (meetings, "both orders: shortest", lambda m: m.instance.shortest_first),
    (meetings, "both orders: longest", lambda m: not m.instance.shortest_first),
    (ordered_instances, "ends that do not ascend", lambda c: [e for _, e in c.order] != sorted(e for _, e in c.order)),
    (ordered_instances, "nested choices", lambda c: len({pieces[-1:] for pieces in ways(c.instance)}) < len(ways(c.instance))),
    (arrivals, "nothing", lambda x: not any(x)),
    (arrivals, "six arrivals", lambda x: len(x) == 6),
    (arrivals, "a zero before the first positive weight", lambda x: any(x) and x[0] == 0),
    (arrivals, "a zero after it", lambda x: 0 in x and x[0] > 0),
    (arrivals, "three equal ones", lambda x: len(x) == 3 and len(set(x)) == 1 and x[0] > 0),
    (haystacks, "several tokens that end at one position", lambda c: len({e for _, e in occurrences(*c)}) < len(occurrences(*c))),
    (haystacks, "a token that does not occur", lambda c: any(token not in c.text for token in c.vocabulary)),
    (haystacks, "a position that cannot be reached", lambda c: any(a not in reachable_ends(*c) for a, _ in occurrences(*c))),
    (haystacks, "a text of twenty and more", lambda c: len(c.text) >= 20),
    (scored, "ties among the best", lambda c: len(set(c.scores.values())) == 1 and len(c.scores) > 2),
    (scored, "unequal scores", lambda c: len(set(c.scores.values())) > 2),
    (uncovered, "no segmentation", lambda c: not segmentations(c.text, c.scores)),
    (
        uncovered,
        "a segmentation beside a token that cannot be reached",
        lambda c: (
            bool(segmentations(c.text, c.scores))
            and any(a not in reachable_ends(c.text, c.scores) for a, _ in occurrences(c.text, c.scores))
        ),
    ),
    (temperatures, "alpha = 0", lambda alphas: 0 in alphas),
    (temperatures, "alpha above 4", lambda alphas: max(alphas) > 4),
    (log_pairs, "equal numbers", lambda pairs: 0 in gaps(pairs)),
    (log_pairs, "one that is -inf", lambda pairs: float("inf") in gaps(pairs)),
    (log_pairs, "a gap at which the exponential overflows", lambda pairs: any(709 < gap < 1e4 for gap in gaps(pairs))),
    (log_pairs, "a gap at which 1 + e^-gap is about to round to 1", lambda pairs: any(30 < gap < 37 for gap in gaps(pairs))),
    (matrix, "zero", lambda x: not x.any()),
    (matrix, "a zero entry beside one that is not", lambda x: bool((x == 0).any() and x.any())),
    (matrix, "equal entries that are not zero", lambda x: len(x.unique()) < x.count_nonzero()),
    (matrix, "the smallest value, -4", lambda x: bool((x == -4).any())),
    (matrix, "a zero row beside one that is not", lambda x: bool((x == 0).all(1).any() and x.any())),
    (matrix, "equal rows that are not zero", lambda x: bool((x[0] == x[1]).all() and x.any())),
    (matrix, "a value that is no integer", lambda x: bool((x != x.round()).any())),
    (normal, "values beyond two deviations", lambda x: bool((x.abs() > 6).any())),
    *((projections.latent, f"{n} tokens", of_shape(lambda c: len(c.x), n)) for n in (1, 2, 3, 4, 5)),
    *((projections.latent, f"{h} heads", of_shape(lambda c: len(c.W_v), h)) for h in (1, 2, 3)),
    *((projections.latent, f"rotary size {d_r}", of_shape(lambda c: c.W_kr.shape[1], d_r)) for d_r in (2, 4)),
    (projections.latent, "a latent of another size than the heads", lambda c: c.W_c.shape[1] != c.W_qc.shape[2]),
    (projections.latent, "a latent of the heads' size, where a wrong scale hides", lambda c: c.W_c.shape[1] == c.W_qc.shape[2]),
    (projections.latent, "a start that is not position 0", lambda c: c.positions[0] > 0),
    (projections.latent, "keys and values of other sizes", lambda c: c.W_qc.shape[2] != c.W_v.shape[2]),
    (projections.grouped, "one group for all heads (MQA)", lambda c: len(c.W_k) == 1 < len(c.W_q)),
    (projections.grouped, "one group per head (MHA)", lambda c: len(c.W_k) == len(c.W_q) > 1),
    (projections.grouped, "groups in between", lambda c: 1 < len(c.W_k) < len(c.W_q)),
    (scores.scores, "one score", lambda c: c.s.shape[1] == 1),
    (scores.scores, "alpha = 0", lambda c: c.alpha == 0),
    (scores.scores, "ties", lambda c: bool((c.s == c.s.flip(-1)).any() and c.s.shape[1] > 1)),
    (
        scores.scores,
        "an offset a hundred times the spread",
        lambda c: bool((c.s.abs().amax(-1) > 100 * (c.s.amax(-1) - c.s.amin(-1))).any() and c.s.shape[1] > 1),
    ),
]

LEAVES = [
    (rivals, "at most one segmentation, where no duel is fought", lambda c: len(ways(c)) <= 1),
    (covered, "one segmentation, where every decoder is right", lambda c: len(ways(c)) == 1),
    (instances, "at most one segmentation, where every sampler is right", lambda c: len(ways(c)) <= 1),
    (meetings, "equal weights", lambda m: len({w for _, w in m.arrivals}) == 1),
    (ordered_instances, "ends that ascend, as in every scan", lambda c: [e for _, e in c.order] == sorted(e for _, e in c.order)),
    (arrivals, "fewer than two positive weights", lambda x: sum(w > 0 for w in x) < 2),
    (haystacks, "no occurrence", lambda c: not occurrences(*c)),
    (scored, "one segmentation", lambda c: len(segmentations(c.text, c.scores)) == 1),
    (uncovered, "no segmentation", lambda c: not segmentations(c.text, c.scores)),
    (matrix, "zero rows", lambda x: bool((x == 0).all(1).any())),
    (projections.latent, "one token, where every softmax is right", lambda c: len(c.x) == 1),
    (projections.latent, "consecutive positions, where ignoring them is right", lambda c: bool((c.positions.diff() == 1).all())),
    (projections.latent, "one head, where no mix-up shows", lambda c: len(c.W_v) == 1),
    (projections.latent, "d_c = d_k, where a wrong scale hides", lambda c: c.W_c.shape[1] == c.W_qc.shape[2]),
    (projections.grouped, "one group or one head per group, where no grouping is wrong", lambda c: len(c.W_k) in (1, len(c.W_q))),
    (scores.scores, "one score or alpha = 0", lambda c: c.s.shape[1] == 1 or bool(c.alpha == 0)),
]

NEVER_LEAVES = [
    (instances, "laws of at most 2^8 paths", lambda c: coins(c.text, tuple(c.weights)) <= MOST_COINS),
    (rivals, "at most two segmentations", lambda c: len(ways(c)) <= 2),
    (covered, "every letter a token", lambda c: set(c.text) <= c.weights.keys()),
    (instances, "weights above 0", lambda c: all(w > 0 for w in c.weights.values())),
    (instances, "tokens that occur in the text", lambda c: all(token in c.text for token in c.weights)),
    (meetings, "candidates that meet at the end alone", lambda m: set(ways(m.instance)) == {pieces for pieces, _ in m.arrivals}),
    (meetings, "weights of the segmentations as stated", lambda m: all(ways(m.instance)[pieces] == w for pieces, w in m.arrivals)),
    (
        ordered_instances,
        "orders that complete a prefix first",
        lambda c: all(e != a for i, (a, _) in enumerate(c.order) for _, e in c.order[i:]),
    ),
    (ordered_instances, "all candidates, each once", lambda c: sorted(c.order) == sorted(occurrences(c.instance.text, c.instance.weights))),
    (scored, "texts that have a segmentation", lambda c: bool(segmentations(c.text, c.scores))),
    (scored, "scores whose sums are exact", lambda c: all((8 * score).is_integer() and -5 <= score <= 0 for score in c.scores.values())),
    (temperatures, "three values from 0 to 8", lambda alphas: len(alphas) == 3 and all(0 <= alpha <= 8 for alpha in alphas)),
    (matrix, "what bfloat16 holds", lambda x: torch.equal(few_bits(x), x)),
    (matrix, "-4 to 4", lambda x: bool((x.abs() <= 4).all())),
    (normal, "what bfloat16 holds", lambda x: torch.equal(few_bits(x), x)),
    (normal, "finite values", lambda x: bool(x.isfinite().all())),
    *(
        (strategy, "what bfloat16 holds", lambda c: all(torch.equal(few_bits(x), x) for x in c.tensors))
        for strategy in (projections.latent, projections.grouped)
    ),
    (projections.grouped, "numbers of groups that divide the number of heads", lambda c: len(c.W_q) % len(c.W_k) == 0),
    (projections.latent, "increasing positions", lambda c: bool((c.positions.diff() > 0).all())),
]


test_reaches = reaches(REACHES)
test_does_not_stay_in = does_not_stay_in(LEAVES)
test_stays_within = stays_within(NEVER_LEAVES)


@pytest.mark.parametrize("strategy", [instances, meetings, ordered_instances, haystacks, scored, projections.latent, projections.grouped])
def test_a_case_prints_without_addresses_and_in_one_line(strategy: Callable[[], Any]) -> None:
    assert all(" at 0x" not in repr(case) and "\n" not in repr(case) for case in drawn(strategy))


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (2, 2)])
def test_any_shape_can_be_drawn(shape: tuple[int, ...]) -> None:
    @settings(max_examples=5, database=None)
    @given(dyadic(*shape))
    def has_the_shape(x: torch.Tensor) -> None:
        assert x.shape == shape and x.dtype is torch.float64

    has_the_shape()


@pytest.mark.parametrize("name", projections.MODELS)
def test_a_models_shapes_have_no_storage(name: str) -> None:
    model = projections.MODELS[name]
    tensors = projections.of_size(model, 3)
    assert all(x.is_meta for x in tensors)
    assert tensors[0].shape == (3, model.d)
