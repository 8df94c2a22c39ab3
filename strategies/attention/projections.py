"""Tokens and projections of small attention layers, with sizes that are all different as often as not.

One token hides every mistake in the logits (softmax of one number), one head every mix-up of heads, g = 1 and g = h every
mistake in the grouping, d_c = d_k a wrong scale: the strategies reach these ends but do not stay there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from hypothesis import strategies as st
from torch import Tensor

from strategies.tensors import Tensors, dyadic


@dataclass(frozen=True, repr=False)
class Latent(Tensors):
    """Arguments of multi-head latent attention, named as in impls/attention/mla.py."""

    x: Tensor
    positions: Tensor
    theta: Tensor
    W_c: Tensor
    W_cq: Tensor
    W_qc: Tensor
    W_qr: Tensor
    W_kc: Tensor
    W_kr: Tensor
    W_v: Tensor

    @property
    def largest_logit(self) -> float:
        c, c_q = self.x @ self.W_c, self.x @ self.W_cq
        content = (c_q @ self.W_qc @ (c @ self.W_kc).mT).abs()
        rotary = (c_q @ self.W_qr).norm(dim=-1)[..., None] * (self.x @ self.W_kr).norm(dim=-1)  # whatever the rotation
        return float((content + rotary).max())


@dataclass(frozen=True, repr=False)
class Grouped(Tensors):
    """Arguments of grouped-query attention, named as in impls/attention/gqa.py."""

    x: Tensor
    W_q: Tensor
    W_k: Tensor
    W_v: Tensor

    @property
    def largest_logit(self) -> float:
        k = (self.x @ self.W_k).repeat_interleave(len(self.W_q) // len(self.W_k), 0)
        return float((self.x @ self.W_q @ k.mT).abs().max())


LARGEST_LOGIT = 500.0  # far beyond the overflow of exp in float32, below that in float64, where the oracle has to evaluate it


@st.composite
def positions(draw: st.DrawFn, n: int) -> Tensor:
    """n increasing positions, from anywhere and with gaps; bfloat16 holds them. Shifted positions are right, ignored ones are not."""
    steps = [draw(st.integers(0, 100)), *(draw(st.integers(1, 9)) for _ in range(n - 1))]
    return torch.tensor(steps, dtype=torch.float64).cumsum(0)


def heat(largest: float) -> st.SearchStrategy[float]:
    """1, or the power of two that takes logits of size `largest` as far as they may go."""
    return st.sampled_from([1.0, 2.0 ** math.floor(math.log2(LARGEST_LOGIT / largest)) if largest else 1.0])


@st.composite
def latent(draw: st.DrawFn) -> Latent:
    """1 to 5 tokens, 1 to 3 heads, latents of 1 to 4, rotary size 2 or 4; logits around 1 as often as up to LARGEST_LOGIT."""
    n, h = draw(st.sampled_from([3, 4, 5, 2, 1])), draw(st.sampled_from([2, 3, 1]))
    d, d_c, d_cq, d_k, d_v = (draw(st.integers(1, most)) for most in (3, 4, 3, 3, 3))
    d_r = draw(st.sampled_from([2, 4]))
    weight = lambda *shape: draw(dyadic(*shape, denominator=128))
    case = Latent(
        draw(dyadic(n, d, denominator=64)), draw(positions(n)), draw(dyadic(d_r // 2, denominator=64)),
        weight(d, d_c), weight(d, d_cq), weight(h, d_cq, d_k), weight(h, d_cq, d_r), weight(h, d_c, d_k), weight(d, d_r), weight(h, d_c, d_v),
    )  # fmt: skip
    factor = draw(heat(case.largest_logit))
    return replace(case, W_qc=factor * case.W_qc, W_qr=factor * case.W_qr)


def repelled_by_itself() -> Latent:
    """Two opposite tokens: each has a logit of -231 with itself and of +231 with the other, so that a leaky mask shows."""
    one = lambda *shape: torch.ones(shape, dtype=torch.float64)
    return Latent(
        torch.tensor([[1.0], [-1.0]], dtype=torch.float64), torch.arange(2, dtype=torch.float64), one(1),
        one(1, 1), one(1, 1), -400 * one(1, 1, 1), 0 * one(1, 1, 2), one(1, 1, 1), 0 * one(1, 2), one(1, 1, 1),
    )  # fmt: skip


@st.composite
def grouped(draw: st.DrawFn) -> Grouped:
    """2 to 6 tokens, up to 6 heads in any number of groups that divides them; logits around 1 as often as up to LARGEST_LOGIT."""
    h, g = draw(st.sampled_from([(4, 2), (6, 2), (6, 3), (2, 2), (3, 1), (1, 1)]))
    n, d, d_k, d_v = draw(st.integers(2, 6)), draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    weight = lambda *shape: draw(dyadic(*shape, denominator=64))
    case = Grouped(draw(dyadic(n, d)), weight(h, d, d_k), weight(g, d, d_k), weight(g, d, d_v))
    return replace(case, W_q=draw(heat(case.largest_logit)) * case.W_q)


@dataclass(frozen=True, repr=False)
class Biased(Tensors):
    """Arguments named as in impls/attention/biased.py; the future's biases are finite too."""

    x: Tensor
    bias: Tensor
    W_c: Tensor
    W_q: Tensor
    W_k: Tensor
    W_v: Tensor

    @property
    def largest_logit(self) -> float:
        return float((self.x @ self.W_q @ (self.x @ self.W_c @ self.W_k).mT).abs().max() + self.bias.abs().max())


