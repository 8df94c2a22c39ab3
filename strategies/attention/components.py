"""Laws of the components of a query and of a key: mean 0, variance 1, and otherwise unlike each other."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from hypothesis import strategies as st

Law = dict[Fraction, Fraction]


def two_points(t: Fraction) -> Law:
    """-t with probability 1 / (1 + t^2), else 1 / t: mean 0 and variance 1 for every t > 0, a fair coin for t = 1."""
    return {-t: 1 / (1 + t * t), 1 / t: t * t / (1 + t * t)}


@dataclass(frozen=True)
class Components:
    """t of the law of each component of q and of k, see `two_points`."""

    q: tuple[Fraction, ...]
    k: tuple[Fraction, ...]

    @property
    def laws(self) -> list[Law]:
        return [two_points(t) for t in self.q + self.k]

    def __repr__(self) -> str:
        return f"q=({', '.join(map(str, self.q))}), k=({', '.join(map(str, self.k))})"


@st.composite
def components(draw: st.DrawFn) -> Components:
    """1 to 4 components each; t is 1, 1/2, 2 or 3, equal laws and skewed ones."""
    d = draw(st.sampled_from([2, 3, 1, 4]))
    ts = [draw(st.sampled_from([1, Fraction(1, 2), 2, 3])) for _ in range(2 * d)]
    return Components(tuple(map(Fraction, ts[:d])), tuple(map(Fraction, ts[d:])))
