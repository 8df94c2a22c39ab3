"""What the strategies of strategies/diffusion/steps.py must reach, one line per corner."""

from operator import sub

import pytest
import torch
from hypothesis import Phase, find, settings
from hypothesis.errors import NoSuchExample

from strategies.diffusion.steps import data_steps, flows, jumps, second_examples, steps, subsequences

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
    "deterministic jump": (jumps(), lambda case: case.eta == 0),
    "jump to the data": (subsequences(), lambda case: case.T == 1000 and case.tau[1] > 100),
    "jump over a tenth of the chain": (subsequences(), lambda case: any(100 <= b - a <= 200 for a, b in zip(case.tau[1:], case.tau[2:]))),
    "the whole chain used": (subsequences(), lambda case: case.tau[-1] == case.T == 1000),
    "every schedule thinned out": (second_examples(), lambda case: case.schedule == "cosine" and case.stride == 100),
    "post schedule, other lengths": (second_examples(), lambda case: case.schedule == "post" and case.T == 4000),
    "two modes apart": (flows(), lambda case: abs(sub(*case.mixture.means)) > 1.5 and max(case.mixture.deviations) < 0.5),
    "point mass": (data_steps(), lambda case: case.s == 0),
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


def test_jumps_preserve_variance():
    assert_never(jumps(4), lambda case: not ((case.abar**2 + case.bbar**2 - 1).abs() <= 2.0**-52).all())


def assert_never(strategy, broken):
    with pytest.raises(NoSuchExample):
        find(strategy, broken, settings=SEARCH)
