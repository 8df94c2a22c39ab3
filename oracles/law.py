"""The exact output law of a program whose only randomness is a coin.

The program is run once for every sequence of coin outcomes, depth first; a path's probability is the product of the
exact probabilities that it asked for. No sampling, no tolerance: two laws are equal or they are not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from numbers import Rational
from typing import TypeVar

from oracles.evidence import BadOutput, Unsettled

Outcome = TypeVar("Outcome", bound=Hashable)
Coin = Callable[[Fraction], bool]

MOST_PATHS = 2**15  # all coin sequences of a scan over the 15 undecided candidates of a text of six letters


def law(program: Callable[[Coin], Outcome], *, most_paths: int = MOST_PATHS) -> dict[Outcome, Fraction]:
    """The law of `program(coin)`, where `coin(p)` is true with probability p, independently of everything before.

    Outcomes map to exact probabilities that sum to 1; outcomes of probability 0 do not occur. Raises `Unsettled` when
    the program has more than `most_paths` paths, and `BadOutput` for a p that is no exact probability.
    """
    found: dict[Outcome, Fraction] = {}
    prefix: list[bool] = []
    paths = 0
    while True:
        paths += 1
        if paths > most_paths:
            raise Unsettled(f"the program has more than {most_paths} paths of coin outcomes: draw a smaller case")
        replay = _Replay(prefix)
        outcome = program(replay)
        found[outcome] = found.get(outcome, Fraction(0)) + replay.probability
        prefix = replay.outcomes
        while prefix and not prefix[-1]:
            prefix.pop()
        if not prefix:
            return found
        prefix[-1] = False


def proportional(weights: Mapping[Outcome, Fraction]) -> dict[Outcome, Fraction]:
    """The law that gives every outcome its share of the total weight; weight 0 is no outcome, and the total must not be 0."""
    total = sum(weights.values())
    return {outcome: Fraction(weight) / total for outcome, weight in weights.items() if weight}


def independent(laws: Sequence[Mapping[Outcome, Fraction]]) -> dict[tuple[Outcome, ...], Fraction]:
    """The joint law of independent draws, one from each of `laws`."""
    return {
        tuple(outcome for outcome, _ in drawn): math.prod((p for _, p in drawn), start=Fraction(1))
        for drawn in product(*(law.items() for law in laws))
    }


def marginal(law: Mapping[tuple[Outcome, ...], Fraction], places: Sequence[int]) -> dict[tuple[Outcome, ...], Fraction]:
    """The law of some components of a random tuple."""
    found: dict[tuple[Outcome, ...], Fraction] = {}
    for outcome, p in law.items():
        seen = tuple(outcome[place] for place in places)
        found[seen] = found.get(seen, Fraction(0)) + p
    return found


def total_variation(p: Mapping[Outcome, Fraction], q: Mapping[Outcome, Fraction]) -> Fraction:
    """Half of the sum of |p - q|: the largest difference of the probabilities of one event."""
    return sum((abs(p.get(outcome, Fraction(0)) - q.get(outcome, Fraction(0))) for outcome in p.keys() | q.keys()), start=Fraction(0)) / 2


class _Replay:
    """A coin that repeats `prefix` and then always comes up true; coins that cannot fall both ways are not branches."""

    def __init__(self, prefix: list[bool]):
        self.prefix, self.outcomes, self.probability = prefix, [], Fraction(1)

    def __call__(self, p: Fraction) -> bool:
        if not isinstance(p, Rational) or not 0 <= p <= 1:
            raise BadOutput(f"coin({p!r}): a probability must be an exact Fraction between 0 and 1")
        if p in (0, 1):
            return p == 1
        position = len(self.outcomes)
        outcome = self.prefix[position] if position < len(self.prefix) else True
        self.outcomes.append(outcome)
        self.probability *= p if outcome else 1 - p
        return outcome
