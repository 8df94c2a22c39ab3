"""Logarithms of total weights of segmentations, to 50 digits: by enumeration, and in closed form for a text of equal letters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import mpmath

from oracles.rounding import DIGITS
from oracles.segmentation import occurrences, segmentations


class Step(NamedTuple):
    """A candidate (a, e): log of the weight that has arrived at e with it, its share of that weight, and its own log weight."""

    a: int
    e: int
    log_Z: mpmath.mpf
    share: mpmath.mpf
    x: mpmath.mpf


def log_total(text: str, scores: Mapping[str, float], alpha: float) -> mpmath.mpf:
    """log of the sum over all segmentations of e^(alpha score); -inf without any."""
    ways = segmentations(text, dict.fromkeys(scores, 1))
    with mpmath.workdps(DIGITS):
        total = mpmath.fsum(mpmath.exp(mpmath.mpf(alpha) * mpmath.fsum(scores[piece] for piece in pieces)) for pieces in ways)
        return mpmath.log(total) if total else -mpmath.inf


def steps(text: str, scores: Mapping[str, float], alpha: float) -> list[Step]:
    """Every candidate of a text all of whose positions can be reached, the ends ascending, the longest token first."""
    before = [log_total(text[:e], scores, alpha) for e in range(len(text) + 1)]
    found, arrived = [], {}
    with mpmath.workdps(DIGITS):
        for e, a in sorted((e, a) for a, e in occurrences(text, scores)):
            x = before[a] + mpmath.mpf(alpha) * scores[text[a:e]]
            arrived.setdefault(e, []).append(x)
            log_Z = mpmath.log(mpmath.fsum(map(mpmath.exp, arrived[e])))
            found.append(Step(a, e, log_Z, mpmath.exp(x - log_Z), x))
    return found


def unary_step(e: int, alpha: float) -> Step:
    """The candidate "a" at the end of e letters a, after "aa", with scores -1 and -2: F_e of the F_{e+1} segmentations end in it.

    All segmentations have the score -e, and as many as the Fibonacci number F_{e+1} are there.
    """
    with mpmath.workdps(DIGITS):
        counts, score = (mpmath.fib(e), mpmath.fib(e + 1)), -mpmath.mpf(alpha) * e
        return Step(e - 1, e, mpmath.log(counts[1]) + score, counts[0] / counts[1], mpmath.log(counts[0]) + score)
