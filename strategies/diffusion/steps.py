"""Steps of a diffusion sampler, many cases at once: one Hypothesis draw fills a batch of levels and states.

At sigma = 0 an ignored sigma is invisible and the noise is never used, at x_0 = 0 every weight of x_0 passes, with small
steps all wrong means agree: the levels are spread over four orders of magnitude, and the ends 0 and bbar_prev are always
among them but never the whole batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from oracles.schedules import NAMES
from strategies.tensors import dyadic, few_bits

BATCH = 64


@dataclass(frozen=True, repr=False)
class Steps:
    """A batch of single steps in the order of the arguments of a step; every entry has at most 8 significant bits."""

    x_t: Tensor
    eps: Tensor
    z: Tensor
    abar_t: Tensor
    bbar_t: Tensor
    abar_prev: Tensor
    bbar_prev: Tensor
    sigma: Tensor

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return tuple(getattr(self, field.name) for field in fields(self))

    def __repr__(self) -> str:
        shown = ", ".join(f"{field.name}={getattr(self, field.name)[:4].tolist()}" for field in fields(self))
        return f"{len(self.x_t)} steps, the first four: {shown}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # Hypothesis would print every tensor in full

    def to_json(self) -> str:
        return repr(self)  # as above, for every example that it observes


def shares(*shape: int) -> st.SearchStrategy[Tensor]:
    """Tensors of multiples of 1/255 in [0, 1], both ends included."""
    size = math.prod(shape)
    drawn = st.binary(min_size=size, max_size=size)
    return drawn.map(lambda data: torch.frombuffer(bytearray(data), dtype=torch.uint8).double().reshape(shape) / 255)


@st.composite
def steps(draw: st.DrawFn, n: int = BATCH) -> Steps:
    """abar in [e^-6, 1] falling with t, each bbar free in [e^-6, e^2], sigma in [0, bbar_prev]; members 0..2 are its ends and t = 1."""
    of_abar, of_step, of_bbar, of_bbar_prev, of_sigma = draw(shares(5, n))
    of_sigma[0], of_sigma[1] = 0, 1
    abar_prev = few_bits(torch.exp(-3 * of_abar))
    bbar_prev = few_bits(torch.exp(-6 + 8 * of_bbar_prev))
    abar_t = few_bits(abar_prev * torch.exp(-3 * of_step))
    abar_prev[2], bbar_prev[2] = 1, 0
    x_t, eps, z = draw(dyadic(3, n))
    return Steps(x_t, eps, z, abar_t, few_bits(torch.exp(-6 + 8 * of_bbar)), abar_prev, bbar_prev, few_bits(of_sigma * bbar_prev))


@dataclass(frozen=True, repr=False)
class Jumps:
    """A batch of states on a batch of short schedules, and the jump over each: abar, bbar of shape (times, batch), in float64."""

    x_t: Tensor
    eps: Tensor
    z: Tensor
    abar: Tensor
    bbar: Tensor
    now: int
    then: int
    eta: float

    @property
    def arguments(self) -> tuple[Tensor | int | float, ...]:
        return tuple(getattr(self, field.name) for field in fields(self))

    @property
    def without_deviations(self) -> tuple[Tensor | int | float, ...]:
        """What determines the jump: bbar is abar's, rounded."""
        return self.x_t, self.eps, self.z, self.abar, self.now, self.then, self.eta

    def __repr__(self) -> str:
        return f"{len(self.x_t)} jumps from {self.now} to {self.then}, eta={self.eta}, the first on abar={self.abar[:, 0].tolist()}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # Hypothesis would print every tensor in full

    def to_json(self) -> str:
        return repr(self)  # as above, for every example that it observes


@st.composite
def jumps(draw: st.DrawFn, n: int = BATCH) -> Jumps:
    """Four times with abar^2 + bbar^2 = 1, so that all forms of sigma agree; bbar >= .5 keeps them well conditioned."""
    start, *factors = draw(shares(4, n))
    abar = few_bits(torch.cumprod(torch.stack([0.55 + 0.3 * start, *(0.75 + 0.2 * factor for factor in factors)]), dim=0))
    now = draw(st.sampled_from([3, 2]))
    then = draw(st.integers(0, now - 1))
    x_t, eps, z = draw(dyadic(3, n))
    return Jumps(x_t, eps, z, abar, (1 - abar**2).sqrt(), now, then, draw(st.sampled_from([1.0, 0.5, 1 / 16, 0.0])))


@dataclass(frozen=True)
class Subsequence:
    """Times `tau` of a schedule of T steps, 0 first."""

    schedule: str
    T: int
    tau: tuple[int, ...]


@st.composite
def subsequences(draw: st.DrawFn) -> Subsequence:
    """Two to six increasing times out of 10 to 1000, the last one T as often as not."""
    schedule, T = draw(st.sampled_from(NAMES)), draw(st.sampled_from([1000, 100, 10]))
    times = draw(st.sets(st.integers(1, T), min_size=1, max_size=5)) | ({T} if draw(st.booleans()) else set())
    return Subsequence(schedule, T, (0, *sorted(times)))


@dataclass(frozen=True)
class SecondExample:
    """sigma_t = beta_t at `steps` of the schedule with T steps, every `stride`-th kept; () stands for all admissible steps."""

    schedule: str
    T: int
    stride: int = 1
    steps: tuple[int, ...] = ()


SECOND_EXAMPLES = (
    *(SecondExample(name, 1000, stride) for stride in (1, 10, 50, 100) for name in NAMES),
    *(SecondExample(name, T) for T in (20, 100, 4000) for name in ("post", "exp5")),
)


def second_examples() -> st.SearchStrategy[SecondExample]:
    """All schedules at T = 1000, dense and thinned out; those that scale with T also at others."""
    return st.sampled_from(SECOND_EXAMPLES)


@dataclass(frozen=True)
class DataStep:
    """The step from t to t - 1 of a schedule with T steps on data N(mean, s^2), sigma = eta times the posterior's deviation."""

    schedule: str
    T: int
    t: int
    mean: float
    s: float
    eta: float


@st.composite
def data_steps(draw: st.DrawFn) -> DataStep:
    """Coarse and fine schedules, data from a point mass to a deviation of 4."""
    T = draw(st.sampled_from([10, 5, 100]))
    s = draw(st.sampled_from([1.0, 0.5, 2.0, 4.0, 1 / 32, 0.0]))
    mean = draw(st.integers(-8, 8)) / 4
    return DataStep(draw(st.sampled_from(NAMES)), T, draw(st.integers(1, T)), mean, s, draw(st.sampled_from([0.0, 0.5, 1.0])))
