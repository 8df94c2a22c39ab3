"""Tokens with quantised keys: a codebook with repeated, unused and far-away codes.

One code or one token makes the softmax trivial, equal counts hide a missing count, logits below 88 an overflow in float32,
and a codebook without unused codes the difference between the largest logit of the codes and of the codes in use; the
strategies reach the first two corners but do not stay there, and draw the last two often.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from hypothesis import strategies as st
from torch import Tensor

from strategies.attention.projections import Tensors
from strategies.tensors import dyadic, few_bits, gaussian


@dataclass(frozen=True, repr=False)
class Quantised(Tensors):
    """Arguments named as in impls/attention/transformer_vq.py; entries of C are multiples of 1/64 of at most 8 bits.

    K has more where it is halfway between two codes: what is nearest is a matter of float64 alone.
    """

    Q: Tensor
    K: Tensor
    V: Tensor
    C: Tensor


@dataclass(frozen=True, repr=False)
class Blocks(Tensors):
    """n = l m tokens for impls/attention/vq_blocks.py. reading: what U_i is taken to be."""

    Q: Tensor
    z: Tensor
    V: Tensor
    C: Tensor
    l: int
    reading: str = "recursion"

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return self.Q, self.z, self.V, self.C

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, name).tolist()}" for name in "QzVC")
        return f"Blocks(l={self.l}, U_i as in the {self.reading}, {values})"


@dataclass(frozen=True, repr=False)
class Backward(Tensors):
    """Arguments named as in impls/attention/vq_gradients.py."""

    Q: Tensor
    z: Tensor
    V: Tensor
    C: Tensor
    G: Tensor


@st.composite
def codebook(draw: st.DrawFn, c: int, d_k: int, *, far: bool) -> Tensor:
    """c codes; with `far`, the last one is 16 times as far out and, as a rule, nobody's nearest."""
    C = draw(dyadic(c, d_k, denominator=64))
    if far and c > 1:
        C[-1] *= 16
    return C


@st.composite
def quantised(draw: st.DrawFn) -> Quantised:
    """1 to 12 tokens, 1 to 8 codes, queries of deviation 1 or 24 (logits beyond 88); keys are free, codes, or all but a tie of two."""
    n, c = draw(st.sampled_from([4, 12, 6, 2, 1])), draw(st.sampled_from([8, 3, 5, 2, 1]))
    d_k, d_v = draw(st.sampled_from([3, 2, 1])), draw(st.sampled_from([4, 3, 1]))
    C = draw(codebook(c, d_k, far=draw(st.booleans())))
    a, b = C[draw(codes(n, c))], C[draw(codes(n, c))]
    keys = {"free": draw(gaussian(n, d_k)), "halfway": (a + b) / 2 + (a - b) / 2**30, "codes": a}
    K = keys[draw(st.sampled_from([*keys]))]
    return Quantised(draw(gaussian(n, d_k, scale=draw(st.sampled_from([24.0, 1.0])))), K, draw(gaussian(n, d_v)), C)


@st.composite
def without_overflow(draw: st.DrawFn) -> Quantised:
    """The same with at most 4 queries and logits of at most 64 with any code, for what takes their exponentials as they are."""
    case = draw(quantised())
    Q = case.Q[:4]  # queries do not meet, and certificates are dear by the row
    largest = float((Q @ case.C.T).abs().max())
    return replace(case, Q=Q * 2.0 ** min(0, math.floor(math.log2(64 / largest))) if largest else Q)


def ties_and_overflow() -> Quantised:
    """Keys at a code, all but and quite between two, and nearest to another in absolute values; logits of 96, 192 and, unused, 384."""
    rows = lambda *entries: torch.tensor(entries, dtype=torch.float64)
    K = rows([1, 0], [1.5 + 2**-32, 0], [1.5, 0], [-1, 0])
    C = rows([1, 0], [2, 0], [4, 0], [-2.25, 1.25])
    return Quantised(rows([96, 0], [-1, 1], [2, 0], [0, 1]), K, rows([1], [2], [4], [8]), C)


def many_tokens() -> Quantised:
    """24 tokens and 8 codes: enough numbers that one fault in a thousand occurs in them, where small cases would have to be many."""
    generator = torch.Generator().manual_seed(0)
    Q, K, V, C = (few_bits(torch.randn(shape, generator=generator, dtype=torch.float64)) for shape in ((24, 2), (24, 2), (24, 4), (8, 2)))
    return Quantised(Q, K, V, C)


