"""Tokens in blocks whose two nearest ones are treated apart: a bias by distance, clipped rotary positions, stopped gradients.

With one block or two nothing is far: three blocks and more are drawn more often than not, and the windows that just fit.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st
from torch import Tensor

from strategies.attention.quantised import codebook, codes
from strategies.tensors import Tensors, dyadic, gaussian

CUTS = [(2, 4), (2, 3), (3, 3), (1, 5), (1, 3), (4, 2), (3, 1)]  # l, m


@dataclass(frozen=True, repr=False)
class Biased(Tensors):
    """Arguments named as in impls/attention/vq_two_blocks.py; f is the bias by distance, from 0."""

    Q: Tensor
    z: Tensor
    V: Tensor
    C: Tensor
    f: Tensor
    l: int


@dataclass(frozen=True, repr=False)
class Clipped(Tensors):
    """Arguments named as in impls/attention/vq_rerope.py."""

    Q: Tensor
    z: Tensor
    V: Tensor
    C: Tensor
    theta: Tensor
    w: int
    l: int


@dataclass(frozen=True, repr=False)
class History(Tensors):
    """Arguments named as in impls/attention/straight_through.py. whole: whether the gradient is to be that of all pairs, not of the near ones."""

    Q: Tensor
    K: Tensor
    z: Tensor
    V: Tensor
    C: Tensor
    G: Tensor
    f: Tensor
    l: int
    whole: bool = False


@st.composite
def biased(draw: st.DrawFn) -> Biased:
    """3 to 9 tokens, biases of deviation 1 or 8 up to distance l - 1 or l, the largest that fits; queries of deviation 1 or 24."""
    l, m = draw(st.sampled_from(CUTS))
    n, c, d_k, d_v = l * m, draw(st.sampled_from([5, 3, 1])), draw(st.integers(1, 2)), draw(st.integers(1, 3))
    f = draw(gaussian(max(n, 2 * l), scale=draw(st.sampled_from([1.0, 8.0]))))
    f[draw(st.sampled_from([l, l - 1])) + 1 :] = 0
    Q = draw(gaussian(n, d_k, scale=draw(st.sampled_from([1.0, 24.0]))))
    return Biased(Q, draw(codes(n, c)), draw(gaussian(n, d_v)), draw(codebook(c, d_k, far=draw(st.booleans()))), f, l)


@st.composite
def clipped(draw: st.DrawFn) -> Clipped:
    """3 to 9 tokens, relative positions clipped at any w up to l + 1, the largest that fits; codes and frequencies are not zero."""
    l, m = draw(st.sampled_from(CUTS))
    n, c, d_k, d_v = l * m, draw(st.sampled_from([4, 2, 1])), draw(st.sampled_from([2, 4])), draw(st.integers(1, 3))
    C = draw(gaussian(c, d_k))
    C[C == 0] = 1
    theta = (1 + draw(dyadic(d_k // 2)).abs()) / 4
    w = draw(st.sampled_from([l + 1, l, *range(1, l)]))
    return Clipped(draw(gaussian(n, d_k, scale=2.0)), draw(codes(n, c)), draw(gaussian(n, d_v)), C, theta, w, l)


@st.composite
def history(draw: st.DrawFn) -> History:
    """Three or four blocks, of which some are far, or one and two, where the stop changes nothing."""
    (l, m), d_k, d_v = (
        draw(st.sampled_from([(2, 3), (1, 4), (1, 3), (1, 3), (2, 2), (3, 1)])),
        draw(st.integers(1, 2)),
        draw(st.integers(1, 2)),
    )
    n, c = l * m, draw(st.sampled_from([3, 2]))
    f = draw(gaussian(max(n, 2 * l)))
    f[l + 1 :] = 0
    tokens = lambda width: draw(gaussian(n, width))
    return History(tokens(d_k), tokens(d_k), draw(codes(n, c)), tokens(d_v), draw(gaussian(c, d_k)), tokens(d_v), f, l, whole=m <= 2)
