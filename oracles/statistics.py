"""Distribution-free tests that state both of their errors: how often they refute a true statement, and what they cannot miss.

False alarms: `FALSE_ALARM` bounds the probability that one run of the whole suite refutes anything true by chance. It is
shared out in advance, by the union bound: over at most `PROPERTIES` statistical properties, and within each over at
most `COMPARISONS` comparisons, which is enforced. A comparison thus gets ALPHA = 1e-12, which costs little: a bound
that 1e-6 puts at 5.3 standard deviations lies at 7.4.

Power: every test reports the smallest deviation that it detects with probability `POWER`, whatever the law of the data.
All bounds are exact (binomial tails) or hold for every distribution (Hoeffding); none is asymptotic.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binom

from oracles.evidence import Refuted, Strength, Unsettled, compared, record

FALSE_ALARM = 1e-6
PROPERTIES = 100
COMPARISONS = 10_000
ALPHA = FALSE_ALARM / (PROPERTIES * COMPARISONS)
POWER = 0.99


def proportion_at_most(what: str, successes: int, trials: int, p: float) -> None:
    """An event seen `successes` times in independent `trials` has probability <= p. Exact binomial tail. Raises `Refuted`."""
    critical = highest_count(trials, p, ALPHA)
    seen = f"{successes} of {trials} draws; chance allows {critical} if the probability is {p:g}"
    _judge(what, successes / trials, critical / trials, caught_from(trials, critical), seen)


def proportion_is(what: str, successes: int, trials: int, p: float) -> None:
    """The probability equals p. Two exact tails with half the false-alarm probability each. Raises `Refuted`."""
    sides = []
    for count, q in ((successes, p), (trials - successes, 1 - p)):
        critical = highest_count(trials, q, ALPHA / 2)
        sides.append((count / trials, critical / trials, caught_from(trials, critical) - q))
    statistic, critical, _ = max(sides, key=lambda side: side[0] - side[1])
    seen = f"{successes} of {trials} draws cannot be chance if the probability is {p:g}"
    _judge(what, statistic, critical, max(side[2] for side in sides), seen)


def mean_is(what: str, mean: float, trials: int, low: float, high: float, expected: float) -> None:
    """Independent values in [low, high] with this mean over `trials` have the expectation `expected`. Hoeffding. Raises `Refuted`."""
    mean_is_between(what, mean, trials, low, high, expected, expected)


def mean_is_between(what: str, mean: float, trials: int, low: float, high: float, least: float, most: float) -> None:
    """Independent values in [low, high] with this mean over `trials` have an expectation from `least` to `most`. Raises `Refuted`."""
    radius = hoeffding_radius(trials, low, high, ALPHA)
    beyond = (high - low) * math.sqrt(math.log(1 / (1 - POWER)) / (2 * trials))  # a mean falls short of its expectation by less
    expected = f"{least:.6g}" if least == most else f"from {least:.6g} to {most:.6g}"
    seen = f"mean {mean:.6g} of {trials} draws, expected {expected} within {radius:.3g}"
    _judge(what, max(least - mean, mean - most), radius, radius + beyond, seen)


def highest_count(trials: int, p: float, alpha: float) -> int:
    """The smallest c with P(Binomial(trials, p) > c) <= alpha: more than c successes speak against a probability of at most p."""
    return int(np.argmax(binom.sf(np.arange(trials + 1), trials, p) <= alpha))


def caught_from(trials: int, critical: int) -> float:
    """The smallest probability at which more than `critical` successes are seen with probability `POWER`; 1 if there is none."""
    if critical >= trials:
        return 1.0
    return float(brentq(lambda p: binom.sf(critical, trials, p) - POWER, 0.0, 1.0))


def hoeffding_radius(trials: int, low: float, high: float, alpha: float) -> float:
    """A mean of independent values in [low, high] is farther than this from its expectation with probability at most alpha."""
    return (high - low) * math.sqrt(math.log(2 / alpha) / (2 * trials))


def _judge(what: str, statistic: float, critical: float, power_at: float, sentence: str) -> None:
    """Record the closest call of all comparisons under this name, then judge this one."""
    compared(1, arithmetic="float64", strength=Strength.STATISTICAL)
    kept = record().statistics
    before = kept.get(what)
    made = sum(entry["comparisons"] for entry in kept.values()) + 1
    if made > COMPARISONS:
        raise Unsettled(f"{what}: more than {COMPARISONS} statistical comparisons in one property; its false-alarm probability is used up")
    earlier = (before["statistic"], before["critical"]) if before else (-math.inf, 0.0)
    closest = max((statistic, critical), earlier, key=lambda pair: pair[0] - pair[1])
    kept[what] = {
        "statistic": float(closest[0]),
        "critical": float(closest[1]),
        "alpha": ALPHA,
        "power_at": max(float(power_at), before["power_at"] if before else 0.0),
        "comparisons": (before["comparisons"] if before else 0.0) + 1.0,
    }
    if statistic > critical:
        raise Refuted(f"{what}: {sentence}")
