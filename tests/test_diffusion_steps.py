"""What the strategies of strategies/diffusion/steps.py, chains.py and ode.py must reach, one line per corner."""

from operator import sub

import pytest
import torch
from hypothesis import Phase, find, settings
from hypothesis.errors import NoSuchExample

from oracles.surd import POINTS
from strategies.diffusion.chains import betweens, chains, mixtures, models, paths, starts
from strategies.diffusion.levels import free, preserving
from strategies.diffusion.ode import fields_of_noise, flows, lengths, refinements, targets
from strategies.diffusion.steps import data_steps, jumps, second_examples, steps, subsequences

SEARCH = settings(max_examples=1000, derandomize=True, database=None, phases=[Phase.generate])

CORNERS = {
    "no noise": (steps(), lambda case: (case.sigma == 0).any()),
    "all noise": (steps(), lambda case: ((case.sigma == case.bbar_prev) & (case.sigma > 0)).any()),
    "first step": (steps(), lambda case: ((case.bbar_prev == 0) & (case.abar_prev == 1)).any()),
    "sigma strictly inside for most": (steps(), lambda case: ((case.sigma > 0) & (case.sigma < case.bbar_prev)).double().mean() > 0.9),
    "variance far from preserved": (steps(), lambda case: (case.abar_t**2 + case.bbar_t**2 > 4).any()),
    "tiny step of the amplitude": (steps(), lambda case: ((case.abar_t / case.abar_prev) > 0.99).any()),
    "large step of the amplitude": (steps(), lambda case: ((case.abar_t / case.abar_prev) < 0.1).any()),
    "jump over a time": (jumps(), lambda case: case.now - case.then > 1 and case.eta == 1),
    "jump with a little noise": (jumps(), lambda case: 0 < case.eta < 0.1),
    "deterministic jump": (jumps(), lambda case: case.eta == 0),
    "jump to the data": (subsequences(), lambda case: case.T == 1000 and case.tau[1] > 100),
    "jump over a tenth of the chain": (subsequences(), lambda case: any(100 <= b - a <= 200 for a, b in zip(case.tau[1:], case.tau[2:]))),
    "the whole chain used": (subsequences(), lambda case: case.tau[-1] == case.T == 1000),
    "every schedule thinned out": (second_examples(), lambda case: case.schedule == "cosine" and case.stride == 100),
    "post schedule, other lengths": (second_examples(), lambda case: case.schedule == "post" and case.T == 4000),
    "two modes apart": (flows(), lambda case: any(abs(sub(*m.means)) > 1.25 and max(m.deviations) < 0.5 for m in case.mixtures)),
    "weights far from equal": (flows(), lambda case: any(max(m.weights) >= 6 * min(m.weights) for m in case.mixtures)),
    "a predictor bent by the time": (fields_of_noise(), lambda case: abs(case.bend) > 1 and case.T > 1),
    "states that are not zero, at small s": (fields_of_noise(), lambda case: (case.x * case.eps)[case.s < 0.01].any()),
    "virtual time 0": (targets(), lambda case: case.virtual_time == 0),
    "a virtual time beyond the post's schedule": (targets(), lambda case: case.virtual_time > 10**6),
    "the post's own schedule refined": (refinements(), lambda case: case.schedule == "post"),
    "steps of very unequal angle": (refinements(), lambda case: case.schedule == "linear" and case.T > 20),
    "one step": (lengths(), lambda T: T == 1),
    "more steps than a thousand": (lengths(), lambda T: T > 1000),
    "exact levels without noise": (free(), lambda case: (case.sigma == 0).any()),
    "exact levels with nothing but noise": (free(), lambda case: ((case.kept == 0) & (case.sigma != 0)).any()),
    "exact first step": (preserving(), lambda case: ((case.bbar_prev == 0) & (case.abar_prev == 1)).any()),
    "exact levels of constant amplitude": (free(), lambda case: ((case.abar_t == 1) & (case.bbar_prev != 0)).any()),
    "exact levels that no Markov chain has": (free(), lambda case: (case.bbar_t * case.abar_prev < case.abar_t * case.bbar_prev).any()),
    "point mass": (data_steps(), lambda case: case.s == 0),
    "few steps refined, no noise against some": (chains(), lambda case: case.steps[0] == 2 and case.etas[0] == 0),
    "data wider and narrower than the noise": (chains(), lambda case: min(case.spreads) < 1 / 8 and max(case.spreads) > 8),
    "the cosine schedule": (chains(), lambda case: case.schedule == "cosine" and max(case.spreads) > 1),
    "a start that is a point": (starts(), lambda case: case.share == 0),
    "a start too wide, data not of unit variance": (starts(), lambda case: case.share > 1.5 and case.s != 1),
    "a path that jumps and ends in a dense step": (paths(), lambda case: case.tau[1] > 2 and case.tau[-2] == case.T - 1),
    "starts close together": (paths(), lambda case: case.states[1] - case.states[0] <= 1 / 8),
    "modes apart": (mixtures(), lambda case: abs(sub(*case.means)) > 1.25 and max(case.deviations) < 0.5),
    "one mode": (mixtures(), lambda case: case.means[0] == case.means[1]),
    "a predictor that is not linear": (models(), lambda case: all(case.curves[t] for t in case.tau[1:])),
    "a subsequence without its last time": (models(), lambda case: case.tau[-1] < len(case.abar) - 1),
    "close to an end": (betweens(), lambda case: 1 / 128 in case.lams),
    "mean away from zero": (data_steps(), lambda case: case.mean and case.s and case.eta == 0.5),
}


