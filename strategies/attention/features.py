"""Tokens for random features and for mixtures over codes.

q = 0, k = 0 and q = -k each hide one mistake in the features' exponents; a single key, keys of equal total weight or a single
code make soft and normalised features agree; keys near the codes hide a denominator that is kept away from 0. The strategies
reach these corners but do not stay there.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from hypothesis import assume
from hypothesis import strategies as st
from torch import Tensor

from strategies.attention.projections import Tensors
from strategies.attention.quantised import codes
from strategies.tensors import dyadic, few_bits, gaussian


@dataclass(frozen=True, repr=False)
class Pairs(Tensors):
    """Queries and keys in pairs (n, d) and a few features (m, d)."""

    q: Tensor
    k: Tensor
    omega: Tensor


@dataclass(frozen=True, repr=False)
class SoftCodes(Tensors):
    """Arguments named as in impls/attention/soft_vq.py. family: how they were drawn; repaired: with or without S(k)."""

    Q: Tensor
    K: Tensor
    V: Tensor
    omega: Tensor
    family: str = "by hand"
    repaired: bool = True

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return self.Q, self.K, self.V, self.omega

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, name).tolist()}" for name in ("Q", "K", "V", "omega"))
        return f"SoftCodes({self.family}, {'with' if self.repaired else 'without'} the factor S(k), {values})"


@dataclass(frozen=True, repr=False)
class Mixture(Tensors):
    """Arguments named as in impls/attention/mixture.py; every entry of K and C is a multiple of 1/64 of at most 8 bits."""

    Q: Tensor
    K: Tensor
    V: Tensor
    C: Tensor


@st.composite
def pairs(draw: st.DrawFn) -> Pairs:
    """1 to 4 pairs in one or two dimensions with entries in -1..1, unrelated, equal or opposite, and 1 to 40 features of deviation 1 or 8."""
    n, d, m = draw(st.integers(1, 4)), draw(st.sampled_from([2, 1])), draw(st.sampled_from([7, 40, 1]))
    q = draw(dyadic(n, d, denominator=128))
    k = draw(st.sampled_from([1, -1])) * q if draw(st.integers(0, 3)) == 0 else draw(dyadic(n, d, denominator=128))
    return Pairs(q, k, draw(gaussian(m, d, scale=draw(st.sampled_from([1.0, 8.0])))))


@st.composite
def soft_codes(draw: st.DrawFn) -> SoftCodes:
    """12 keys of deviation 0.7 among 32 codes in 6 dimensions, or less of each; codes normal, or of one norm up to rounding.

    Fewer keys may lie away from their codes.
    """
    n, d, m, d_v = draw(st.sampled_from([(12, 6, 32, 3), (4, 2, 3, 2), (12, 6, 32, 3), (3, 1, 2, 1), (1, 2, 3, 1), (3, 2, 1, 1)]))
    Q, K = draw(gaussian(n, d, scale=0.7)), draw(gaussian(n, d, scale=0.7))
    omega, norm = draw(gaussian(m, d)), draw(st.sampled_from(["of one norm", "Gaussian"]))
    where = draw(st.sampled_from(["", " away from them"])) if d < 6 else ""
    if where:
        K = few_bits(K + 4)  # total weights around 1e-8, which float32 still holds to full precision
    if norm == "of one norm":
        omega = few_bits(d**0.5 * omega / omega.norm(dim=-1, keepdim=True).clamp(min=0.01))
    codes = f"code{'s' * (m > 1)}"
    named = f"Gaussian {codes}" if norm == "Gaussian" else f"{codes} of one norm"
    return SoftCodes(Q, K, draw(gaussian(n, d_v)), omega, f"{n} key{'s' * (n > 1)}, {m} {named}{where}, d = {d}")


@st.composite
def kernels(draw: st.DrawFn, one_norm: bool = False) -> SoftCodes:
    """6 or 2 keys and 16 or 5 features in up to 4 dimensions, normal, or of one norm without rounding: signed permutations of one vector."""
    n, d, m = draw(st.sampled_from([(6, 4, 16), (2, 3, 5), (6, 2, 5)]))
    Q, K, V = draw(gaussian(n, d, scale=0.7)), draw(gaussian(n, d, scale=0.7)), draw(gaussian(n, 2))
    omega = draw(gaussian(m, d))
    if one_norm:
        generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
        signs = 2 * torch.randint(2, (m, d), generator=generator) - 1
        omega = torch.stack([omega[0, torch.randperm(d, generator=generator)] for _ in range(m)]) * signs
    return SoftCodes(Q, K, V, omega, f"{n} keys, {m} features{' of one norm' if one_norm else ''}, d = {d}")


@st.composite
def untied(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Keys (n, d) and two to six codes (c, d), multiples of 1/64, where every key has a single nearest code."""
    n, d, c = draw(st.sampled_from([8, 3])), draw(st.sampled_from([3, 1, 2])), draw(st.sampled_from([6, 2, 3]))
    K, C = draw(dyadic(n, d, denominator=64)), draw(dyadic(c, d, denominator=64))
    two = ((K[:, None] - C) ** 2).sum(-1).sort(-1).values[:, :2]
    K = K[two[:, 0] < two[:, 1]]
    assume(len(K))
    return K, C


@st.composite
def mixtures(draw: st.DrawFn) -> Mixture:
    """1 to 12 keys and 1 to 8 codes; keys are free, codes, or the codebook itself, where nothing is lost by quantising."""
    n, c = draw(st.sampled_from([12, 6, 4, 2, 1])), draw(st.sampled_from([8, 5, 3, 2, 1]))
    d, d_v = draw(st.integers(1, 3)), draw(st.sampled_from([12, 3, 1]))
    keys = draw(st.sampled_from(["free", "codes", "codebook"]))
    C = draw(dyadic(c, d, denominator=64))
    K = {"free": draw(dyadic(n, d, denominator=64)), "codes": C[draw(codes(n, c))], "codebook": C}[keys]
    return Mixture(draw(gaussian(len(K), d)), K, draw(gaussian(len(K), d_v)), C)
