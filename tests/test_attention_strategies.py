"""Contracts of the strategies for random features and quantised keys, in the terms of tests/test_strategies.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from strategies.attention.features import kernels, mixtures, pairs, soft_codes, untied
from strategies.attention.quantised import backward, blocks, generic_backward, quantised
from strategies.tensors import few_bits
from tests.test_strategies import CASES, drawn, named


def squares(c: Any) -> Tensor:
    return ((c.K[:, None] - c.C) ** 2).sum(-1)


def codes_used(c: Any) -> Tensor:
    return squares(c).argmin(-1).unique()


def logits_used(c: Any) -> Tensor:
    return c.Q @ c.C[codes_used(c)].T


def total_weights(c: Any) -> Tensor:
    return torch.exp(-((c.K[:, None] - c.omega) ** 2).sum(-1) / 2).sum(-1)


def norms(c: Any) -> Tensor:
    return c.omega.norm(dim=-1)


def of_one_norm(c: Any) -> bool:
    return len(c.omega) > 1 and bool((norms(c) - norms(c)[0]).abs().max() < 0.02 * norms(c)[0])


def two_smallest(c: Any) -> Tensor:
    return squares(c).sort(-1).values[:, :2]


def features_of_one_norm() -> Any:
    return kernels(one_norm=True)


def gaps(c: tuple[Tensor, Tensor]) -> Tensor:
    """Between the squared distances of a key's two nearest codes."""
    return ((c[0][:, None] - c[1]) ** 2).sum(-1).sort(-1).values[:, :2].diff(dim=-1)


REACHES = [
    (pairs, "q = k", lambda c: torch.equal(c.q, c.k) and bool(c.q.any())),
    (pairs, "q = -k", lambda c: torch.equal(c.q, -c.k) and bool(c.q.any())),
    (pairs, "one feature", lambda c: len(c.omega) == 1),
    (pairs, "one pair", lambda c: len(c.q) == 1),
    (pairs, "exponents beyond 20", lambda c: bool((c.k @ c.omega.T - (c.k**2).sum(-1)[:, None] / 2 > 20).any())),
    (pairs, "exponents below -20", lambda c: bool((c.k @ c.omega.T < -20).any())),
    (soft_codes, "a single key", lambda c: len(c.K) == 1),
    (soft_codes, "a single code", lambda c: len(c.omega) == 1),
    (soft_codes, "many codes of one norm", lambda c: len(c.omega) == 32 and of_one_norm(c)),
    (soft_codes, "many codes of unequal norms", lambda c: len(c.omega) == 32 and not of_one_norm(c)),
    (soft_codes, "keys so far away that a denominator of 1e-6 is large", lambda c: bool((total_weights(c) < 1e-7).all())),
    (kernels, "keys whose norms differ twofold", lambda c: bool((c.K**2).sum(-1).max() > 2 * (c.K**2).sum(-1).min())),
    (features_of_one_norm, "more features than signed axes", lambda c: len(c.omega.unique(dim=0)) > 2 * c.omega.shape[1]),
    (untied, "two codes at almost one distance", lambda c: bool((gaps(c) < 0.02).any())),
    (untied, "three keys in three dimensions", lambda c: c[0].shape[1] == 3 <= len(c[0])),
    (mixtures, "a single key", lambda c: len(c.K) == 1),
    (mixtures, "a single code", lambda c: len(c.C) == 1),
    (mixtures, "keys that are the codebook", lambda c: torch.equal(c.K, c.C) and len(c.C) > 1),
    (mixtures, "a key between two codes", lambda c: len(c.C) > 1 and bool((two_smallest(c).diff(dim=-1) == 0).any())),
    (mixtures, "logits of 16 Q beyond 88, where exp overflows in float32", lambda c: bool((16 * logits_used(c)).max() > 88)),
    (quantised, "one token", lambda c: len(c.K) == 1),
    (quantised, "one code", lambda c: len(c.C) == 1),
    (quantised, "more codes than tokens", lambda c: len(c.C) > len(c.K) > 1),
    (quantised, "a code twice in the codebook", lambda c: len(c.C.unique(dim=0)) < len(c.C)),
    (quantised, "unused codes", lambda c: len(codes_used(c)) < len(c.C)),
    (quantised, "logits beyond 88 of codes in use, where exp overflows in float32", lambda c: bool(logits_used(c).max() > 88)),
    (
        quantised,
        "an unused code that leads by 104, where the others vanish",
        lambda c: bool(((c.Q @ c.C.T).amax(-1) - logits_used(c).amax(-1)).max() > 104),
    ),
    (quantised, "keys that float32 calls a tie", lambda c: not torch.equal(c.K.float().double(), c.K)),
    (
        quantised,
        "a nearest code that is not so in absolute values",
        lambda c: not torch.equal((c.K[:, None] - c.C).abs().sum(-1).argmin(-1), squares(c).argmin(-1)),
    ),
    (blocks, "one block", lambda c: c.l == len(c.Q) > 1),
    (blocks, "blocks of one token", lambda c: c.l == 1 < len(c.Q)),
    (blocks, "four blocks", lambda c: len(c.Q) == 4 * c.l),
    (blocks, "logits beyond 88 of codes in use", lambda c: bool((c.Q @ c.C[c.z].T).max() > 88)),
    (blocks, "one code", lambda c: len(c.C) == 1),
    (backward, "one token", lambda c: len(c.Q) == 1),
    (backward, "eight tokens", lambda c: len(c.Q) == 8),
    (backward, "one code", lambda c: len(c.C) == 1),
    (backward, "tokens of one code and unequal values", lambda c: len(c.z.unique()) < len(c.z) and len(c.V.unique(dim=0)) == len(c.V)),
]

