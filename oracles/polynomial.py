"""Polynomial identities proved up to a stated probability: agreement at uniformly drawn integer points.

Two polynomials of total degree at most d over the integers that differ agree at a point drawn uniformly from a set of S
values per variable with probability at most d / S (Schwartz 1980, Zippel 1979), at k such points with (d / S)^k. In
float64 the values are exact integers as long as no intermediate reaches 2^53; a polynomial whose coefficients are not
negative is bounded, with everything on the way to it, by its value at the absolute values of the point.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from oracles.evidence import Refuted, Strength, Unsettled, certificate, compared, difference

SIZE = 127  # the integers from -63 to 63
POINTS = 8
EXACT = 2.0**53


def same_polynomial(
    what: str, f: Callable[..., Tensor], truth: Callable[..., Tensor], shapes: tuple[tuple[int, ...], ...], *, degree: int, seed: int
) -> None:
    """f and `truth`, of total degree at most `degree` in the entries of tensors of `shapes`, are the same polynomial.

    truth has no negative coefficients. Raises `Refuted` at a point where they differ.
    """
    generator = torch.Generator().manual_seed(seed)
    for _ in range(POINTS):
        point = tuple(torch.randint(-(SIZE // 2), SIZE // 2 + 1, shape, generator=generator).double() for shape in shapes)
        if truth(*(x.abs() for x in point)).max() >= EXACT:
            raise Unsettled(f"{what}: integers beyond 2^53 are not exact in float64: draw smaller shapes")
        got, want = f(*point), truth(*point)
        compared(want.numel(), arithmetic="exact", strength=Strength.CERTIFIED)
        if got.shape != want.shape or not torch.equal(got, want):
            raise Refuted(f"{what}: another polynomial{difference(got.tolist(), want.tolist())}")
    certificate(
        what,
        f"degree {degree}, {POINTS} points from {SIZE} values: equal except with probability {(degree / SIZE) ** POINTS:.1e} for each shape",
    )
