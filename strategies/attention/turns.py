"""Rotary layers in exact numbers: angles with rational cosine and sine, weights that are random integers.

One position, or frequency 0, hides every rotation; few heads of small keys need no more than the latent anyway; weights of zeros
and ones would make ranks collapse. Weights are uniform integers of 32 bits: what holds for generic weights fails for these with
probability below 1e-7.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

LARGEST = 2**31


@dataclass(frozen=True)
class Turns:
    """n tokens at consecutive positions from `start`; tangents: of half the angle that one position turns each block by.

    weights: "generic", or special ones that make an exception: see `projections`.
    """

    h: int
    d: int
    d_c: int
    d_k: int
    n: int
    tangents: tuple[Fraction, ...]
    start: int = 1
    seed: int = 0
    weights: str = "generic"

    @property
    def positions(self) -> range:
        return range(self.start, self.start + self.n)

    def integers(self, *shape: int, name: str) -> np.ndarray:
        """Uniform integers, the same for the same name."""
        source = random.Random(f"{self.seed} {name}")
        return np.array([Fraction(source.randint(-LARGEST, LARGEST)) for _ in range(int(np.prod(shape)))], dtype=object).reshape(shape)

    def rotations(self, shift: int = 0) -> np.ndarray:
        """R_i for every position, shifted: (n, 2 b, 2 b) for b tangents."""
        size = 2 * len(self.tangents)
        one_step = np.full((size, size), Fraction(0), dtype=object)
        for j, t in enumerate(self.tangents):
            cos, sin = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
            one_step[2 * j : 2 * j + 2, 2 * j : 2 * j + 2] = [[cos, sin], [-sin, cos]]
        return np.stack([np.linalg.matrix_power(one_step, m + shift) for m in self.positions])

    def projections(self) -> tuple[np.ndarray, np.ndarray]:
        """W_q (h, d, d_k) and W_k (h, d_c, d_k): generic, with a W_k that commutes with rotations, or both the identity."""
        W_q, W_k = self.integers(self.h, self.d, self.d_k, name="W_q"), self.integers(self.h, self.d_c, self.d_k, name="W_k")
        if self.weights == "W_k commutes with rotations":
            a, b = W_k[:, 0::2, 0], W_k[:, 1::2, 0]
            W_k = W_k * 0
            for j in range(self.d_k // 2):
                W_k[:, 2 * j, 2 * j], W_k[:, 2 * j, 2 * j + 1] = a[:, j], b[:, j]
                W_k[:, 2 * j + 1, 2 * j], W_k[:, 2 * j + 1, 2 * j + 1] = -b[:, j], a[:, j]
        if self.weights == "identity":
            W_q = W_k = np.stack(
                [np.array([[Fraction(int(i == j)) for j in range(self.d_k)] for i in range(self.d_c)], dtype=object)] * self.h
            )
        return W_q, W_k


@st.composite
def distinct_angles(draw: st.DrawFn, blocks: int) -> tuple[Fraction, ...]:
    """Tangents of different angles, none of them 0: a quarter turn per position is among them."""
    return tuple(
        Fraction(a, b)
        for a, b in draw(st.lists(st.sampled_from([(1, 2), (1, 3), (2, 3), (1, 1), (3, 2)]), min_size=blocks, max_size=blocks, unique=True))
    )


@st.composite
def rotary_heads(draw: st.DrawFn) -> Turns:
    """Heads rotated as a whole, with keys that are larger together than the latent; d_k tokens tell all rotations apart."""
    h, d_k = draw(st.sampled_from([(2, 2), (2, 4), (3, 2), (1, 4), (3, 4), (1, 2)]))
    d_c = draw(st.integers(1, min(5, h * d_k - 1)))
    tangents = draw(distinct_angles(d_k // 2))
    return Turns(h, draw(st.integers(1, 3)), d_c, d_k, d_k, tangents, draw(st.integers(1, 9)), draw(st.integers(0, 2**32 - 1)))


@st.composite
def rotated_latents(draw: st.DrawFn) -> Turns:
    """Two to four latents of dimension 2 or 4, rotated before projections of any size."""
    blocks = draw(st.sampled_from([2, 1]))
    h, d_k, n = draw(st.integers(1, 2)), draw(st.integers(1, 4)), draw(st.integers(2, 4))
    return Turns(h, 2 * blocks, 2 * blocks, d_k, n, draw(distinct_angles(blocks)), draw(st.integers(1, 9)), draw(st.integers(0, 2**32 - 1)))
