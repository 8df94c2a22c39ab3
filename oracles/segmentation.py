"""Segmentations of a text by brute force: every way to cut it, none of it by dynamic programming."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations


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
    if not weighted:
        return {None: Fraction(1)}
    total = sum(weighted.values())
    return {pieces: weight / total for pieces, weight in weighted.items()}


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
