"""Queries, keys and the codes they are replaced by: how far attention moves, and what rank it keeps.

Keys that are codes, or all moved alike, lose nothing; one token has one weight. Both are reached and left.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import torch
from hypothesis import strategies as st
from torch import Tensor

from strategies.attention.quantised import codes
from strategies.tensors import Tensors, dyadic, gaussian


@dataclass(frozen=True, repr=False)
class Moved(Tensors):
    """Keys K (n, d_k) replaced by K_hat, queries Q, values V. Entries are multiples of 2^-9 below 2^6: changes of logits are exact in float64."""

    Q: Tensor
    K: Tensor
    K_hat: Tensor
    V: Tensor


@dataclass(frozen=True, repr=False)
class Repeated(Tensors):
    """Queries, codes z (n,) and codebook; causal: whether the low rank is claimed of the causal matrix."""

    Q: Tensor
    z: Tensor
    C: Tensor
    causal: bool = False


@st.composite
def moved(draw: st.DrawFn) -> Moved:
    """1 to 5 tokens, moved to codes near and far, by nothing, or all by the same; logits of any size up to about 40."""
    n, d_k = draw(st.sampled_from([3, 5, 2, 1])), draw(st.integers(1, 3))
    Q, K = draw(dyadic(n, d_k, denominator=draw(st.sampled_from([32, 128, 512])))), draw(dyadic(n, d_k))
    C = draw(dyadic(3, d_k))
    shift = draw(dyadic(1, d_k))
    K_hat = {"codes": C[draw(codes(n, 4))], "jitter": K + draw(dyadic(n, d_k, denominator=512)), "shift": K + shift, "keys": K}
    return Moved(Q, K, K_hat[draw(st.sampled_from(["codes", "jitter", "codes", "shift", "keys"]))], draw(gaussian(n, 2)))


@st.composite
def repeated(draw: st.DrawFn) -> Repeated:
    """4 to 8 queries in general position and one to three of five distinct codes: some are shared and some unused."""
    n, used = draw(st.integers(4, 8)), draw(st.integers(1, 3))
    C = draw(dyadic(5, 2, denominator=512)) + torch.arange(-2, 3)[:, None]
    z = torch.tensor(draw(st.permutations(range(5))))[draw(codes(n, used + 1))]  # not the lowest ones
    return Repeated(draw(gaussian(n, 2)), z, C)


Rows = list[list[Fraction]]


@st.composite
def clusters(draw: st.DrawFn) -> tuple[Rows, Rows]:
    """1 to 7 keys and 1 to 3 codes on a grid, where ties and empty clusters are common."""
    d = draw(st.integers(1, 2))
    rows = lambda least, most: draw(
        st.lists(st.lists(st.integers(-4, 4).map(Fraction), min_size=d, max_size=d), min_size=least, max_size=most)
    )
    return rows(1, 7), rows(1, 3)
