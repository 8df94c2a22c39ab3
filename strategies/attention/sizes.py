"""Sizes of attention layers, for what is counted and not computed: powers of two and odd ones, both sides of every threshold."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from strategies.attention.projections import MODELS, Model

HEADS = st.sampled_from([4, 2, 8, 6, 3, 1, 32, 128])


@st.composite
def sharing(draw: st.DrawFn) -> Model:
    """Heads in groups, or latent attention that caches no less than one head does, in one case of four exactly as much."""
    h = draw(HEADS)
    g = draw(st.sampled_from([g for g in range(1, h + 1) if h % g == 0]))
    model = Model(d=draw(st.integers(1, 64)), h=h, g=g, d_k=draw(st.integers(1, 64)), d_v=draw(st.integers(1, 64)))
    if draw(st.booleans()):
        return model
    d_r = draw(st.sampled_from([2, 4, 8]))
    more = draw(st.one_of(st.just(0), st.integers(0, 64)))
    return replace(model, d_c=max(1, model.d_k + model.d_v - d_r + more), d_r=d_r, d_cq=8)


def named() -> st.SearchStrategy[str]:
    """One of MODELS, latent attention first."""
    return st.sampled_from(sorted(MODELS))


@st.composite
def latent_sizes(draw: st.DrawFn) -> Model:
    """Latent attention with a latent larger or smaller than half of d_k + d_v, in one case of four exactly the half."""
    d_k, d_v = draw(st.integers(1, 64)), draw(st.integers(1, 64))
    d_c = draw(st.one_of(st.integers(1, 200), st.just(max(1, (d_k + d_v) // 2)), st.integers(1, max(1, (d_k + d_v) // 2))))
    h = draw(HEADS)
    return Model(draw(st.integers(1, 64)), h, h, d_k, d_v, d_c, d_r=draw(st.sampled_from([2, 4, 8])), d_cq=draw(st.integers(1, 64)))


@dataclass(frozen=True)
class Orders:
    """Sizes of x W_q W_k^T as in impls/attention/projection_order.py."""

    h: int
    d_in: int
    d_k: int
    d_c: int


@st.composite
def serial_cheaper(draw: st.DrawFn) -> Orders:
    """d_k (d_in + d_c) < d_in d_c, often as close to it as integers come; d_in and d_c for which some d_k is a tie are often among them."""
    d_c = draw(st.integers(3, 64))
    d_in = draw(st.one_of(st.integers(3, 200), st.just(3 * d_c), st.just(d_c + d_c % 2)))
    largest = -(-d_in * d_c // (d_in + d_c)) - 1
    return Orders(draw(HEADS), d_in, draw(st.one_of(st.just(largest), st.integers(1, largest))), d_c)


@dataclass(frozen=True)
class Decoder:
    """Sizes of a whole decoder."""

    vocabulary: int
    layers: int
    d: int
    d_ff: int
    h: int
    g: int


LLAMA_2_70B = Decoder(vocabulary=32_000, layers=80, d=8192, d_ff=28_672, h=64, g=8)


@st.composite
def decoders(draw: st.DrawFn) -> Decoder:
    """Small decoders of any number of groups that divides the number of heads."""
    h = draw(HEADS)
    g = draw(st.sampled_from([g for g in range(1, h + 1) if h % g == 0]))
    return Decoder(draw(st.integers(1, 50)), draw(st.integers(1, 5)), h * draw(st.integers(1, 8)), draw(st.integers(1, 50)), h, g)