LEAVES = [
    (pairs, "q = 0 or k = 0", lambda c: not (c.q.any() and c.k.any())),
    (soft_codes, "a single key or code", lambda c: min(len(c.K), len(c.omega)) == 1),
    (soft_codes, "codes of unequal norms", lambda c: len(c.omega) > 1 and not of_one_norm(c)),
    (mixtures, "keys that are the codebook, where nothing is lost", lambda c: torch.equal(c.K, c.C)),
    (quantised, "one token or one code", lambda c: min(len(c.K), len(c.C)) == 1),
    (blocks, "one block, which has no state", lambda c: c.l == len(c.Q)),
    (backward, "one token, whose gradients are 0", lambda c: len(c.Q) == 1),
]

NEVER_LEAVES = [
    (features_of_one_norm, "one norm exactly", lambda c: len((c.omega**2).sort(-1).values.unique(dim=0)) == 1),
    (kernels, "more than one key and feature", lambda c: min(len(c.K), len(c.omega)) > 1),
    (untied, "a single nearest code for every key", lambda c: bool((gaps(c) > 0).all())),
    *(
        (strategy, "what bfloat16 holds", lambda c: all(torch.equal(few_bits(x), x) for x in c.tensors))
        for strategy in (pairs, soft_codes, mixtures, backward, blocks)
    ),
    (generic_backward, "three tokens and more, beyond a window of two", lambda c: len(c.Q) >= 3),
    (quantised, "what bfloat16 holds, keys apart", lambda c: all(torch.equal(few_bits(x), x) for x in (c.Q, c.V, c.C))),
]


@named(REACHES)
def test_reaches(strategy: Callable[[], Any], where: str, predicate: Callable[[Any], bool]) -> None:
    assert any(map(predicate, drawn(strategy))), f"{strategy.__name__} does not reach {where} in {CASES} cases"


@named(LEAVES)
def test_does_not_stay_in(strategy: Callable[[], Any], where: str, predicate: Callable[[Any], bool]) -> None:
    inside = sum(map(predicate, drawn(strategy))) / len(drawn(strategy))
    assert inside <= 2 / 3, f"{inside:.0%} of the cases of {strategy.__name__} are {where}"


@named(NEVER_LEAVES)
def test_stays_within(strategy: Callable[[], Any], where: str, predicate: Callable[[Any], bool]) -> None:
    assert all(map(predicate, drawn(strategy))), f"{strategy.__name__} leaves {where}"
