"""The differential equation of DDIM: points on its field, times of a schedule, schedules to refine, mixtures to flow to.

A predictor that ignores the time hides a wrong time, s = 1 hides a wrong power of s, data N(0, 1) make every solver exact,
and T = 1000 makes all forms of the schedule equal: none of these is ever all of a case.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from oracles.mixture import Mixture
from strategies.diffusion.steps import shares
from strategies.tensors import dyadic, few_bits


@dataclass(frozen=True, repr=False)
class Field:
    """States x with noise eps at times s in [e^-7, 1], of 8 significant bits; and a predictor constant + (slope + bend t/T) x + drift t/T."""

    x: Tensor
    eps: Tensor
    s: Tensor
    T: int
    constant: float
    slope: float
    bend: float
    drift: float

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return self.x, self.eps, self.s

    def __repr__(self) -> str:
        shown = (f"{field.name}={getattr(self, field.name)}" for field in fields(self)[3:])
        first = (f"{name}={getattr(self, name)[:4].tolist()}" for name in ("x", "eps", "s"))
        return f"{len(self.x)} points, the first four: {', '.join(first)}; {', '.join(shown)}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # Hypothesis would print every tensor in full


@st.composite
def fields_of_noise(draw: st.DrawFn, n: int = 64) -> Field:
    """Member 0 is at s = 1, member 1 at the smallest s; the predictor always depends on the time."""
    of_s = draw(shares(n))
    of_s[0], of_s[1] = 0, 1
    x, eps = draw(dyadic(2, n))
    constant, slope, bend, drift = draw(dyadic(4)).tolist()
    return Field(x, eps, few_bits(torch.exp(-7 * of_s)), draw(st.sampled_from([1000, 10, 1])), constant, slope, bend, 4.5 + drift)


@dataclass(frozen=True)
class Target:
    """A virtual time to be reached by the amplitude abar(r), r in [0, 1], of this name."""

    amplitude: str
    virtual_time: float


def targets() -> st.SearchStrategy[Target]:
    """Amplitudes that end at 0; virtual times from 2^-10 to 2^40, and 0."""
    sizes = st.builds(lambda digit, power: digit * 2.0**power, st.integers(1, 255), st.integers(-10, 32))
    return st.builds(Target, st.sampled_from(["cosine", "linear", "parabola"]), sizes | st.just(0.0))


def lengths() -> st.SearchStrategy[int]:
    """Numbers of steps T, from 1 to 4000, T = 1000 among them."""
    return st.sampled_from([20, 1000, 100, 4000]) | st.integers(1, 400)


@dataclass(frozen=True)
class Refinement:
    """The schedule with T steps and the one with 16 T; a number as name is the constant alpha_t."""

    schedule: str
    T: int


def refinements() -> st.SearchStrategy[Refinement]:
    """Schedules whose angle steps tend to 0; the post's own one starts late, since 0.02 t/T leaves abar_T near 1 at small T."""
    uniform = st.builds(Refinement, st.sampled_from(["cosine", "exp5", "linear", "parabola"]), st.integers(8, 40))
    return uniform | st.builds(Refinement, st.just("post"), st.sampled_from([100, 80, 64]))


@dataclass(frozen=True)
class Flow:
    """Mixtures on the line, points of x_T, and the exponent of abar_t = e^(-5 (t/N)^power)."""

    mixtures: tuple[Mixture, ...]
    starts: tuple[float, ...] = (-1.5, -0.75, 0.0, 0.7, 1.5)
    power: int = 2


POSTS_MIXTURE = Mixture((0.3, 0.7), (-1.0, 0.8), (0.3, 0.5))


@st.composite
def flows(draw: st.DrawFn, n: int = 2, widest: int = 32) -> Flow:
    """n mixtures of two components within [-3/4, 3/4], deviations 3/8 to widest/32: no gap that all but separates two modes, where
    paths part so fast that an order shows only after many more steps."""
    pair = lambda low, high, unit: tuple(draw(st.integers(low, high)) / unit for _ in range(2))
    return Flow(tuple(Mixture(pair(1, 8, 1), pair(-12, 12, 16), pair(12, widest, 32)) for _ in range(n)))