@pytest.mark.parametrize("corner", CORNERS)
def test_reaches(corner):
    strategy, reached = CORNERS[corner]
    find(strategy, lambda case: bool(reached(case)), settings=SEARCH)


def test_steps_are_admissible_and_fit_in_bfloat16():
    def broken(case):
        fits = all(torch.equal(x.to(torch.bfloat16).double(), x) for x in case.tensors)
        return not (fits and (case.sigma <= case.bbar_prev).all() and (case.abar_t <= case.abar_prev).all())

    assert_never(steps(), broken)


def test_a_field_of_noise_always_depends_on_the_time_and_fits_in_bfloat16():
    def broken(case):
        fits = all(torch.equal(x.to(torch.bfloat16).double(), x) for x in case.tensors)
        return not (fits and case.drift > 0 and case.s[0] == 1 and case.s.min() < 0.001)

    assert_never(fields_of_noise(8), broken)


EXACT = {
    "sigma and what it leaves": (free(), lambda case: case.kept**2 + case.sigma**2 == case.bbar_prev**2),
    "deviations that are not negative": (free(), lambda case: (case.kept >= 0) & (case.sigma >= 0)),
    "nothing special at the drawn points": (free(), lambda case: ((case.sigma != 0) & (case.kept != 0) & (case.bbar_prev != 0))[:POINTS]),
    "a Markov chain": (free(markov=True), lambda case: case.bbar_t * case.abar_prev > case.abar_t * case.bbar_prev),
    "preserved variance at t": (preserving(), lambda case: case.abar_t**2 + case.bbar_t**2 == 1),
    "preserved variance before": (preserving(), lambda case: case.abar_prev**2 + case.bbar_prev**2 == 1),
}


@pytest.mark.parametrize("kept", EXACT)
def test_exact_levels_always_have(kept):
    strategy, holds = EXACT[kept]
    assert_never(strategy, lambda case: not holds(case).all(), settings(SEARCH, max_examples=30))


def test_jumps_preserve_variance():
    assert_never(jumps(4), lambda case: not ((case.abar**2 + case.bbar**2 - 1).abs() <= 2.0**-52).all())


def test_no_time_but_the_first_is_its_own_index():
    assert_never(models(), lambda case: any(case.tau[i] == i for i in range(2, len(case.tau))))


def test_chains_are_refined():
    assert_never(chains(), lambda case: case.steps[1] % case.steps[0] or case.steps[0] == case.steps[1] or len(set(case.etas)) < 2)


def assert_never(strategy, broken, search=SEARCH):
    with pytest.raises(NoSuchExample):
        find(strategy, broken, settings=search)
