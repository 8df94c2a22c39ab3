"""Tensors whose entries every dtype can hold: bulk values are dyadic, one Hypothesis draw each.

An int8 divided by a power of two has at most 8 significant bits, so bfloat16, float32 and float64 see the same real
numbers; such tensors shrink towards zeros and small integers.
"""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor


class Tensors:
    """A case made of tensors (and sizes), a dataclass whose fields are in the order of the implementation's arguments."""

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return tuple(getattr(self, field.name) for field in fields(self))

    def __repr__(self) -> str:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        shown = ", ".join(f"{name}={x.tolist() if isinstance(x, Tensor) else x}" for name, x in values.items())
        return f"{type(self).__name__}({shown})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # Hypothesis would print how each tensor was drawn

    def to_json(self) -> str:
        return repr(self)  # what Hypothesis hands to observers; it would otherwise print every tensor of every example by itself


@st.composite
def dyadic(draw: st.DrawFn, *shape: int, denominator: int = 32) -> Tensor:
    """A float64 tensor of `shape` with entries k / denominator, k in -128..127; denominator is a power of two.

    One matrix in four has a last row of zeros or a last row equal to its first: ties and degenerate keys that bytes alone
    would all but never show.
    """
    size = math.prod(shape)
    drawn = draw(st.binary(min_size=size, max_size=size))
    x = torch.frombuffer(bytearray(drawn) or bytearray(1), dtype=torch.int8)[:size].double().reshape(shape) / denominator
    if len(shape) > 1 and shape[-2] > 1:
        last = draw(st.sampled_from(["as drawn"] * 6 + ["zero", "equal to the first"]))
        if last != "as drawn":
            x[..., -1, :] = 0 if last == "zero" else x[..., 0, :]
    return x


def few_bits(x: Tensor) -> Tensor:
    """x rounded to 8 significant bits: the nearest value that bfloat16 holds, kept as float64."""
    return x.to(torch.bfloat16).double()


@st.composite
def gaussian(draw: st.DrawFn, *shape: int, scale: float = 1.0) -> Tensor:
    """float64 tensors of independent normal entries with deviation `scale`, of 8 significant bits; a drawn seed fills them."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    return few_bits(scale * torch.randn(shape, generator=generator, dtype=torch.float64))
