"""Segmentations of a text by brute force: every way to cut it, none of it by dynamic programming."""

from __future__ import annotations

import math
from collections.abc import Mapping
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