@st.composite
def biased(draw: st.DrawFn) -> Biased:
    """2 to 4 tokens, 1 to 3 heads; the bias is ALiBi's, -(t - i) / 2^s in head s, or any."""
    n, h = draw(st.sampled_from([3, 2, 4])), draw(st.sampled_from([2, 3, 1]))
    d, d_c, d_k, d_v = (draw(st.integers(1, most)) for most in (3, 4, 4, 3))
    t = torch.arange(n, dtype=torch.float64)
    alibi = (t - t[:, None]) / 2.0 ** torch.arange(1, h + 1)[:, None, None]
    bias = alibi if draw(st.booleans()) else draw(dyadic(h, n, n))
    weight = lambda *shape: draw(dyadic(*shape, denominator=64))
    return Biased(draw(dyadic(n, d)), bias, weight(d, d_c), weight(h, d, d_k), weight(h, d_c, d_k), weight(h, d_c, d_v))


@st.composite
def absorbable(draw: st.DrawFn) -> tuple[tuple[tuple[int, ...], ...], int]:
    """Shapes of x, p, W_c, W_q, W_k, W_v as in impls/attention/absorption.py, and a seed for their integers."""
    n, h = draw(st.sampled_from([3, 2, 4, 1])), draw(st.sampled_from([2, 3, 1]))
    d, d_c, d_k, d_v = (draw(st.integers(1, 4)) for _ in range(4))
    return ((n, d), (h, n, n), (d, d_c), (h, d, d_k), (h, d_c, d_k), (h, d_c, d_v)), draw(st.integers(0, 2**32 - 1))


@dataclass(frozen=True)
class Model:
    """Sizes of one attention layer, as the posts quote them: GQA where d_c is 0, latent attention where it is not."""

    d: int
    h: int
    g: int
    d_k: int = 128
    d_v: int = 128
    d_c: int = 0
    d_r: int = 0
    d_cq: int = 0
    layers: int = 1

    @property
    def latent(self) -> bool:
        return self.d_c > 0


MODELS = {
    "Llama 2 7B (MHA)": Model(d=4096, h=32, g=32, layers=32),
    "Llama 2 70B (GQA)": Model(d=8192, h=64, g=8, layers=80),
    "Llama 2 70B's heads as MHA": Model(d=8192, h=64, g=64, layers=80),
    "DeepSeek-V2 (MLA)": Model(d=5120, h=128, g=128, d_c=512, d_r=64, d_cq=1536, layers=60),
    "DeepSeek-V2's heads as MHA": Model(d=5120, h=128, g=128, layers=60),
    "DeepSeek-V2's heads as GQA, g = 8": Model(d=5120, h=128, g=8, layers=60),
    "DeepSeek-V2's heads as MQA": Model(d=5120, h=128, g=1, layers=60),
}


def of_size(model: Model, n: int = 2) -> tuple[Tensor, ...]:
    """Arguments for n tokens of the model's layer, with shapes but no storage: enough to count what is cached."""
    empty = lambda *shape: torch.empty(*shape, device="meta")
    if not model.latent:
        return empty(n, model.d), empty(model.h, model.d, model.d_k), empty(model.g, model.d, model.d_k), empty(model.g, model.d, model.d_v)
    return (
        empty(n, model.d), empty(n), empty(model.d_r // 2), empty(model.d, model.d_c), empty(model.d, model.d_cq),
        empty(model.h, model.d_cq, model.d_k), empty(model.h, model.d_cq, model.d_r), empty(model.h, model.d_c, model.d_k),
        empty(model.d, model.d_r), empty(model.h, model.d_c, model.d_v),
    )  # fmt: skip
