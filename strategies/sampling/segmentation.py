"""Texts with a weighted vocabulary, small enough for exact laws.

Unequal weights and nested prefixes matter: with equal weights, the full vocabulary and the longest token first, the
first sampler is exact by coincidence, and where every last token has a single prefix the nested mistakes are invisible.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from hypothesis import strategies as st

MOST_COINS = 10  # undecided candidates per text: at most 2^10 paths in an exact law


@dataclass(frozen=True)
class Instance:
    """A text, the weight of each token, and the order in which candidates of equal end are visited."""

    text: str
    weights: dict[str, Fraction]
    shortest_first: bool = False

    def __repr__(self) -> str:
        tokens = ", ".join(f"{token}: {weight}" for token, weight in self.weights.items())
        return f"{self.text!r} with {{{tokens}}}, {'shortest' if self.shortest_first else 'longest'} token first"


def instance(text: str, *, shortest_first: bool = False, **weights: int) -> Instance:
    """An instance written by hand, with integer weights."""
    return Instance(text, {token: Fraction(weight) for token, weight in weights.items()}, shortest_first)


@st.composite
def instances(draw: st.DrawFn, max_length: int = 6) -> Instance:
    """Texts of length 0 to `max_length` over one to three letters; vocabularies with and without a segmentation."""
    text = draw(st.text(alphabet="abc"[: draw(st.integers(1, 3))], max_size=max_length))
    substrings = sorted({text[a:e] for e in range(1, len(text) + 1) for a in range(e)}, key=lambda token: (len(token), token))
    weight = st.builds(Fraction, st.integers(1, 9), st.integers(1, 9))
    flat = draw(st.booleans())
    chosen: dict[str, Fraction] = {}
    for token in substrings:
        if draw(st.integers(0, 3)) and coins(text, (*chosen, token)) <= MOST_COINS:
            chosen[token] = Fraction(1) if flat else draw(weight)
    return Instance(text, chosen, draw(st.booleans()))


@dataclass(frozen=True)
class Meeting:
    """Segmentations that meet at the end of a text and nowhere before, with their weights, in the order of arrival."""

    instance: Instance
    arrivals: tuple[tuple[tuple[str, ...], Fraction], ...]

    def __repr__(self) -> str:
        return f"{self.instance!r}, arriving as " + ", ".join("|".join(pieces) for pieces, _ in self.arrivals)


@st.composite
def meetings(draw: st.DrawFn) -> Meeting:
    """A word of 3 to 7 distinct letters, kept whole and cut in two at each place: n candidates at its end, none before."""
    weights = draw(st.one_of(st.integers(3, 7).map(lambda n: [1] * n), st.lists(st.integers(1, 9), min_size=3, max_size=7)))
    word = "abcdefg"[: len(weights)]
    splits = [(word,), *((word[:k], word[k:]) for k in range(1, len(word)))]
    shortest = draw(st.booleans())
    arriving = splits[::-1] if shortest else splits
    tokens = {pieces[0]: Fraction(1) for pieces in arriving} | {pieces[-1]: Fraction(w) for pieces, w in zip(arriving, weights, strict=True)}
    return Meeting(Instance(word, tokens, shortest), tuple(zip(arriving, map(Fraction, weights), strict=True)))


def coins(text: str, vocabulary: tuple[str, ...]) -> int:
    """Upper bound on the undecided coins of a scan: candidates beyond the first at each end."""
    per_end = [sum(text[a:e] in vocabulary for a in range(e)) for e in range(1, len(text) + 1)]
    return sum(max(n - 1, 0) for n in per_end)
