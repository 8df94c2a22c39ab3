"""Sums of square roots of rationals, exactly: formulas of + - * / and square roots at random points, without rounding.

Two such formulas that are not the same agree at a uniformly drawn point with probability at most d / SIZE (Schwartz 1980,
Zippel 1979), where d is the degree of the polynomial that is left when denominators and roots are cleared from their
difference. A formula with L leaves, each a quotient of polynomials of degree at most m in the drawn numbers, is such a
quotient of degree at most L m. Clearing one root y = sqrt(g) at most triples that: the numerator P(y) is multiplied by
P(-y), and y^2 replaced by g, whose leaves are among the L. With 2^12 leaves on both sides together, m = 8 and four roots,
that is 2^12 * 2^3 * 3^4 < 2^22 = DEGREE; no two formulas that are compared here have more. A program that branches is one
formula on each of its branches: the points see the branch that they take.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from fractions import Fraction
from functools import total_ordering
from itertools import product
from numbers import Rational
from typing import Any

import numpy as np

from oracles.evidence import Refuted, Strength, Unsettled, certificate, compared

SIZE = 2**32
POINTS = 4
DEGREE = 2**22


@total_ordering
class Surd:
    """sum_i b_i sqrt(r_i) with rational b_i other than 0 and positive integers r_i, kept as {r_i: b_i}; no r_i r_j is a square.

    Such roots are linearly independent over the rationals (Besicovitch 1940), so a number is 0 only as the empty sum. Floats
    are taken as the rational numbers they are.
    """

    __slots__ = ("terms",)

    def __init__(self, value: Any = 0):
        self.terms: dict[int, Fraction] = {1: Fraction(value)} if value else {}

    @classmethod
    def sum(cls, *terms: tuple[int, Fraction]) -> Surd:
        """The sum of b sqrt(r) over the given (r, b)."""
        found = cls()
        for r, b in terms:
            if r not in found.terms:
                for known in found.terms:
                    if (both := root(r * known)) is not None:
                        r, b = known, b * Fraction(both, known)
                        break
            if total := found.terms.get(r, 0) + b:
                found.terms[r] = total
            else:
                found.terms.pop(r, None)
        return found

    def __add__(self, other: Any) -> Surd:
        other = number(other)
        return NotImplemented if other is None else Surd.sum(*self.terms.items(), *other.terms.items())

    def __mul__(self, other: Any) -> Surd:
        other = number(other)
        if other is None:
            return NotImplemented
        pairs = product(self.terms.items(), other.terms.items())
        return Surd.sum(*((1, a * b * r) if r == s else without_square(r * s, a * b) for (r, a), (s, b) in pairs))

    def __truediv__(self, other: Any) -> Surd:
        """Raises `Unsettled` where the denominator is a sum of more than two roots."""
        other = number(other)
        if other is None:
            return NotImplemented
        if not other.terms:
            raise Refuted("divides by zero at an admissible input")
        if len(other.terms) > 2:
            raise Unsettled("a denominator with more than two square roots: draw levels that leave fewer")
        (r, a), *second = other.terms.items()
        norm = a * a * r - sum(b * b * s for s, b in second)
        return self * Surd.sum((r, a / norm), *((s, -b / norm) for s, b in second))

    def __pow__(self, exponent: Any) -> Surd:
        if exponent == 0.5:
            return self.sqrt()
        if not isinstance(exponent, int):
            return NotImplemented
        power = Surd(1)
        for _ in range(abs(exponent)):
            power = power * self
        return power if exponent >= 0 else 1 / power

    def __neg__(self) -> Surd:
        return Surd.sum(*((r, -b) for r, b in self.terms.items()))

    def __sub__(self, other: Any) -> Surd:
        return self + -other

    def __rsub__(self, other: Any) -> Surd:
        return -self + other

    def __rtruediv__(self, other: Any) -> Surd:
        return Surd(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def __abs__(self) -> Surd:
        return -self if self < 0 else self

    def sign(self) -> int:
        """-1, 0 or 1, by closer and closer bounds."""
        bits = 64
        while self.terms:
            low, high = self._between(bits)
            if low > 0 or high < 0:
                return 1 if low > 0 else -1
            bits *= 2
        return 0

    def _between(self, bits: int) -> tuple[Fraction, Fraction]:
        low = high = Fraction(0)
        for r, b in self.terms.items():
            below = Fraction(math.isqrt(r << 2 * bits), 1 << bits)
            ends = b * below, b * (below if r == 1 else below + Fraction(1, 1 << bits))
            low, high = low + min(ends), high + max(ends)
        return low, high

    def __eq__(self, other: object) -> bool:
        return not (self - other).terms

    def __lt__(self, other: Any) -> bool:
        return (self - other).sign() < 0

    def __float__(self) -> float:
        return float(self._between(128)[0])

    def __repr__(self) -> str:
        return f"{float(self):.9g}"

    def sqrt(self) -> Surd:
        """Raises `Refuted` for negative numbers, `Unsettled` for numbers that are not rational."""
        if not self.terms.keys() <= {1}:
            raise Unsettled("the square root of a number that is not rational")
        x = self.terms.get(1, Fraction(0))
        if x < 0:
            raise Refuted(f"takes the square root of {float(x):.3g} at an admissible input")
        return Surd.sum(without_square(x.numerator * x.denominator, Fraction(1, x.denominator)))

    # A ball of radius 0, so that `oracles.gaussian.probe` reads steps on these numbers too.

    def is_finite(self) -> bool:
        return True

    def contains(self, value: int) -> bool:
        return self == value

    def mid(self) -> Surd:
        return self


def number(x: Any) -> Surd | None:
    if isinstance(x, Surd):
        return x
    return Surd(x) if isinstance(x, (Rational, float)) else None


def root(n: int) -> int | None:
    """The square root of n >= 0 where it is an integer."""
    found = math.isqrt(n)
    return found if found * found == n else None


def without_square(r: int, b: Fraction) -> tuple[int, Fraction]:
    """b sqrt(r) as (radicand, coefficient), the radicand 1 where r is a square."""
    whole = root(r)
    return (r, b) if whole is None else (1, b * whole)


def exact(values: Iterable[Any]) -> np.ndarray:
    """A vector of exact numbers."""
    return np.array([Surd(value) for value in values], dtype=object)


def uniform(n: int, seed: int) -> tuple[np.ndarray, ...]:
    """n variables at POINTS points each: independent, uniform among the SIZE multiples of 1 / SIZE in (0, 1]."""
    generator = random.Random(seed)
    return tuple(exact(Fraction(generator.randint(1, SIZE), SIZE) for _ in range(POINTS)) for _ in range(n))


def same(what: str, got: Any, want: Any) -> None:
    """got == want in every entry: POINTS uniformly drawn points and perhaps special ones after them. Raises `Refuted`.

    Fewer entries are cases, not a certificate.
    """
    got, want = np.broadcast_arrays(np.asarray(got, dtype=object), np.asarray(want, dtype=object))
    enough = want.size >= POINTS
    compared(want.size, arithmetic="exact", strength=Strength.CERTIFIED if enough else Strength.EXACT)
    for at, (value, truth) in enumerate(zip(got.flat, want.flat, strict=True)):
        if value != truth:
            relative = f", relative error {float(value / truth - 1):+.3g}" if truth != 0 else ""
            raise Refuted(f"{what} at [{at}]: {float(value):.9g}, truth {float(truth):.9g}{relative}")
    if enough:
        chance = f"{(DEGREE / SIZE) ** POINTS:.0e}"
        certificate(
            what, f"equal at {POINTS} uniform points from 2^32 values a variable: the same formula, except with probability {chance}"
        )
