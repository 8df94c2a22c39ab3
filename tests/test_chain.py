"""The oracle of a whole chain on Gaussian data: values that follow without it, and the family's own step within it."""

import torch

from impls.diffusion import ddim
from oracles import schedules
from oracles.ball import balls
from oracles.chain import by_probing, marginal, of_the_family
from oracles.gaussian import posterior

S2 = balls(torch.tensor([0.25, 1.0, 16.0], dtype=torch.float64))
AT = tuple(balls(torch.ones(3, 1, dtype=torch.float64)))
ABAR = schedules.amplitudes("exp5", 10)
BBAR = schedules.deviations(ABAR)


def encloses(residual):
    return all(ball.contains(0) and ball.rad() < 1e-40 for ball in residual.flat)


def test_without_noise_nothing_is_added():
    chain = of_the_family(ABAR, BBAR, 0.0, S2)
    assert encloses(chain.variance(0 * S2)) and encloses(chain.noise)
    assert encloses(chain.variance(S2) - chain.remembered**2 * S2)


def test_ddpm_remembers_the_regression_of_the_data_on_the_start():
    gain, _ = posterior(marginal(ABAR[0], BBAR[0], S2), marginal(ABAR[-1], BBAR[-1], S2))
    assert encloses(of_the_family(ABAR, BBAR, 1.0, S2).remembered - gain)


def test_the_probed_chain_is_that_of_the_family():
    for eta in (0.0, 0.5, 1.0):
        got, expected = by_probing(ddim.jump, AT, ABAR, BBAR, eta, S2), of_the_family(ABAR, BBAR, eta, S2)
        assert encloses(got.factor - expected.factor) and encloses(got.noise - expected.noise)
