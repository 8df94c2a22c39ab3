"""Whole chains of a diffusion sampler: schedules thinned out, Gaussian data, models and subsequences in exact numbers.

A single step adds no noise whatever eta is, data of variance 1 hide where s is used, and with the whole chain as subsequence times
and indices are the same: none of these is all that is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from hypothesis import strategies as st

from oracles.mixture import Mixture
from oracles.schedules import NAMES

STEPS = ((2, 4), (2, 10), (4, 8), (4, 20), (5, 10), (5, 25), (8, 40), (10, 20), (10, 40), (20, 40))
SPREADS = (1 / 64, 1 / 16, 1 / 4, 1 / 2, 3 / 4, 1.0, 3 / 2, 2.0, 5.0, 16.0, 64.0)


@dataclass(frozen=True)
class Chains:
    """Data N(0, s^2) for several s; steps[0] and steps[1] of the 1000 times, equally spaced; start: Var(x_T) over that of p(x_T)."""

    schedule: str
    steps: tuple[int, int]
    spreads: tuple[float, ...]
    etas: tuple[float, ...]
    start: float = 1.0


@st.composite
def chains(draw: st.DrawFn) -> Chains:
    """2 to 20 steps refined to 4 to 40, two etas in [0, 1]; on the cosine schedule data of deviation 3/2 at most."""
    schedule = draw(st.sampled_from(NAMES))
    usual = [s for s in SPREADS if schedule != "cosine" or s <= 3 / 2]
    spreads = draw(st.lists(st.sampled_from(usual), min_size=2, max_size=2, unique=True))
    etas = sorted(draw(st.sets(st.integers(0, 16), min_size=2, max_size=2)))
    return Chains(schedule, draw(st.sampled_from(STEPS)), tuple(spreads), tuple(eta / 16 for eta in etas))


@dataclass(frozen=True)
class Start:
    """A chain on data N(0, s^2) whose start has `share` times the variance that it should have."""

    schedule: str
    N: int
    s: float
    share: float
    eta: float = 0.0


def starts() -> st.SearchStrategy[Start]:
    """Two to 20 steps without noise; the start up to twice too wide, or a single point."""
    shares = st.integers(0, 32).filter(lambda k: k != 16).map(lambda k: k / 16)
    return st.builds(Start, st.sampled_from(NAMES), st.integers(2, 20), st.sampled_from(SPREADS), shares)


@st.composite
def mixtures(draw: st.DrawFn) -> Mixture:
    """Two components of deviation 1/4 to 1 within [-1, 1], of weights up to 1 : 8."""
    pair = lambda low, high, unit: tuple(draw(st.integers(low, high)) / unit for _ in range(2))
    return Mixture(pair(1, 8, 1), pair(-16, 16, 16), pair(8, 32, 32))


@dataclass(frozen=True)
class Path:
    """A subsequence tau of a schedule with T steps, on a mixture, with states at x_T in increasing order."""

    schedule: str
    T: int
    tau: tuple[int, ...]
    mixture: Mixture
    states: tuple[float, ...]


@st.composite
def paths(draw: st.DrawFn) -> Path:
    """Three to five steps out of 6 to 12, so that some are jumps and times are not their indices."""
    T = draw(st.integers(6, 12))
    times = draw(st.sets(st.integers(1, T - 1), min_size=2, max_size=4))
    states = sorted(draw(st.sets(st.integers(-96, 96), min_size=3, max_size=3)))
    return Path(draw(st.sampled_from(NAMES)), T, (0, *sorted(times), T), draw(mixtures()), tuple(x / 32 for x in states))


@dataclass(frozen=True)
class Model:
    """A predictor p(x, t) = slopes[t] x + curves[t] x^2 with levels abar, bbar at t = 0..T, times tau, data and noise: all rational."""

    slopes: tuple[Fraction, ...]
    curves: tuple[Fraction, ...]
    abar: tuple[Fraction, ...]
    bbar: tuple[Fraction, ...]
    tau: tuple[int, ...]
    x_0: tuple[Fraction, ...]
    noise: tuple[Fraction, ...]
    shared: bool = False  # one slope for all times: too little capacity


@st.composite
def models(draw: st.DrawFn) -> Model:
    """T of 4 to 7 and two or three of its times, never the first ones alone, so that no time is its own index throughout."""
    T = draw(st.integers(4, 7))
    of = lambda n, low=-8: tuple(Fraction(k, 8) for k in draw(st.lists(st.integers(low, 8), min_size=n, max_size=n)))
    first = draw(st.integers(1, T - 2))
    later = draw(st.sets(st.integers(first + 2, T), min_size=1, max_size=2))
    falling = tuple(Fraction(k, 32) for k in sorted(draw(st.sets(st.integers(1, 31), min_size=T, max_size=T)), reverse=True))
    rising = tuple(Fraction(k, 32) for k in sorted(draw(st.sets(st.integers(1, 32), min_size=T, max_size=T))))
    levels = (Fraction(1), *falling), (Fraction(0), *rising)
    return Model(of(T + 1), of(T + 1), *levels, (0, first, *sorted(later)), of(3, 1), of(3, 1))


@dataclass(frozen=True)
class Correlated:
    """Shares lam of the way from z_1 to z_2, whose entries have the correlation rho."""

    lams: tuple[float, ...]
    rho: float = 0.0


def betweens() -> st.SearchStrategy[Correlated]:
    """Both ends, the middle, and three more in steps of 1/128."""
    more = st.lists(st.integers(1, 127), min_size=3, max_size=3)
    return more.map(lambda ks: Correlated((0.0, 0.5, 1.0, *(k / 128 for k in ks))))