def many_blocks() -> Blocks:
    """The same tokens in six blocks."""
    case = many_tokens()
    return Blocks(case.Q, torch.arange(24) * 5 % 8, case.V, case.C, l=4)


def codes(n: int, c: int) -> st.SearchStrategy[Tensor]:
    """n codes out of c; the last one, which may be far away, is drawn only where it is the only one."""
    return st.lists(st.integers(0, max(c - 2, 0)), min_size=n, max_size=n).map(torch.tensor)


@st.composite
def blocks(draw: st.DrawFn) -> Blocks:
    """1 to 9 tokens in many cuts, one block and blocks of one token among them; queries of deviation 1 or 24 (logits beyond 88)."""
    l, m = draw(st.sampled_from([(3, 3), (2, 2), (2, 4), (4, 2), (1, 4), (4, 1), (1, 1)]))
    c, d_k, d_v = draw(st.sampled_from([6, 4, 2, 1])), draw(st.integers(1, 3)), draw(st.integers(1, 4))
    return Blocks(
        draw(gaussian(l * m, d_k, scale=draw(st.sampled_from([1.0, 24.0])))), draw(codes(l * m, c)), draw(gaussian(l * m, d_v)), draw(codebook(c, d_k, far=draw(st.booleans()))), l
    )  # fmt: skip


@st.composite
def sequences(draw: st.DrawFn) -> Blocks:
    """A batch of m sequences of l tokens: mostly two and three tokens or more, where a state that is not reset and one that is not kept show."""
    l, m = draw(st.sampled_from([(4, 2), (3, 3), (2, 2), (3, 2), (5, 1), (2, 3), (1, 2)]))
    c, d_k, d_v = draw(st.sampled_from([6, 4, 2, 1])), draw(st.integers(1, 3)), draw(st.integers(1, 4))
    return Blocks(
        draw(gaussian(l * m, d_k, scale=draw(st.sampled_from([1.0, 24.0])))), draw(codes(l * m, c)), draw(gaussian(l * m, d_v)), draw(codebook(c, d_k, far=draw(st.booleans()))), l
    )  # fmt: skip


@st.composite
def futures(draw: st.DrawFn) -> tuple[Quantised, Quantised, int]:
    """Two runs of the same shape with one codebook, the second of the same size or 16 times as large, and the length l of a block."""
    l, m = draw(st.sampled_from([(3, 3), (2, 4), (4, 2), (8, 1), (1, 4)]))
    c, d_k, d_v = draw(st.integers(2, 5)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    C = draw(gaussian(c, d_k, scale=2.0))
    one, other = (
        Quantised(*(draw(gaussian(l * m, width, scale=scale)) for width in (d_k, d_k, d_v)), C)
        for scale in (2.0, draw(st.sampled_from([32.0, 2.0])))
    )
    return one, other, l


@st.composite
def backward(draw: st.DrawFn) -> Backward:
    """1 to 8 tokens: with one, every gradient is 0, the difference of two equal terms; with few, no window on the past shows."""
    n, c, d_k, d_v = (draw(st.sampled_from(sizes)) for sizes in ([5, 8, 3, 2, 1], [5, 3, 2, 1], [2, 1], [4, 2, 1]))
    return Backward(
        draw(gaussian(n, d_k)), draw(codes(n, c)), draw(gaussian(n, d_v)), draw(codebook(c, d_k, far=draw(st.booleans()))), draw(gaussian(n, d_v))
    )  # fmt: skip


@st.composite
def generic_backward(draw: st.DrawFn) -> Backward:
    """3 or 4 tokens in general position, the first two of one code, no two of one value: a wrong gradient is not right by coincidence."""
    n, c, d_k, d_v = draw(st.integers(3, 4)), draw(st.integers(3, 4)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    z = draw(codes(n, c))
    z[1] = z[0]
    V = draw(gaussian(n, d_v)) + 8 * torch.arange(n)[:, None]
    return Backward(draw(gaussian(n, d_k)), z, V, draw(gaussian(c, d_k)), draw(gaussian(n, d_v)))
