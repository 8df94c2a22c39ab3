"""Devices and dtypes inside one property: what is accepted, what is refuted, what is broken, and what is left unsaid."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from impls.attention.softmax import softmax
from oracles.ball import certified
from oracles.budget import Bound
from oracles.evidence import BadOutput, Refuted, Unsettled, recording
from oracles.executors import FAULTS, Executor, Executors, Reassociated
from strategies.tensors import dyadic

SOUND = Executors.available()


def example(n: int = 64, rows: int = 4) -> tuple[tuple[Tensor, ...], Bound]:
    """A matrix times a vector; the sums of its dyadic entries happen to be exact in float32, which `rounded_product` avoids."""
    generator = torch.Generator().manual_seed(n)
    A, x = (torch.randint(-128, 128, shape, generator=generator).double() / 128 for shape in ((rows, n), (n, 1)))
    truth, terms = A @ x, A.abs() @ x.abs()  # exact in float64 too: 14 bits a product and 8 for the sum
    return (A, x), Bound(truth, 2 * terms + truth.abs(), roundings=1, sums=n)


def product(A: Tensor, x: Tensor) -> Tensor:
    return A @ x


def rounded_product(A: Tensor, x: Tensor) -> Tensor:
    return A.exp() @ x


def test_a_correct_subject_holds_on_every_executor_and_is_counted_there() -> None:
    inputs, bound = example()
    with recording() as record:
        SOUND.hold("A x", product, inputs, bound)
    ran = {key: row for key, row in record.rows.items() if not row.not_run}
    assert {arithmetic for device, arithmetic in ran if device == "cpu"} == {
        f"{name}{note}" for name in ("float64", "float32", "bfloat16") for note in ("", " reassociated")
    }
    assert all(row.comparisons == 4 and 0 <= row.share <= 1 and row.at.startswith("A x") for row in ran.values())
    assert all(row.agreement <= 1 for (_, arithmetic), row in ran.items() if "reassociated" in arithmetic)


def test_reassociation_changes_bits_and_stays_inside_the_budget() -> None:
    inputs, _ = example(64)
    bound = certified(lambda xp, A, x: xp.exp(A) @ x, inputs, roundings=2, sums=64)
    plain, other = Executor("cpu", torch.float32), Executor("cpu", torch.float32, "reassociated", mode=Reassociated)
    assert not torch.equal(plain.run(rounded_product, inputs), other.run(rounded_product, inputs))
    with recording() as record:
        Executors((plain, other)).hold("exp(A) x", rounded_product, inputs, bound)
    assert 0 < record.rows["cpu", "float32 reassociated"].agreement < 1


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x @ x.T,
        lambda x: x[None] @ x.T[None],
        lambda x: x @ x[0],
        lambda x: x[0] @ x[0],
        lambda x: x.sum(),
        lambda x: x.sum(0),
        lambda x: x.sum((0, 1)),
        lambda x: x.sum(-1, keepdim=True),
        lambda x: x.sum(()),
        softmax,
    ],
)
@given(x=dyadic(3, 4))
def test_reassociation_is_the_same_mathematics(f: Callable[[Tensor], Tensor], x: Tensor) -> None:
    with Reassociated():
        other = f(x)
    torch.testing.assert_close(other, f(x), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_executor_is_refuted(fault: str, dtype: torch.dtype) -> None:
    inputs, bound = example(rows=20_000)
    faulty = Executors(tuple(executor for executor in Executors.available(fault=fault).present if executor.dtype is dtype))
    subject = lambda A, x: (A * (1 + 2.0**-11)) @ x / (1 + 2.0**-11)  # values with bits for the fault to lose
    sound = Executors((Executor("cpu", dtype),))
    bound = Bound(bound.truth, bound.scale, roundings=4, sums=64)
    with recording():
        sound.hold("A x", subject, inputs, bound)
        with pytest.raises(Refuted, match=f"x the error budget on cpu float.* {fault}: got .*, truth .*, allowed error"):
            faulty.hold("A x", subject, inputs, bound)


@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_executors_say_what_they_are_and_run_no_second_fault(fault: str) -> None:
    present = Executors.available(only=("cpu",), fault=fault).present
    assert {executor.arithmetic for executor in present} == {f"{name} {fault}" for name in ("float64", "float32", "bfloat16")}


@pytest.mark.parametrize(
    "returned, sentence",
    [
        (lambda y: y[:2], r"A x: returned shape \(2, 1\) on cpu float64, expected \(4, 1\)"),
        (lambda y: y.T, r"A x: returned shape \(1, 4\) on cpu float64, expected \(4, 1\)"),
        (lambda y: y.half(), "returned torch.float16 on cpu for inputs in torch.float64 on cpu: take both from the inputs"),
        (lambda y: y.double(), "returned torch.float64 on cpu for inputs in torch.float32 on cpu"),
        (lambda y: y.to("meta"), "returned torch.float64 on meta for inputs in torch.float64 on cpu"),
        (lambda y: y.tolist(), "returned list on cpu float64, expected a tensor"),
        (lambda y: None, "returned NoneType on cpu float64, expected a tensor"),
        (lambda y: (y, y), "returned tuple on cpu float64, expected a tensor"),
    ],
)
def test_what_is_no_answer_is_broken_and_not_refuted(returned: Callable[[Tensor], object], sentence: str) -> None:
    inputs, bound = example()
    with recording(), pytest.raises(BadOutput, match=sentence):
        SOUND.hold("A x", lambda A, x: returned(A @ x), inputs, bound)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_refuted_with_an_infinite_share(value: float) -> None:
    inputs, bound = example()
    with recording() as record, pytest.raises(Refuted, match=rf"A x at \[2, 0\]: inf x the error budget on cpu float64: got {value}"):
        SOUND.hold("A x", lambda A, x: torch.where(torch.arange(4)[:, None] == 2, value, A @ x), inputs, bound)
    assert record.rows["cpu", "float64"].share == math.inf


def test_an_error_where_none_is_allowed_is_refuted() -> None:
    zero = torch.zeros(2, dtype=torch.float64)
    bound = certified(lambda xp, x: x * x, (zero,), roundings=1, sums=0)
    with recording():
        SOUND.hold("x^2", lambda x: x * x, (zero,), bound)
        with pytest.raises(Refuted, match=r"2\.25e\+07 x the error budget on cpu float64: got 1e-300, truth 0"):
            SOUND.hold("x^2", lambda x: x * x + 1e-300, (zero,), bound)  # only what an underflow can do is allowed


def test_an_executor_too_coarse_for_the_exponents_is_left_out() -> None:
    x = torch.tensor([100.0], dtype=torch.float64)
    bound = certified(lambda xp, x: xp.exp(-x), (x,), roundings=2, sums=0, exponent=100)
    with recording() as record:
        SOUND.hold("e^-x", lambda x: (-x).exp(), (x,), bound)
    judged = {arithmetic for (_, arithmetic), row in record.rows.items() if row.comparisons}
    assert judged == {"float64", "float32", "float64 reassociated", "float32 reassociated"}
    beyond = certified(lambda xp, x: xp.exp(-x), (x,), roundings=2, sums=0, exponent=1e17)
    with recording(), pytest.raises(Unsettled, match="e.-x: exponents up to 1e.17 are beyond every executor"):
        SOUND.hold("e^-x", lambda x: (-x).exp(), (x,), beyond)


def test_the_worst_entry_of_the_worst_executor_is_named() -> None:
    inputs, bound = example()
    wrong_in_float32 = lambda A, x: A @ x + (torch.arange(4)[:, None] == 3) * (1e-2 if A.dtype is torch.float32 else 0)
    with recording(), pytest.raises(Refuted, match=r"^A x at \[3, 0\]: \S+ x the error budget on cpu float32"):
        SOUND.hold("A x", wrong_in_float32, inputs, bound)


def test_the_difference_of_two_executors_is_recorded_as_a_share_of_both_budgets() -> None:
    cpu, other = Executor("cpu", torch.float32), Executor("cpu", torch.float32, "shifted")
    one = torch.ones(1, dtype=torch.float64)
    bound = Bound(one, one, roundings=999)
    room = bound.allowed(cpu).item()
    factors = iter((1 - 0.8 * room, 1 + 0.6 * room))
    with recording() as record:
        Executors((cpu, other)).hold("one", lambda x: x * next(factors), (one,), bound)
    assert [row.share for row in record.rows.values()] == pytest.approx([0.8, 0.6], rel=0.01)
    assert record.rows["cpu", "float32 shifted"].agreement == pytest.approx(0.7, rel=0.01)


@given(x=st.sampled_from([0.1, 1 + 2**-10, 2.0**-140, 1e39]))
def test_an_input_that_a_dtype_cannot_hold_is_unsettled(x: float) -> None:
    inputs = (torch.tensor([x], dtype=torch.float64),)
    bound = certified(lambda xp, x: x + 0, inputs, roundings=1, sums=0)
    with recording(), pytest.raises(Unsettled, match="an input is not representable in torch.(float32|bfloat16): draw it dyadic"):
        SOUND.hold("x", lambda x: x + 0, inputs, bound)


def test_a_subject_that_writes_into_its_inputs_does_not_change_what_the_next_executor_sees() -> None:
    inputs, bound = example()
    before = [x.clone() for x in inputs]

    def careless(A: Tensor, x: Tensor) -> Tensor:
        y = A @ x
        A.zero_(), x.zero_()
        return y

    with recording():
        SOUND.hold("A x", careless, inputs, bound)
    assert all(map(torch.equal, inputs, before))


def test_gradients_and_indices_pass_through() -> None:
    x, i = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64), torch.tensor([2, 0])
    bound = certified(lambda xp, x, i: x[i], (x, i), roundings=1, sums=0)
    with recording() as record:
        SOUND.hold("x_i", lambda x, i: x[i].requires_grad_(), (x, i), bound)
    assert record.comparisons == 2 * len(SOUND.present)


@pytest.mark.parametrize("device", ["cuda", "xpu", "mps"])
def test_an_absent_device_is_not_run_with_its_reason(device: str) -> None:
    only = Executors.available(only=("cpu", device))
    if device in only.names:
        pytest.skip(f"this machine has {device}")
    inputs, bound = example()
    with recording() as record:
        only.hold("A x", product, inputs, bound)
    rows = {arithmetic: row for (where, arithmetic), row in record.rows.items() if where == device}
    assert set(rows) == {"float64", "float32", "bfloat16"}
    assert all(row.not_run == f"no {device.upper()} device" and row.comparisons == 0 and row.share is None for row in rows.values())


def test_a_device_that_was_not_asked_for_is_not_run_with_its_reason() -> None:
    (row,) = {why for device, why in Executors.available(only=("cpu",)).absent if device == "cuda"}
    assert row in ("no CUDA device", "not among --device cpu")


def test_two_runs_record_the_same() -> None:
    inputs, bound = example()

    def rows():
        with recording() as record:
            SOUND.hold("A x", product, inputs, bound)
        return record.rows

    assert rows() == rows()
