"""Random layers whose tensors are stored in a format, in batches, for counting roundings.

Every tensor that a form stores has a scale that is uniform over a factor of 2 on a logarithmic axis; so have the logits, which keep
them around 1. A rotation by a multiple of a quarter turn stores again what is stored already; an axis as the hidden direction
would cancel by exact zeros. Neither is ever drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from hypothesis import strategies as st
from torch import Tensor

FORMATS = (torch.bfloat16, torch.float16, torch.float32)
LAYERS, N, D, H, D_K, D_C, D_V = 256, 8, 16, 2, 8, 16, 4
STACKS = 64  # in a batch


@dataclass(frozen=True)
class Layers:
    """A family of random layers in a format; d_r = D_K or 0 rotary dimensions.

    hidden: "latent", a direction of the latent that no key reads, or "query", one of the queries that no key has; along it the
    entries of the stored tensor have on average `gain` times the energy of those that reach the logits.
    """

    format: torch.dtype
    d_r: int = 0
    hidden: str = ""
    gain: int = 1
    seed: int = 0

    @property
    def share(self) -> float:
        """Of the content in the energy of the logits: its terms and those of the rotary part have equal energies."""
        return D_K / (D_K + self.d_r)

    def batch(self, i: int) -> tuple[tuple[Tensor, ...], Tensor]:
        """Arguments of the forms in impls/attention/rounded_mla.py, and the scale of each layer's logits (LAYERS, 1, 1, 1)."""
        generator = torch.Generator().manual_seed((self.seed << 8) + i)
        draw = {"generator": generator, "dtype": torch.float64}
        normal = lambda h, rows, columns: torch.randn(LAYERS, h, rows, columns, **draw) / rows**0.5
        x_, c, q, r, v, logits = 2 ** torch.rand(6, LAYERS, 1, 1, 1, **draw)  # the scales of what is stored
        x = normal(1, N, D) * N**0.5 * x_
        W_c, W_q, W_k = normal(1, D, D_C) * c / x_, normal(H, D, D_K) * q / x_, normal(H, D_C, D_K) * logits / q / c
        if self.hidden == "latent":
            a = signs(D_C, generator)
            W_c = W_c + (self.amplitude(D_C) * normal(1, D, 1) * c / x_ - W_c @ a) @ a.mT
            W_k = W_k - a @ (a.mT @ W_k)
        if self.hidden == "query":
            b = signs(D_K, generator)
            W_q = W_q + (self.amplitude(D_K) * normal(H, D, 1) * q / x_ - W_q @ b) @ b.mT
            W_k = W_k - (W_k @ b) @ b.mT
        W_qr, W_kr, W_v = normal(H, D, self.d_r) * r / x_, normal(1, D, self.d_r) * logits / r / x_, normal(H, D_C, D_V) * v / c
        positions, theta = torch.arange(1.0, N + 1, dtype=torch.float64), torch.linspace(0.4, 2.4, self.d_r // 2, dtype=torch.float64)
        return (x, positions, theta, W_c, W_q, W_qr, W_k, W_kr, W_v), logits

    def amplitude(self, d: int) -> float:
        """Of the hidden component: energy g^2 / d in each of d entries, beside 1 - 1 / d from the rest, is `gain` together."""
        return (1 + (self.gain - 1) * d) ** 0.5


@dataclass(frozen=True)
class Stack:
    """A family of deep stacks of random layers in a format, all of the sizes above and with rotary dimensions."""

    format: torch.dtype
    seed: int = 0

    def batch(self, i: int, depth: int) -> tuple[tuple[Tensor, ...], list[tuple[Tensor, ...]]]:
        """x, positions, theta and the layers of STACKS stacks, as in impls/attention/rounded_stack.py."""
        generator = torch.Generator().manual_seed((self.seed << 8) + i)
        draw = {"generator": generator, "dtype": torch.float64}
        normal = lambda h, rows, columns: torch.randn(STACKS, h, rows, columns, **draw) / rows**0.5
        scale = lambda: 2 ** torch.rand(STACKS, 1, 1, 1, **draw)
        size = scale()  # of the stream, and of all that is added to it
        layers = []
        for _ in range(depth):
            c, q, r, v = (scale() for _ in range(4))
            W_c, W_q, W_k = normal(1, D, D_C) * c, normal(H, D, D_K) * q, normal(H, D_C, D_K) / q / c
            W_qr, W_kr, W_v = normal(H, D, D_K) * r, normal(1, D, D_K) / r, normal(H, D_C, D_V) * v / c
            layers.append((W_c, W_q, W_qr, W_k, W_kr, W_v, normal(H, D_V, D) * size / v / H**0.5))
        positions, theta = torch.arange(1.0, N + 1, dtype=torch.float64), torch.linspace(0.4, 2.4, D_K // 2, dtype=torch.float64)
        return (normal(1, N, D) * N**0.5 * size, positions, theta), layers


def stacks() -> st.SearchStrategy[Stack]:
    return st.builds(Stack, st.sampled_from(FORMATS), seed=st.integers(0, 2**32 - 1))


def signs(d: int, generator: torch.Generator) -> Tensor:
    """A unit vector with entries of one size and random signs, for every layer: (LAYERS, 1, d, 1)."""
    return (torch.randint(0, 2, (LAYERS, 1, d, 1), generator=generator).double() * 2 - 1) / d**0.5


def layers(d_r: tuple[int, ...] = (0,), hidden: tuple[str, ...] = ("",)) -> st.SearchStrategy[Layers]:
    """Layers of any format, with rotary dimensions and a hidden direction as allowed; a hidden one doubles the energy or more."""
    gain = lambda hidden: st.integers(2, 3) if hidden else st.just(1)
    return st.sampled_from(hidden).flatmap(
        lambda where: st.builds(
            Layers,
            st.sampled_from(FORMATS),
            d_r=st.sampled_from(d_r),
            hidden=st.just(where),
            gain=gain(where),
            seed=st.integers(0, 2**32 - 1),
        )
    )
