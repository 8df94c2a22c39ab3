"""Polynomial identity by random integer points: what it accepts, what it refuses, what it declines to judge."""

from __future__ import annotations

import re

import pytest
import torch

from oracles.evidence import Refuted, Unsettled, recording
from oracles.polynomial import same_polynomial

SHAPES = ((2, 3), (3, 2))
product = lambda A, B: A @ B


def judged(f, truth=product, shapes=SHAPES, seed=0):
    with recording() as record:
        same_polynomial("A B", f, truth, shapes, degree=2, seed=seed)
    return record


def test_another_way_to_write_it_is_the_same_polynomial() -> None:
    record = judged(lambda A, B: (B.T @ A.T).T)
    assert record.comparisons == 8 * 4
    assert record.certificates["A B"].endswith(f"{(2 / 127) ** 8:.1e} for each shape")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda A, B: torch.zeros(2, 2, dtype=A.dtype),
        lambda A, B: A @ B + 1,
        lambda A, B: A @ B + (A[0, 0] == 1),
        lambda A, B: A[:, :2] @ B[:2],
        lambda A, B: (A @ B).T,
        lambda A, B: (A @ B)[:1],
        lambda A, B: A @ B * torch.nan,
    ],
)
def test_another_polynomial_is_refuted(wrong) -> None:
    with pytest.raises(Refuted, match="A B: another polynomial"):
        for seed in range(20):  # the third differs at one point in 127
            judged(wrong, seed=seed)


def test_a_refutation_says_what_differs() -> None:
    with pytest.raises(Refuted, match=r"A B: another polynomial: got (.*), truth (.*)$") as seen:
        judged(lambda A, B: A @ B + torch.tensor([[0, 0], [1, 1]]))
    got, want = ([int(n) for n in re.findall(r"-?\d+(?=\.0)", part)] for part in str(seen.value).split(", truth "))
    assert [a - b for a, b in zip(got, want, strict=True)] == [0, 0, 1, 1]
    with pytest.raises(Refuted, match=r"another polynomial: got \[\[[^,]*\], \[[^,]*\]\], truth \[\[.*, .*\], \[.*, .*\]\]$"):
        judged(lambda A, B: (A @ B)[:, :1])


def test_integers_that_float64_cannot_hold_are_not_judged() -> None:
    with pytest.raises(Unsettled, match="2\\^53"):
        judged(lambda A, B: (A @ B) ** 5, truth=lambda A, B: (A @ B) ** 5)
