"""Score vectors with a scale, numbers of scores, and seeds for normal scores.

One score, alpha = 0 and a one-hot softmax hide every mistake, alpha = 1 a forgotten factor, two scores other norms than
the entrywise one: the strategies reach these corners but do not stay there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from hypothesis import strategies as st
from torch import Tensor

SIZES = (64, 512, 4096, 20000)  # the numbers of scores for which the report shows values
LOGIT_RANGES = (2, 4, 1, 8, 16, 36)  # e^-36 squared, over 9^2 scores, is still a normal float32


@dataclass(frozen=True)
class Tempered:
    """Arguments of impls/attention/attention_scale.py: score vectors s (b, n) and one scale."""

    s: Tensor
    alpha: Tensor

    def __repr__(self) -> str:
        return f"s={self.s.tolist()}, alpha={self.alpha.item():g}"


@st.composite
def scores(draw: st.DrawFn) -> Tempered:
    """1 to 3 vectors of 1 to 9 scores, 0 <= alpha < 16; alpha (max - min) <= 36 while an offset may be 127 times the spread.

    Entries are k 2^e: with the spread of k drawn as small as 1, ties are common; with k from 127 downwards the offset is
    far larger than the differences, up to 10^4 and more.
    """
    b, n = draw(st.sampled_from([2, 3, 1])), draw(st.sampled_from([7, 9, 5, 3, 2, 1]))
    spread = draw(st.sampled_from([127, 15, 3, 1]))
    drawn = torch.frombuffer(bytearray(draw(st.binary(min_size=b * n, max_size=b * n))), dtype=torch.uint8).double().reshape(b, n)
    k = (127 if draw(st.booleans()) else spread // 2) - drawn % (spread + 1)
    alpha = draw(st.integers(0, 255)) / 16
    steepness = draw(st.sampled_from(LOGIT_RANGES)) / ((alpha or 1.0) * spread)
    return Tempered(k * 2.0 ** math.floor(math.log2(steepness)), torch.tensor(alpha, dtype=torch.float64))


def counts(least: int = 1, most: int = 20_000) -> st.SearchStrategy[int]:
    """Numbers of scores: the reported sizes, the smallest ones, and any; ascending orders of magnitude are equally likely."""
    sizes = [n for n in SIZES if least <= n <= most]
    powers = st.floats(math.log(least), math.log(most)).map(lambda log_n: min(max(round(math.exp(log_n)), least), most))
    return st.one_of(st.sampled_from(sizes), st.integers(least, min(most, least + 10)), powers)


def beside(*ends: int, most: int) -> st.SearchStrategy[int]:
    """Numbers of scores up to `most`: the ends of an interval and the next ones outside, and any."""
    return st.one_of(st.sampled_from(ends), counts(least=2, most=most))


def astronomical() -> st.SearchStrategy[int]:
    """Numbers of scores from 1 to 10^1000, integers of arbitrary size."""
    return st.one_of(counts(), st.builds(lambda digit, zeros: digit * 10**zeros, st.integers(1, 9), st.integers(0, 999)))


@dataclass(frozen=True)
class Separated:
    """One vector of two and more scores with a single largest one."""

    s: tuple[float, ...]

    @property
    def gap(self) -> float:
        """Between the largest score and the next smaller one."""
        top = max(self.s)
        return top - max(x for x in self.s if x < top)

    @property
    def spread(self) -> float:
        return max(self.s) - min(self.s)


@dataclass(frozen=True)
class Averaged:
    """Vectors of equally many scores whose gradients are averaged, with the mean of their gaps."""

    vectors: tuple[Separated, ...]

    @property
    def s(self) -> tuple[tuple[float, ...], ...]:
        return tuple(vector.s for vector in self.vectors)

    @property
    def gap(self) -> float:
        return sum(vector.gap for vector in self.vectors) / len(self.vectors)

    @property
    def spread(self) -> float:
        return max(vector.spread for vector in self.vectors)

    def __repr__(self) -> str:
        return f"mean over {len(self.vectors)} vectors, from s={self.s[0]} to s={self.s[-1]}"


@st.composite
def separated(draw: st.DrawFn) -> Separated:
    """2 to 12 scores k / 16 of either sign, often tied, with the largest 1/16 to 8 above the next."""
    n = draw(st.sampled_from([5, 12, 3, 2]))
    rest = draw(st.lists(st.integers(-64, 63), min_size=n - 1, max_size=n - 1))
    largest = max(rest) + draw(st.sampled_from([16, 1, 4, 128]))
    at = draw(st.integers(0, n - 1))
    return Separated(tuple(k / 16 for k in (*rest[:at], largest, *rest[at:])))


def normal_scores(seed: int, draws: int, n: int) -> Tensor:
    """`draws` vectors of n independent standard normal scores, float64."""
    return torch.randn(draws, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
