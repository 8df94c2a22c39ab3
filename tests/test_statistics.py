"""oracles.statistics keeps its false-alarm probability and has the power that it states; both against simulation and enumeration."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from oracles import statistics
from oracles.evidence import Refuted, Strength, Unsettled, recording
from oracles.statistics import caught_from, highest_count, hoeffding_radius, mean_is, mean_is_between, proportion_at_most, proportion_is

SIMULATED = 20_000


def outcome(test, *args):
    try:
        with recording() as record:
            test("a statistic", *args)
    except Refuted:
        return "refuted", record
    return "holds", record


def test_one_run_of_the_suite_stays_below_its_false_alarm_probability():
    assert statistics.ALPHA * statistics.COMPARISONS * statistics.PROPERTIES <= 1e-6


@pytest.mark.parametrize("p", [0.0, 0.03, 0.25, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("trials", [1, 20, 400])
@pytest.mark.parametrize("alpha", [0.05, 1e-12])
def test_the_highest_count_is_the_smallest_within_alpha(trials, p, alpha):
    c = highest_count(trials, p, alpha)
    tail = lambda least: math.fsum(binom.pmf(range(least, trials + 1), trials, p))
    assert tail(c + 1) <= alpha * (1 + 1e-9)
    assert c == 0 or tail(c) > alpha


@pytest.mark.parametrize("trials, p", [(100, 0.25), (400, 0.25), (400, 0.5)])
def test_false_alarms_and_power_of_the_proportion_as_simulated(trials, p):
    c = highest_count(trials, p, alpha=0.05)
    rng = np.random.default_rng(9812)
    false_alarms = np.mean(rng.binomial(trials, p, SIMULATED) > c)
    caught = np.mean(rng.binomial(trials, caught_from(trials, c), SIMULATED) > c)
    spread = 5 / math.sqrt(SIMULATED) / 2  # 5 standard deviations of a simulated share at most
    assert false_alarms <= 0.05 + spread
    assert abs(caught - statistics.POWER) <= spread


def test_false_alarms_and_power_of_the_hoeffding_radius_as_simulated():
    trials, rng = 200, np.random.default_rng(9812)
    radius = hoeffding_radius(trials, 0, 1, alpha=0.05)
    reach = radius + math.sqrt(math.log(100) / (2 * trials))
    mean = rng.binomial(trials, 0.5, SIMULATED) / trials  # the law of largest variance in [0, 1]
    assert np.mean(abs(mean - 0.5) > radius) <= 0.05
    assert np.mean(abs(mean + reach - 0.5) > radius) >= statistics.POWER


@pytest.mark.parametrize(
    "test, args, answer",
    [
        (proportion_at_most, (100, 400, 0.25), "holds"),
        (proportion_at_most, (164, 400, 0.25), "holds"),
        (proportion_at_most, (165, 400, 0.25), "refuted"),
        (proportion_at_most, (0, 400, 0.25), "holds"),
        (proportion_at_most, (1, 400, 0.0), "refuted"),
        (proportion_is, (200, 400, 0.5), "holds"),
        (proportion_is, (100, 400, 0.5), "refuted"),
        (proportion_is, (300, 400, 0.5), "refuted"),
        (proportion_is, (399, 400, 1.0), "refuted"),
        (proportion_is, (1, 400, 0.0), "refuted"),
        (mean_is, (0.5, 400, 0.0, 1.0, 0.4), "holds"),
        (mean_is, (0.5, 400, 0.0, 1.0, 0.3), "refuted"),
        (mean_is_between, (0.5, 400, 0.0, 1.0, 0.4, 0.6), "holds"),
        (mean_is_between, (0.5, 400, 0.0, 1.0, 0.6, 0.7), "holds"),
        (mean_is_between, (0.5, 400, 0.0, 1.0, 0.7, 0.8), "refuted"),
        (mean_is_between, (0.5, 400, 0.0, 1.0, 0.2, 0.3), "refuted"),
    ],
)
def test_verdicts_at_the_edge(test, args, answer):
    assert outcome(test, *args)[0] == answer


def test_the_stated_power_is_that_of_the_recorded_test():
    entry = outcome(proportion_at_most, 100, 400, 0.25)[1].statistics["a statistic"]
    assert set(map(type, entry.values())) == {float}
    critical = round(entry["critical"] * 400)
    assert binom.sf(critical, 400, 0.25) <= entry["alpha"] < binom.sf(critical - 1, 400, 0.25)
    assert binom.sf(critical, 400, entry["power_at"]) == pytest.approx(statistics.POWER)


def test_too_few_draws_have_no_power_and_say_so():
    assert outcome(proportion_at_most, 5, 5, 0.25)[1].statistics["a statistic"]["power_at"] == 1.0


def test_the_closest_call_is_kept_and_every_comparison_counted():
    with recording() as record:
        for successes in (10, 90, 30):
            proportion_at_most("a statistic", successes, 400, 0.25)
    entry = record.statistics["a statistic"]
    assert (entry["statistic"], entry["comparisons"]) == (90 / 400, 3.0)
    assert record.comparisons == 3 and record.strengths == {Strength.STATISTICAL}


def test_a_property_cannot_compare_more_often_than_its_false_alarms_allow(monkeypatch):
    monkeypatch.setattr(statistics, "COMPARISONS", 3)
    with recording(), pytest.raises(Unsettled, match="used up"):
        for name in "abcd":
            proportion_at_most(name, 0, 10, 0.5)
