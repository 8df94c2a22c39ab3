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


def coins(text: str, vocabulary: tuple[str, ...]) -> int:
    """Upper bound on the undecided coins of a scan: candidates beyond the first at each end."""
    per_end = [sum(text[a:e] in vocabulary for a in range(e)) for e in range(1, len(text) + 1)]
    return sum(max(n - 1, 0) for n in per_end)
