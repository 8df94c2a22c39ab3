"""Heads that are stored side by side, rotated, or shared by groups, as small layers.

One head hides every mix-up of heads, one token every mistake in the logits, positions 0, 1, 2, ... a decoder that counts
for itself, g = 1 and g = h every mistake in the grouping: the strategies reach these ends but do not stay there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from hypothesis import strategies as st
from torch import Tensor

from strategies.attention.projections import Biased, Grouped, Latent, heat, positions
from strategies.tensors import Tensors, dyadic


@dataclass(frozen=True, repr=False)
class SideBySide(Tensors):
    """Arguments named as in impls/attention/mha.py."""

    x: Tensor
    W_q: Tensor
    W_k: Tensor
    W_v: Tensor
    h: int

    @property
    def tensors(self) -> tuple[Tensor | int, ...]:
        return self.x, self.W_q, self.W_k, self.W_v, self.h

    @property
    def largest_logit(self) -> float:
        of_heads = lambda W: (self.x @ W).unflatten(-1, (self.h, -1))
        return float(torch.einsum("tsc,isc->sti", of_heads(self.W_q), of_heads(self.W_k)).abs().max())

    def __repr__(self) -> str:
        return f"SideBySide(h={self.h}, " + ", ".join(f"{name}={getattr(self, name).tolist()}" for name in ("x", "W_q", "W_k", "W_v")) + ")"


@dataclass(frozen=True, repr=False)
class RotaryGrouped(Tensors):
    """Arguments named as in impls/attention/rotary_gqa.py."""

    x: Tensor
    positions: Tensor
    theta: Tensor
    W_q: Tensor
    W_k: Tensor
    W_v: Tensor

    @property
    def largest_logit(self) -> float:
        longest = lambda W: (self.x @ W).norm(dim=-1).max()
        return float(longest(self.W_q) * longest(self.W_k))  # whatever the rotation


@st.composite
def side_by_side(draw: st.DrawFn) -> SideBySide:
    """1 to 4 tokens, 1 to 3 heads, keys and values of size 1 to 3; logits around 1 as often as up to LARGEST_LOGIT."""
    n, h = draw(st.sampled_from([3, 4, 2, 1])), draw(st.sampled_from([2, 3, 1]))
    d, d_k, d_v = draw(st.integers(1, 3)), draw(st.sampled_from([2, 3, 1])), draw(st.sampled_from([2, 1, 3]))
    weight = lambda *shape: draw(dyadic(*shape, denominator=64))
    case = SideBySide(draw(dyadic(n, d)), weight(d, h * d_k), weight(d, h * d_k), weight(d, h * d_v), h)
    return replace(case, W_q=draw(heat(case.largest_logit)) * case.W_q)


def uneven(*shape: int, start: int) -> Tensor:
    """Multiples of 1/64 below 1, no two neighbours alike; another start gives other entries."""
    return ((torch.arange(math.prod(shape)) + start) * 37 % 101 - 50).double().reshape(shape) / 64


# Cases without any symmetry that could hide a mistake, for every claim to begin with.
UNEVEN = uneven(4, 2, start=0)
UNEVEN_SIDE_BY_SIDE = SideBySide(UNEVEN, uneven(2, 6, start=8), uneven(2, 6, start=20), uneven(2, 4, start=32), h=2)
UNEVEN_ROTARY = RotaryGrouped(
    UNEVEN, torch.tensor([3.0, 4.0, 9.0, 11.0], dtype=torch.float64), torch.tensor([0.75, 0.25], dtype=torch.float64),
    uneven(4, 2, 4, start=8), uneven(2, 2, 4, start=40), uneven(2, 2, 3, start=56),
)  # fmt: skip
UNEVEN_GROUPED = Grouped(UNEVEN, UNEVEN_ROTARY.W_q, UNEVEN_ROTARY.W_k, UNEVEN_ROTARY.W_v)
UNEVEN_LATENT = Latent(
    UNEVEN, UNEVEN_ROTARY.positions, UNEVEN_ROTARY.theta, uneven(2, 3, start=8), uneven(2, 2, start=14),
    2 * uneven(2, 2, 2, start=18), 2 * uneven(2, 2, 4, start=30), 2 * uneven(2, 3, 2, start=46), 2 * uneven(2, 4, start=64), uneven(2, 3, 1, start=72),
)  # fmt: skip
# Nine tokens, some of them far from the first: more than any window or table of angles that a small layer would not notice.
LONG_LATENT = replace(
    UNEVEN_LATENT, x=uneven(9, 2, start=0), positions=torch.tensor([3, 4, 9, 11, 30, 31, 99, 110, 130], dtype=torch.float64)
)
UNEVEN_BIASED = Biased(
    UNEVEN, 2 * uneven(2, 4, 4, start=3), uneven(2, 3, start=8), 2 * uneven(2, 2, 2, start=18), 2 * uneven(2, 3, 2, start=46), uneven(2, 3, 1, start=72)
)  # fmt: skip


# Two opposite tokens, two heads in one group: each token has a logit of -232 with itself and of +232 with the other.
DRAWN_TO_THE_OTHER = Grouped(
    *(torch.tensor(values, dtype=torch.float64) for values in ([[1], [-1]], [[[-232]], [[-232]]], [[[1]]], [[[1]]]))
)
DRAWN_ROTARY = RotaryGrouped(
    DRAWN_TO_THE_OTHER.x, torch.arange(2, dtype=torch.float64), torch.zeros(1, dtype=torch.float64),
    *(torch.tensor(values, dtype=torch.float64) for values in ([[[-232, -232]], [[-232, -232]]], [[[1, 1]]], [[[1]]])),
)  # fmt: skip
DRAWN_SIDE_BY_SIDE = SideBySide(DRAWN_TO_THE_OTHER.x, *(W[0] for W in DRAWN_TO_THE_OTHER.tensors[1:]), h=1)


@st.composite
def rotary_grouped(draw: st.DrawFn) -> RotaryGrouped:
    """1 to 4 tokens at increasing positions with gaps, up to 6 heads in groups, as a rule of several heads; d_k is 2 or 4."""
    h, g = draw(st.sampled_from([(4, 2), (6, 2), (6, 3), (2, 2), (2, 1), (1, 1), (6, 3), (4, 2)]))
    n, d = draw(st.sampled_from([3, 4, 2, 1])), draw(st.sampled_from([2, 3, 1]))
    d_k, d_v = draw(st.sampled_from([2, 4])), draw(st.sampled_from([1, 2, 3]))
    weight = lambda *shape: draw(dyadic(*shape, denominator=128))
    return RotaryGrouped(
        draw(dyadic(n, d, denominator=64)), draw(positions(n)), draw(dyadic(d_k // 2, denominator=64)),
        weight(h, d, d_k), weight(g, d, d_k), weight(g, d, d_v),
    )  # fmt: skip


@dataclass(frozen=True)
class Shared:
    """Sizes of a GQA layer for impls/attention/gqa_as_mla.py, and a seed for its integers."""

    n: int
    d: int
    h: int
    g: int
    d_k: int
    d_v: int
    seed: int = 0

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of x, W_k and W_v."""
        return (self.n, self.d), (self.g, self.d, self.d_k), (self.g, self.d, self.d_v)

    @property
    def weights(self) -> tuple[Tensor, Tensor]:
        """W_k and W_v, integers from -63 to 63."""
        generator = torch.Generator().manual_seed(self.seed)
        W_k, W_v = (torch.randint(-63, 64, shape, generator=generator).double() for shape in self.shapes[1:])
        return W_k, W_v


@st.composite
def low_rank(draw: st.DrawFn) -> Shared:
    """Groups of several heads that cache g (d_k + d_v) < d numbers: in every other case one number less than d, else d = h d_k where possible."""
    g, copies = draw(st.sampled_from([(2, 3), (2, 4), (3, 3), (1, 4), (3, 1)]))
    d_k, d_v = draw(st.sampled_from([(1, 2), (2, 1), (2, 2), (1, 1), (3, 1)]))
    cached = g * (d_k + d_v)
    d = draw(st.sampled_from([cached + 1, max(cached + 1, g * copies * d_k)]))
    return Shared(draw(st.integers(1, 3)), d, g * copies, g, d_k, d_v, draw(st.integers(0, 2**32 - 1)))
