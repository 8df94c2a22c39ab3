"""Texts with a weighted vocabulary, small enough for exact laws.

Unequal weights and nested prefixes matter: with equal weights, the full vocabulary and the longest token first, the
first sampler is exact by coincidence, and where every last token has a single prefix the nested mistakes are invisible.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from hypothesis import assume
from hypothesis import strategies as st

from oracles.segmentation import segmentations

MOST_COINS = 8  # undecided candidates per text: at most 2^8 paths in an exact law


@dataclass(frozen=True)
class Instance:
    """A text, the weight of each token, and the order in which candidates of equal end are visited."""

    text: str
    weights: dict[str, Fraction]
    shortest_first: bool = False

    def __repr__(self) -> str:
        tokens = ", ".join(f"{token}: {weight}" for token, weight in self.weights.items())
        return f"{self.text!r} with {{{tokens}}}, {'shortest' if self.shortest_first else 'longest'} token first"

    def tempered(self, alpha: int) -> Instance:
        """The same instance at another temperature: every weight to the power alpha."""
        return replace(self, weights={token: weight**alpha for token, weight in self.weights.items()})


def instance(text: str, *, shortest_first: bool = False, **weights: int) -> Instance:
    """An instance written by hand, with integer weights."""
    return Instance(text, {token: Fraction(weight) for token, weight in weights.items()}, shortest_first)


# Nested prefixes and unequal weights, in which every known mistake of a sampler shows.
ALL_PRIMES = instance("abc", a=2, b=3, c=5, ab=7, bc=11, abc=13)
# Long tokens, which few drawn vocabularies keep: abcde|f is best.
LONG = instance("abcdef", abcdef=1, a=1, bcdef=2, abcde=3, f=1, abc=1, **{"def": 1})
# ab|c is best, and the runner-up weighs 6/7 of it.
CLOSE = Instance(
    "abc",
    {"a": Fraction(1, 2), "b": Fraction(1, 2), "c": Fraction(1, 2), "ab": Fraction(1, 3), "bc": Fraction(1, 5), "abc": Fraction(1, 7)},
)


@st.composite
def instances(draw: st.DrawFn, max_length: int = 6) -> Instance:
    """Texts of length 0 to `max_length` over one to three letters; vocabularies with and without a segmentation."""
    length = draw(st.integers(0, max_length))
    text = draw(st.text(alphabet="abc"[: draw(st.integers(1, 3))], min_size=length, max_size=length))
    substrings = sorted({text[a:e] for e in range(1, len(text) + 1) for a in range(e)}, key=lambda token: (len(token), token))
    weight = st.builds(Fraction, st.integers(1, 9), st.integers(1, 9))
    flat = draw(st.booleans())
    chosen: dict[str, Fraction] = {}
    for token in substrings:
        if draw(st.integers(0, 3)) and coins(text, (*chosen, token)) <= MOST_COINS:
            chosen[token] = Fraction(1) if flat else draw(weight)
    return Instance(text, chosen, draw(st.booleans()))


@st.composite
def rivals(draw: st.DrawFn) -> Instance:
    """Instances with two segmentations, where every duel is exact, and now and then with one; some tokens lead nowhere."""
    case = draw(instances(max_length=0)) if draw(st.integers(0, 9)) == 0 else None
    if case:
        return case
    text = draw(st.text(alphabet="abc", min_size=2, max_size=6))
    weight = st.builds(Fraction, st.integers(1, 9), st.integers(1, 9))
    places = draw(st.lists(st.integers(0, 2 ** (len(text) - 1) - 1), min_size=2, max_size=2, unique=True))  # cuts as bits
    cuts = [[k for k in range(1, len(text)) if bits >> (k - 1) & 1] for bits in places]
    tokens = {text[a:e] for chosen in cuts for a, e in pairwise((0, *chosen, len(text)))}
    tokens |= draw(st.sets(st.sampled_from(sorted({text[a:e] for e in range(1, len(text)) for a in range(e)})), max_size=2))
    case = Instance(text, {token: draw(weight) for token in sorted(tokens)}, draw(st.booleans()))
    assume(len(segmentations(text, case.weights)) == 2)
    return case


def whole_vocabularies() -> st.SearchStrategy[Instance]:
    """Texts of up to five letters, some repeated, with every substring a token of weight 1, the longest first."""
    return st.text(alphabet="abc", max_size=5).map(
        lambda text: Instance(text, dict.fromkeys(sorted({text[a:e] for e in range(len(text) + 1) for a in range(e)}), Fraction(1)))
    )


@st.composite
def covered(draw: st.DrawFn) -> Instance:
    """Instances in which every letter is a token too, so that every position can be reached."""
    case = draw(instances())
    letters = {letter: Fraction(draw(st.integers(1, 9)), 9) for letter in sorted(set(case.text))}
    return replace(case, weights=letters | case.weights)


@dataclass(frozen=True)
class Meeting:
    """Segmentations that meet at the end of a text and nowhere before, with their weights, in the order of arrival."""

    instance: Instance
    arrivals: tuple[tuple[tuple[str, ...], Fraction], ...]

    def __repr__(self) -> str:
        return f"{self.instance!r}, taken to arrive as " + ", ".join("|".join(pieces) for pieces, _ in self.arrivals)


@st.composite
def meetings(draw: st.DrawFn) -> Meeting:
    """A word of 3 to 7 distinct letters, whole and cut in two at some places: three or more candidates meet at its end.

    Equal weights (the post's case) in about a third, always shared out between the two tokens. At the other places only the
    last token exists: it cannot be reached, and has to be skipped.
    """
    word = "abcdefg"[: draw(st.integers(3, 7))]
    cuts = draw(st.lists(st.sampled_from(range(1, len(word))), min_size=2, unique=True))
    splits = [(word,), *((word[:k], word[k:]) for k in sorted(cuts))]
    equal = draw(st.integers(0, 2)) == 1
    shortest = draw(st.booleans())
    weight = st.builds(Fraction, st.integers(1, 9), st.integers(1, 9))
    tokens, arrivals = {}, []
    for pieces in splits[::-1] if shortest else splits:
        total = Fraction(1) if equal else draw(weight)
        first = draw(weight) if len(pieces) == 2 else Fraction(1)
        tokens |= {pieces[0]: first} | {pieces[-1]: total / first}
        arrivals.append((pieces, total))
    unreachable = {word[k:]: draw(weight) for k in range(1, len(word)) if k not in cuts}
    return Meeting(Instance(word, tokens | unreachable, shortest), tuple(arrivals))


@dataclass(frozen=True)
class Ordered:
    """An instance with its candidates in an order that a scan may visit them in, see `ordered_instances`."""

    instance: Instance
    order: tuple[tuple[int, int], ...]

    def __repr__(self) -> str:
        tokens = ", ".join(self.instance.text[a:e] for a, e in self.order)
        return f"{self.instance!r}, in place of which the order is {tokens}"


@st.composite
def ordered_instances(draw: st.DrawFn) -> Ordered:
    """Instances whose candidates come in a random order that keeps to one rule: those that end at a before those that start at a.

    From three letters on that includes orders in which the ends do not ascend.
    """
    case = draw(instances(max_length=5))
    waiting = [(a, e) for e in range(1, len(case.text) + 1) for a in range(e) if case.text[a:e] in case.weights]
    pick, order = random.Random(draw(st.integers(0, 2**32 - 1))), []
    while waiting:
        awaited = {e for _, e in waiting}
        order.append(pick.choice([candidate for candidate in waiting if candidate[0] not in awaited]))
        waiting.remove(order[-1])
    return Ordered(case, tuple(order))


def arrivals() -> st.SearchStrategy[list[Fraction]]:
    """Weights of up to six arrivals at one position, in order: none, equal ones, and zeros before and after the first that is positive."""
    weight = st.one_of(st.just(Fraction(0)), st.just(Fraction(1)), st.builds(Fraction, st.integers(1, 9), st.integers(1, 9)))
    return st.lists(weight, max_size=6)


class Haystack(NamedTuple):
    """A text and a vocabulary, without weights."""

    text: str
    vocabulary: tuple[str, ...]


@st.composite
def haystacks(draw: st.DrawFn) -> Haystack:
    """Texts of up to 30 characters over one to three letters, tokens of up to five of which some overlap and some do not occur.

    In about half of the cases a token is the end of another, so that one position ends several.
    """
    letters = "abc"[: draw(st.integers(1, 3))]
    tokens = draw(st.lists(st.text(letters, min_size=1, max_size=5), max_size=8))
    if draw(st.booleans()):
        tokens += [token[k:] for token in tokens for k in range(1, len(token), 2)]
    return Haystack(draw(st.text(letters, max_size=30)), tuple(sorted(set(tokens))))


def coins(text: str, vocabulary: tuple[str, ...]) -> int:
    """Upper bound on the undecided coins of a scan: candidates beyond the first at each end."""
    per_end = [sum(text[a:e] in vocabulary for a in range(e)) for e in range(1, len(text) + 1)]
    return sum(max(n - 1, 0) for n in per_end)
