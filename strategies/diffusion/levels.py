"""Levels of single steps as exact numbers (`oracles.surd`): uniform points, which prove identities, then the special ones.

At x_0 = 0 every weight of x_0 passes, at sigma = 0 the noise is invisible and at sigma = bbar_prev the state is, on levels
that preserve variance every formula for beta is right: none of these is ever all of a case.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from hypothesis import strategies as st

from oracles.surd import POINTS, exact, uniform


@dataclass(frozen=True, repr=False)
class Levels:
    """A step at each of several points. kept: sqrt(bbar_prev^2 - sigma^2) >= 0, the deviation that is left from x_t."""

    x_t: np.ndarray
    eps: np.ndarray
    z: np.ndarray
    abar_t: np.ndarray
    bbar_t: np.ndarray
    abar_prev: np.ndarray
    bbar_prev: np.ndarray
    sigma: np.ndarray
    kept: np.ndarray

    @property
    def state(self) -> tuple[np.ndarray, ...]:
        return self.x_t, self.eps, self.z

    @property
    def levels(self) -> tuple[np.ndarray, ...]:
        return self.abar_t, self.bbar_t, self.abar_prev, self.bbar_prev

    def where(self, chosen: np.ndarray) -> Levels:
        """The members at which `chosen` is true."""
        return Levels(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def __repr__(self) -> str:
        return f"{len(self.x_t)} exact steps: " + ", ".join(f"{field.name}={getattr(self, field.name)}" for field in fields(self))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # Hypothesis would print how the seed was drawn

    def to_json(self) -> str:
        return repr(self)  # as above, for every example that it observes


def on_circle(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rational (cos, sin) of an angle from 0 (u = 0) to a right angle (u = 1)."""
    return (1 - u * u) / (1 + u * u), 2 * u / (1 + u * u)


def _with(drawn: np.ndarray, special: dict[int, int], n: int = 4) -> np.ndarray:
    """The drawn points again, as n further members, some of them with a special value."""
    longer = np.resize(drawn, POINTS + n)
    for i, value in special.items():
        longer[POINTS + i : POINTS + i + 1] = exact([value])
    return longer


def _steps(seed: int, share: np.ndarray, *levels: np.ndarray) -> Levels:
    """sigma from 0 to bbar_prev, the last of the levels, by `share`."""
    kept, sigma = (levels[-1] * part for part in on_circle(share))
    return Levels(*(_with(4 * entry - 2, {}, len(share) - POINTS) for entry in uniform(3, seed + 1)), *levels, sigma, kept)


def _free(seed: int, markov: bool) -> Levels:
    abar_prev, alpha, bbar_prev, more, share = uniform(5, seed)
    # No noise added, nothing but noise, the first step, abar = 1 throughout.
    abar_prev, bbar_prev = _with(abar_prev, {2: 1, 3: 1}), _with(4 * bbar_prev, {2: 0})
    alpha, share = _with(alpha, {3: 1}), _with(share, {0: 0, 1: 1})
    bbar_t = _with(4 * more, {}) + (alpha * bbar_prev if markov else 0)
    return _steps(seed, share, alpha * abar_prev, bbar_t, abar_prev, bbar_prev)


def free(markov: bool = False) -> st.SearchStrategy[Levels]:
    """Any levels with abar_t <= abar_prev <= 1. markov: bbar_t > alpha bbar_prev, so that a Markov chain has these marginals.

    Always: sigma = 0 (member 4), sigma = bbar_prev (5), the first step (6), abar = 1 throughout (7).
    """
    return st.integers(0, 2**32 - 1).map(lambda seed: _free(seed, markov))


def _preserving(seed: int) -> Levels:
    u, v, share = uniform(3, seed)
    u, v, share = _with(u, {}, 3), _with(v, {2: 0}, 3), _with(share, {0: 0, 1: 1}, 3)
    return _steps(seed, share, *on_circle(u), *on_circle(u * v))


def preserving() -> st.SearchStrategy[Levels]:
    """abar^2 + bbar^2 = 1 with rational abar and bbar at both ends; always sigma = 0 (4), sigma = bbar_prev (5), the first step (6)."""
    return st.integers(0, 2**32 - 1).map(_preserving)
