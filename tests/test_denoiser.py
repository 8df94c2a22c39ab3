"""The oracle of a mixture's denoiser and its integrals against what the law of total variance says, and against float64."""

import pytest
import torch

from oracles import denoiser
from oracles.ball import balls
from oracles.evidence import Unsettled
from oracles.mixture import Mixture

MIXTURE = Mixture((3.0, 7.0), (-1.0, 0.75), (0.25, 0.5))
LEVELS = balls(torch.tensor([0.75, 0.625], dtype=torch.float64))
POINTS = torch.tensor([-1.0, 0.0, 0.5, 3.0], dtype=torch.float64)
X = balls(POINTS)
EXPECTED_MEAN = 0.3 * -1 + 0.7 * 0.75
EXPECTED_VARIANCE = 0.3 * (1 + 1 / 16) + 0.7 * (9 / 16 + 1 / 4) - EXPECTED_MEAN**2


def test_the_noise_is_that_of_float64():
    expected = MIXTURE.noise(POINTS, 0.75, 0.625)
    got = [float(ball.mid()) for ball in denoiser.noise(MIXTURE, X, *LEVELS)]
    assert got == pytest.approx(expected.tolist(), rel=1e-13)


def test_the_slope_of_the_noise_is_its_difference_quotient():
    h = 2.0**-60
    quotient = (denoiser.noise(MIXTURE, X + h, *LEVELS) - denoiser.noise(MIXTURE, X - h, *LEVELS)) / (2 * h)
    slopes = denoiser.slope_of_noise(MIXTURE, X, *LEVELS)
    assert all(abs(float((a - b).mid())) < 1e-25 for a, b in zip(quotient, slopes, strict=True))


def test_mean_and_variance_come_out_in_total():
    one, mean, square, uncertainty = denoiser.expectations(
        MIXTURE, *LEVELS, lambda x, given: [0 * x + 1, given.mean, given.mean**2, given.variance]
    )
    assert one.contains(1) and abs(mean - EXPECTED_MEAN) < 1e-6
    assert abs(uncertainty + square - mean**2 - EXPECTED_VARIANCE) < 1e-6


def test_an_integrand_with_a_kink_is_no_verdict():
    with pytest.raises(Unsettled):
        denoiser.expectations(MIXTURE, *LEVELS, lambda x, given: [abs(x)])
