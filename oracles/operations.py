"""Operations of a program on weights, counted and not timed: exact weights that notice when they are multiplied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from typing import Any


class Priced(Fraction):
    """A weight that counts every product in which it is a factor; the product is an ordinary `Fraction`."""

    seen: Counter[str]

    def __mul__(self, other: Any) -> Fraction:
        self.seen["products"] += 1
        return Fraction(self) * other

    __rmul__ = __mul__


def priced(weights: Mapping[str, Fraction]) -> tuple[dict[str, Priced], Counter[str]]:
    """The same weights, and the counter of their products."""
    seen: Counter[str] = Counter()
    found = {token: Priced(weight) for token, weight in weights.items()}
    for weight in found.values():
        weight.seen = seen
    return found, seen
