"""Scores of tokens and logarithms of weights, as floating-point samplers get them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hypothesis import strategies as st


@dataclass(frozen=True)
class Scored:
    """A text and the score of each token."""

    text: str
    scores: dict[str, float]

    def __repr__(self) -> str:
        return f"{self.text!r} with scores {{{', '.join(f'{token}: {score:g}' for token, score in self.scores.items())}}}"


@st.composite
def scored(draw: st.DrawFn, max_length: int = 6, *, covered: bool = True) -> Scored:
    """Texts of one letter and more; scores are multiples of 1/8 from -5 to 0, so that sums are exact, all equal in about half of the cases.

    covered: every single letter is a token, so that every position can be reached; else about half of the tokens are missing.
    """
    text = draw(st.text("abc"[: draw(st.integers(1, 3))], min_size=1, max_size=max_length))
    substrings = sorted({text[a:e] for e in range(1, len(text) + 1) for a in range(e)}, key=lambda token: (len(token), token))
    kept = [token for token in substrings if covered and len(token) == 1 or draw(st.booleans())]
    flat = draw(st.booleans())
    return Scored(text, {token: -1.0 if flat else -draw(st.integers(0, 40)) / 8 for token in kept})


def temperatures(least: float = 0.0) -> st.SearchStrategy[list[float]]:
    """Three values of alpha up to 8, which float32 holds."""
    return st.lists(st.floats(least, 8, width=32, allow_subnormal=False), min_size=3, max_size=3)


@st.composite
def log_pairs(draw: st.DrawFn) -> list[tuple[float, float]]:
    """One to eight pairs of logarithms that float32 holds, the larger one first or last, from 1e4 down to -1e4.

    The gaps lie where something happens: none, a fraction, around 17 and 37, where 1 + e^-gap becomes 1 in float32 and float64, around
    88 and 709, where e^gap overflows in them, and infinite, as before the first arrival.
    """
    gap = st.one_of(*(st.floats(low, high) for low, high in ((0, 0), (0, 1), (10, 45), (80, 800), (0, 1e4), (math.inf, math.inf))))
    pairs = draw(st.lists(st.tuples(st.floats(-1e4, 1e4, width=32), gap, st.booleans()), min_size=1, max_size=8))
    return [(x, x - d) if first else (x - d, x) for x, d, first in pairs]
