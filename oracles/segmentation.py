"""Segmentations of a text by brute force: every way to cut it, none of it by dynamic programming."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from itertools import combinations

from oracles.law import proportional


def segmentations(text: str, weights: Mapping[str, Fraction]) -> dict[tuple[str, ...], Fraction]:
    """Omega(text), each segmentation with the product of its tokens' weights; the empty text has the empty one, weight 1."""
    found = {}
    for count in range(len(text)) if text else (0,):
        for cuts in combinations(range(1, len(text)), count):
            ends = (*cuts, len(text)) if text else ()
            pieces = tuple(text[a:e] for a, e in zip((0, *cuts), ends))
            if all(piece in weights for piece in pieces):
                found[pieces] = math.prod((weights[piece] for piece in pieces), start=Fraction(1))
    return found


def target_law(text: str, weights: Mapping[str, Fraction]) -> dict[tuple[str, ...] | None, Fraction]:
    """Weight over total weight; probability 1 for None ("no segmentation") where Omega is empty."""
    weighted = segmentations(text, weights)
    return proportional(weighted) if weighted else {None: Fraction(1)}


def optima(text: str, weights: Mapping[str, Fraction]) -> set[tuple[str, ...]]:
    """All segmentations of the largest weight."""
    weighted = segmentations(text, weights)
    return {pieces for pieces, weight in weighted.items() if weight == max(weighted.values())}


def occurrences(text: str, vocabulary: Collection[str]) -> set[tuple[int, int]]:
    """Every (a, e) such that the characters a+1 to e of the text are a token."""
    return {(a, a + len(token)) for token in vocabulary for a in range(len(text)) if text.startswith(token, a)}


def reachable_ends(text: str, vocabulary: Collection[str]) -> set[int]:
    """0 and every e such that the first e characters have a segmentation: what can be reached from 0, one token a step."""
    steps, ends = occurrences(text, vocabulary), {0}
    while further := {e for a, e in steps if a in ends} - ends:
        ends |= further
    return ends


def compositions(n: int, largest: int) -> int:
    """Ways to write n as an ordered sum of terms from 1 to `largest`, by inclusion and exclusion of terms above it.

    That many segmentations has a text of n equal letters whose tokens are all strings of up to `largest` letters.
    """
    if n == 0:
        return 1
    return sum(
        (-1) ** j * math.comb(terms, j) * math.comb(n - j * largest - 1, terms - 1)
        for terms in range(1, n + 1)
        for j in range(min(terms, (n - 1) // largest) + 1)
    )


def chain_of_duels(arrivals: Sequence[tuple[tuple[str, ...], Fraction]]) -> dict[tuple[str, ...], Fraction]:
    """The law of the last winner when each arrival fights whoever won before it, at odds of its weight to the other's.

    Arrivals are pairs (segmentation, weight), in order; the first has nobody to fight.
    """
    law: dict[tuple[str, ...], Fraction] = {}
    for i, (pieces, w) in enumerate(arrivals):
        before = dict(arrivals[:i])
        loses = {other: before[other] / (before[other] + w) for other in law}
        law = {other: p * loses[other] for other, p in law.items()}
        law[pieces] = 1 - sum(law.values())
    return law
