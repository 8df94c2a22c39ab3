"""The Gaussian oracle: it reads an affine step, refuses another, and its laws are wrong as soon as the step is."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import torch

from impls.diffusion import ddim
from oracles.ball import balls
from oracles.evidence import BadOutput, Refuted, Unsettled
from oracles.gaussian import Affine, Gaussian, TensorsOnly, chained, posterior, probe
from oracles.identity import vanishes
from oracles.mixture import Mixture


def ball(*values):
    return balls(torch.tensor(values, dtype=torch.float64))


AT = ball(0.75, -2.0), ball(0.5, 1.5), ball(-1.25, 3.0)
LEVELS = tuple(ball(value, value) for value in (0.25, 0.875, 0.5, 0.625, 0.375))  # 5/8, 3/8: the root is 4/8


def equals(got, want):
    vanishes("difference", got - want, np.abs(want) + 1)


def test_coefficients_of_an_affine_step_are_read_off():
    affine = probe(lambda x, eps, z: 3 * x - eps / 2 + 5 - z, AT)
    for got, want in zip((affine.offset, *affine.coefficients), (5, 3, -0.5, -1), strict=True):
        equals(got, ball(want, want))


def test_the_reference_is_read_in_balls():
    A_x, A_e, A_n = probe(lambda *state: ddim.step(*state, *LEVELS), AT).coefficients
    equals(A_x, ball(2, 2))
    equals(A_e, ball(0.5 - 2 * 0.875, 0.5 - 2 * 0.875))
    equals(A_n, ball(0.375, 0.375))


@pytest.mark.parametrize(
    "step",
    [
        lambda x, eps, z: x * eps + z,
        lambda x, eps, z: x + eps + z + 2.0**-60 * z**3,
        lambda x, eps, z: np.array([max(min(v, 1 + 0 * v), -1 + 0 * v) for v in x], dtype=object) + eps + z,
    ],
    ids=["product", "cubic term of 2^-60", "clipped"],
)
def test_a_step_that_is_not_affine_is_an_error_that_says_so(step):
    with pytest.raises(BadOutput, match="not affine"):
        probe(step, AT)


def test_a_step_without_a_number_is_refuted():
    with pytest.raises(Refuted, match="no number"):
        probe(lambda x, eps, z: (x * 0 - 1) ** 0.5, AT)


@pytest.mark.parametrize("step", [lambda x, eps, z: torch.sqrt(x), lambda x, eps, z: x.sqrt(), lambda x, eps, z: torch.as_tensor(x)])
def test_a_step_of_tensors_is_not_run(step):
    with pytest.raises(TensorsOnly, match="tensors only"):
        probe(step, AT)


@pytest.mark.parametrize("step", [lambda x, eps, z: x + None, lambda x, eps: x, lambda x, eps, z: torch.ones(2) @ torch.ones(3)])
def test_a_mistake_of_the_step_is_no_reason_to_skip_it(step):
    with pytest.raises((TypeError, RuntimeError)):
        probe(step, AT)


def test_push_adds_variances_of_independent_noise_only():
    step = Affine(ball(1), (ball(2), ball(-3)))
    nothing = ball(0)
    independent = step.push(Gaussian(ball(5), (ball(1), nothing)), Gaussian(ball(7), (nothing, ball(1))))
    shared = step.push(Gaussian(ball(5), (ball(1), nothing)), Gaussian(ball(7), (ball(1), nothing)))
    equals(independent.mean, ball(1 + 10 - 21))
    equals(independent.variance, ball(4 + 9))
    equals(shared.variance, ball((2 - 3) ** 2))


def test_posterior_is_that_of_the_precision_form():
    """x ~ N(0, 4), y = 3 x + 2 noise: precision 1/4 + 9/4, gain (3/4) / (10/4)."""
    gain, variance = posterior(Gaussian(ball(0), (ball(2), ball(0))), Gaussian(ball(0), (ball(6), ball(2))))
    equals(gain * 10, ball(3))
    equals(variance * 10, ball(4))


def test_chained_kernels_are_one_kernel():
    alpha, beta2 = chained([(Fraction(1, 2), Fraction(1)), (Fraction(3), Fraction(5)), (Fraction(1, 4), Fraction(2))])
    assert (alpha, beta2) == (Fraction(3, 8), Fraction(1, 16) * (9 + 5) + 2)
    assert chained([]) == (1, 0)


@pytest.mark.parametrize("slot", range(3))
def test_a_coefficient_off_by_1e_20_is_seen(slot):
    step = lambda *state: ddim.step(*state, *LEVELS)
    exact = probe(step, AT).coefficients[slot]
    off = probe(lambda *state: step(*state) + state[slot] * 10.0**-20, AT).coefficients[slot]
    with pytest.raises(Refuted, match="off by"):
        vanishes("coefficient", off - exact, abs(exact))


def test_vanishes_does_not_settle_what_the_digits_do_not_show():
    with pytest.raises(Unsettled):
        vanishes("third", (ball(1) / 3 - ball(1) / 3), ball(1e-40))
    with pytest.raises(Refuted):
        vanishes("not a number", ball(-1) ** 0.5, ball(1))


def test_the_noise_of_a_mixture_is_minus_bbar_times_the_score():
    mixture, abar, bbar, x = Mixture((1, 3), (-1, 0.5), (0.5, 0.25)), 0.75, 0.5, 0.3

    def log_density(y):
        parts = [(1, -1, 0.5), (3, 0.5, 0.25)]
        return mpmath.log(sum(w * mpmath.npdf(y, abar * m, mpmath.sqrt((abar * s) ** 2 + bbar**2)) for w, m, s in parts))

    got = mixture.noise(torch.tensor([x], dtype=torch.float64), torch.tensor(abar), torch.tensor(bbar))
    assert float(got) == pytest.approx(float(-bbar * mpmath.diff(log_density, x)), abs=1e-12)


def test_origin_on_a_single_gaussian_is_the_line_through_mean_and_deviation():
    log_abar = -1.5
    abar, v = float(mpmath.exp(log_abar)), float(mpmath.exp(2 * log_abar) * 0.25 - mpmath.expm1(2 * log_abar))
    got = Mixture((2,), (0.5,), (0.5,)).origin((0.7,), log_abar)
    assert float(got) == pytest.approx(0.5 + 0.5 * (0.7 - 0.5 * abar) / v**0.5, abs=1e-14)
