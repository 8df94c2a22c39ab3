"""The oracle of DDIM: right ways to write a jump and a chain are within its budget, however far from its own formula."""

import torch
from hypothesis import given, settings

from impls.diffusion import ddim
from oracles import ddim as truth
from oracles.executors import Executor, Executors
from strategies.diffusion.steps import jumps, steps

FLOAT64 = Executors((Executor("cpu", torch.float64),))


def papers_sigma(a_t, a, eta):
    return eta * ((1 - a**2) / (1 - a_t**2) * (1 - a_t**2 / a**2)) ** 0.5


def by_the_estimate_of_x_0(x_t, eps, z, abar, bbar, now, then, eta):
    sigma = papers_sigma(abar[now], abar[then], eta)
    x_0 = (x_t - bbar[now] * eps) / abar[now]
    return abar[then] * x_0 + (1 - abar[then] ** 2 - sigma**2) ** 0.5 * eps + sigma * z


def by_the_papers_sigma(x_t, eps, z, abar, bbar, now, then, eta):
    return ddim.step(x_t, eps, z, abar[now], bbar[now], abar[then], bbar[then], papers_sigma(abar[now], abar[then], eta))


@settings(max_examples=100)
@given(case=jumps())
def test_every_form_of_a_jump_is_within_the_budget(case):
    bound = truth.jump(*case.without_deviations)
    for form in (ddim.jump, by_the_papers_sigma, by_the_estimate_of_x_0):
        FLOAT64.hold(form.__name__, form, case.arguments, bound)


def eulers_sum(x, constant, slope, abar, bbar):
    y, u = x / abar[-1], bbar / abar
    for t in (3, 2, 1):
        y = y - (u[t] - u[t - 1]) * (constant[t] + slope[t] * abar[t] * y)
    return y * abar[0]


@settings(max_examples=100)
@given(case=steps())
def test_eulers_method_is_within_the_budget_of_the_chain(case):
    constant, slope, abar, bbar = (tensor.reshape(4, -1) for tensor in (case.eps, case.z, case.abar_t, case.bbar_t))
    given = case.x_t[:16], constant, slope, abar, bbar
    FLOAT64.hold("Euler's sum", eulers_sum, given, truth.eulers_chain(*given))
