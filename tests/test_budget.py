"""Error budgets: derivatives by hand, honest computations that must stay inside, and planted errors that must not.

What a budget sees (`test_which_planted_errors_are_caught` measures it): it is no wider than the roundings of the claim, so
errors of that size are invisible, and anything well above S / |y| times their number is caught at every entry.
"""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from impls.attention.softmax import softmax
from oracles.ball import certified
from oracles.budget import Bound, conditioning, third
from oracles.evidence import Unsettled
from oracles.executors import DTYPES, Executor, Reassociated, largest_share
from strategies.tensors import dyadic

FLOAT32 = Executor("cpu", torch.float32)


def tensor(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize(
    "f, inputs, by_hand",
    [
        (lambda a, b: a + b, (tensor(3.0), tensor(-2.0)), [3 + 2 + 1]),
        (lambda a, b: a * b, (tensor(3.0), tensor(-2.0)), [6 + 6 + 6]),
        (lambda a, b: a / b, (tensor(3.0), tensor(-2.0)), [1.5 * 3]),
        (lambda a, b: a * b + a, (tensor(3.0), tensor(-2.0)), [3 * 1 + 6 + 3]),
        (lambda x: x**3, (tensor(2.0),), [3 * 8 + 8]),
        (lambda x: x.sqrt(), (tensor(9.0),), [1.5 + 3]),
        (torch.exp, (tensor(2.0, -1.0),), [3 * math.exp(2), 2 * math.exp(-1)]),
        (torch.sin, (tensor(1.0),), [math.cos(1) + math.sin(1)]),
        (torch.log, (tensor(4.0),), [1 + math.log(4)]),
        (lambda W, x: W @ x, (tensor(1, -2, 3, 4).reshape(2, 2), tensor(5, 6)), [2 * (5 + 12) + 7, 2 * (15 + 24) + 39]),
        (lambda x, i: x[i], (tensor(1, 2, 3), torch.tensor([2, 0])), [6, 2]),
        (lambda x, none: x * 2, (tensor(1.0), torch.empty(0, 3, dtype=torch.float64)), [4]),
    ],
    ids=[
        "sum",
        "product",
        "quotient",
        "an input used twice",
        "power",
        "root",
        "exp",
        "sine",
        "log",
        "matrix times vector",
        "an index is exact",
        "an empty input",
    ],
)
def test_conditioning_is_that_of_the_derivatives_by_hand(f, inputs: tuple[Tensor, ...], by_hand: list[float]) -> None:
    torch.testing.assert_close(conditioning(f, inputs), tensor(*by_hand), rtol=1e-14, atol=0)


def test_cancellation_widens_the_budget_relative_to_the_result_and_not_to_the_terms() -> None:
    scale = conditioning(lambda a, b: a - b, (tensor(1.0), tensor(1.0)))
    assert scale.tolist() == [2.0]


@pytest.mark.parametrize(
    "dtype, u, u_sum", [(torch.float64, 2**-53, 2**-53), (torch.float32, 2**-24, 2**-24), (torch.bfloat16, 2**-8, 2**-24)]
)
def test_the_allowed_error_counts_roundings_in_the_dtype_and_sums_in_the_accumulator(dtype: torch.dtype, u: float, u_sum: float) -> None:
    executor = Executor("cpu", dtype)
    layers = (3 + 1) * u + 5 * u_sum
    assert (executor.u, executor.u_sum) == (u, u_sum)
    assert Bound(tensor(1.0), tensor(7.0), roundings=3, sums=5).allowed(executor).item() == pytest.approx(
        7 * layers / (1 - layers), rel=1e-15
    )


def test_a_dtype_too_coarse_for_the_count_is_unsettled() -> None:
    with pytest.raises(Unsettled, match="200 roundings, 5 sums and exponents up to 0 exceed what bfloat16 can bound: draw smaller shapes"):
        Bound(tensor(1.0), tensor(1.0), roundings=200, sums=5).allowed(Executor("cpu", torch.bfloat16))


@pytest.mark.parametrize(
    "truth, scale",
    [(tensor(1.0), tensor(1.0, 2.0)), (tensor(), tensor()), (tensor(math.nan), tensor(1.0)), (tensor(1.0), tensor(math.inf))],
    ids=["other shape", "empty", "NaN", "infinite conditioning"],
)
def test_a_bound_without_a_finite_truth_is_unsettled(truth: Tensor, scale: Tensor) -> None:
    with pytest.raises(Unsettled):
        Bound(truth, scale, roundings=1)


# Honest computations: program, definition for the oracle, roundings and sums by the rule of oracles/budget.py.
def average(xp, x, W, v):
    weights = xp.exp(x @ W)
    return weights @ v / (weights @ (v[:, :1] * 0 + 1))


HONEST = {
    "dot product": (lambda x, W, v: x @ W, lambda xp, x, W, v: x @ W, 1, 3),
    "three factors": (lambda x, W, v: x @ W @ v, lambda xp, x, W, v: x @ W @ v, 2, 3 + 4),
    # projection; maximum (2), exponential (2), quotient; average
    "softmax average": (lambda x, W, v: softmax(x @ W) @ v, average, 7, 3 + 2 * 4),
    "polynomial": (lambda x, W, v: x * x * x - x, lambda xp, x, W, v: x * x * x - x, 3, 0),
}


@pytest.mark.parametrize("name", HONEST)
@given(x=dyadic(2, 3, denominator=64), W=dyadic(3, 4, denominator=64), v=dyadic(4, 2, denominator=64))
def test_honest_computations_stay_inside_in_every_dtype_and_order_of_summation(name: str, x: Tensor, W: Tensor, v: Tensor) -> None:
    program, definition, roundings, sums = HONEST[name]
    bound = certified(definition, (x, W, v), roundings=roundings, sums=sums)
    for executor in (*(Executor("cpu", dtype) for dtype in DTYPES), *(Executor("cpu", dtype, mode=Reassociated) for dtype in DTYPES)):
        share, at = largest_share((executor.run(program, (x, W, v)).double() - bound.truth).abs(), bound.allowed(executor))
        assert share <= 1, f"{executor}: {share} at {at}"


def test_the_count_of_roundings_is_needed() -> None:
    """With the count of a shorter path an honest bfloat16 computation bursts its budget: the budget is not idle."""
    generator = torch.Generator().manual_seed(1)
    bursts = 0
    for _ in range(50):
        x = torch.randint(-128, 128, (64,), generator=generator).double() / 64
        bound = certified(lambda xp, x: x * x * x * x * x * x * x * x, (x,), roundings=0, sums=0)
        got = Executor("cpu", torch.bfloat16).run(lambda x: x * x * x * x * x * x * x * x, (x,))
        share, _ = largest_share((got.double() - bound.truth).abs(), bound.truth.abs() * 2.0**-8)
        bursts += share > 1
    assert bursts == 50


# Relative errors planted into every entry of a softmax average, in units of u(float32), against budgets of so many
# roundings (and 11 sums): the share of entries at which they are caught. 2u and 10u are the noise of the computation itself
# and never seen; 1000u, a relative error of 6e-5, escapes only where the terms of an entry nearly cancel.
CAUGHT = {
    **{(roundings, error): 0.0 for roundings in (7, 18, 60) for error in (2, 10)},
    (7, 1000): 0.96,
    (18, 1000): 0.93,
    (60, 1000): 0.84,
}


@pytest.fixture(scope="module")
def planted() -> dict[tuple[int, int], float]:
    generator = torch.Generator().manual_seed(10091)
    shares: dict[tuple[int, int], list[float]] = {key: [] for key in CAUGHT}
    for _ in range(60):
        x, W, v = (torch.randint(-128, 128, shape, generator=generator).double() / 64 for shape in ((2, 3), (3, 4), (4, 2)))
        for roundings, error in CAUGHT:
            bound = certified(average, (x, W, v), roundings=roundings, sums=11)
            wrong = bound.truth * (1 + error * FLOAT32.u)
            burst = (wrong - bound.truth).abs() > bound.allowed(FLOAT32)
            shares[roundings, error] += burst.double().flatten().tolist()
    return {key: sum(caught) / len(caught) for key, caught in shares.items()}


@pytest.mark.parametrize("roundings, error", CAUGHT)
def test_which_planted_errors_are_caught(planted: dict[tuple[int, int], float], roundings: int, error: int) -> None:
    print(
        f"a relative error of {error}u against a budget of {roundings} roundings: caught at {planted[roundings, error]:.0%} of the entries"
    )
    assert planted[roundings, error] == pytest.approx(CAUGHT[roundings, error], abs=0.05)


@given(error=st.sampled_from([1e-5, -1e-4, 1e-3]), x=dyadic(3, denominator=16))
def test_a_planted_error_is_caught_exactly_where_arithmetic_says_so(error: float, x: Tensor) -> None:
    """For a product of two inputs S = 3 |y|, so a relative error e bursts a budget of one rounding iff |e| > 6 u / (1 - 2u)."""
    bound = certified(lambda xp, x: x * x, (x,), roundings=1, sums=0)
    burst = (bound.truth * error).abs() > bound.allowed(FLOAT32)
    threshold = 3 * 2 * FLOAT32.u / (1 - 2 * FLOAT32.u)
    assert burst.tolist() == [abs(error) > threshold and value != 0 for value in bound.truth.tolist()]


def test_a_third_of_an_input_shows_a_sum_that_is_kept_in_float32() -> None:
    X = tensor(*range(1, 31)).reshape(5, 6)
    bound = certified(lambda xp, X: X.cumsum(0), (X,), roundings=0, sums=5)
    of_thirds = third(bound)
    in_float32 = lambda X: X.float().cumsum(0).double()
    share = lambda got, bound: largest_share((got - bound.truth).abs(), bound.allowed(Executor("cpu", torch.float64)))[0]
    assert share(in_float32(X), bound) == 0 and share(in_float32(X / 3), of_thirds) > 1
    assert share((X / 3).cumsum(0), of_thirds) < 1


def test_an_underflow_is_no_error_and_a_small_number_is_one() -> None:
    x = tensor(60.0, 0.0)
    definition = lambda xp, x: xp.exp(-x * x / 8)
    bound = certified(definition, (x,), roundings=5, sums=0, exponent=450)
    allowed = bound.allowed(FLOAT32)
    assert bound.truth[0] < 1e-190 and allowed[0] > bound.truth[0]  # float32 returns 0 there
    assert allowed[0] < 1e-35 and 0 < allowed[1] < 1e-6


def test_uncertain_exponents_widen_the_budget() -> None:
    narrow, wide = (Bound(tensor(1.0), tensor(1.0), roundings=9, exponent=z).allowed(FLOAT32) for z in (0.0, 1e5))
    assert wide / narrow == pytest.approx(math.exp(4 * 10 * 2**-24 * 1e5))
