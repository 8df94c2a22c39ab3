"""The schedules, against numbers that can be worked out by hand, and where sigma_t = beta_t leaves no root."""

from itertools import pairwise

import pytest
import torch

from oracles import schedules
from oracles.ball import balls


@pytest.mark.parametrize("name", schedules.NAMES)
def test_amplitudes_fall_from_one(name):
    abar = schedules.amplitudes(name, 1000)
    assert len(abar) == 1001 and abar[0] == 1 and all(0 < late < early for early, late in pairwise(abar))


def test_ends_of_the_schedules():
    beta = {name: schedules.step_deviations(schedules.amplitudes(name, 1000)) for name in schedules.NAMES}
    first = {name: float((values[0] ** 2).mid()) for name, values in beta.items()}
    last = {name: float((values[-1] ** 2).mid()) for name, values in beta.items()}
    assert [first[name] for name in ("post", "linear", "scaled-linear")] == pytest.approx([2e-5, 1e-4, 8.5e-4], rel=1e-14)
    assert [last[name] for name in ("post", "linear", "scaled-linear", "cosine")] == pytest.approx([0.02, 0.02, 0.012, 0.999], rel=1e-14)
    assert float(schedules.amplitudes("exp5", 10)[-1].log().mid()) == -5.0
    of_post = schedules.amplitudes("post", 1000)[-1].log()
    assert float(of_post.mid()) == pytest.approx(-5.0387214, abs=1e-7)  # the sum of its logarithms, term by term


def test_deviations_preserve_the_variance_and_a_stride_keeps_the_levels():
    dense, thin = schedules.amplitudes("cosine", 1000), schedules.amplitudes("cosine", 1000, 100)
    assert len(thin) == 11 and all((a - b).contains(0) for a, b in zip(thin, dense[::100], strict=True))
    assert all((a * a + b * b - 1).contains(0) for a, b in zip(dense, schedules.deviations(dense), strict=True))


@pytest.mark.parametrize(
    ("name", "T", "stride", "steps"),
    [
        *[("post", T, 1, [1, 2, 3]) for T in (20, 100, 1000, 4000)],
        *[("exp5", T, 1, [1, 2, 3]) for T in (3, 20, 1000)],
        *[(name, 1000, 1, [1, 2]) for name in ("linear", "scaled-linear", "cosine")],
        *[(name, 1000, stride, [1, 2, 3]) for name in ("post", "exp5", "linear") for stride in (10, 50, 100)],
        *[("scaled-linear", 1000, stride, [1, 2]) for stride in (10, 50, 100)],
        ("cosine", 1000, 10, [1, 2, 100]), ("cosine", 1000, 50, [1, 2, 3, 20]), ("cosine", 1000, 100, [1, 2, 3, 10]),
    ],
)  # fmt: skip
def test_steps_at_which_beta_exceeds_the_previous_deviation(name, T, stride, steps):
    abar = schedules.amplitudes(name, T, stride)
    excess = schedules.step_deviations(abar) ** 2 - schedules.deviations(abar)[:-1] ** 2
    assert [t for t, ball in enumerate(excess, start=1) if ball > 0] == steps
    assert not any(ball.contains(0) for ball in excess)


def test_the_margin_of_the_third_step_is_that_of_the_rational_schedule():
    abar = schedules.amplitudes("post", 1000)
    margin = schedules.deviations(abar)[2] ** 2 - schedules.step_deviations(abar)[2] ** 2
    assert (margin * balls(torch.tensor(1000.0)) ** 2 * 10000 + 8).contains(0)
