"""The cost counter: counts by hand, linear programs that must pass, and disguises of quadratic work that must not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from oracles.cost import Cost, beyond_linear, cost, linear
from oracles.evidence import BadOutput, Refuted, Strength


def of_length(f: Callable[[Tensor], object]) -> Callable[[int], Cost]:
    return lambda length: cost(f, torch.ones(4 * length, 3, dtype=torch.float64))


def in_blocks_of_64(x: Tensor) -> Tensor:
    padded = torch.cat([x, x.new_zeros(-len(x) % 64, 3)])
    return (padded @ padded.T @ padded)[: len(x)]


LINEAR = {
    "summed once for all": lambda x: x @ (x.T @ x),
    "a loop over rows": lambda x: torch.stack([row * 2 for row in x]),
    "a loop that picks rows from a table": lambda x: torch.stack([x[torch.tensor([i])] for i in range(len(x))]),
    "a scan": lambda x: x.cumsum(0),
}
QUADRATIC = {
    "a product": lambda x: x @ x.T @ x,
    "a contraction": lambda x: torch.einsum("id,jd,je->ie", x, x, x),
    "fused attention": lambda x: torch.nn.functional.scaled_dot_product_attention(x[None], x[None], x[None]),
    "a product with every row": lambda x: torch.cat([(x @ row).sum()[None] for row in x]),
    "pairs that are written": lambda x: (x[:, None] * x).sum(1),
    "pairs that are only read": lambda x: x[None].expand(len(x), -1, -1).sum(1),
    "prefixes": lambda x: torch.stack([x[:i].sum(0) for i in range(len(x))]),
    "distances": lambda x: torch.cdist(x, x).sum(),
    "a padded block": in_blocks_of_64,
    "a gradient": torch.func.grad(lambda x: (x @ x.T).softmax(-1).square().sum()),
}
OUTSIDE = {
    "numpy": lambda x: torch.from_numpy(x.numpy() @ x.numpy().T),
    "a numpy function": lambda x: np.exp(np.asarray(x)),
    "lists": lambda x: torch.tensor([sum(row) for row in x.tolist()]),
    "the buffer": lambda x: np.from_dlpack(x),
}


def test_a_product_is_counted_as_by_hand() -> None:
    assert cost(torch.matmul, torch.ones(2, 3), torch.ones(3, 5)) == Cost(macs=2 * 3 * 5, moved=6 + 15 + 10)


def test_an_input_without_storage_costs_the_same() -> None:
    assert cost(torch.matmul, torch.ones(2, 3, device="meta"), torch.ones(3, 5, device="meta")) == Cost(30, 31)


@pytest.mark.parametrize("f", LINEAR.values(), ids=LINEAR)
def test_linear_programs_pass(f: Callable[[Tensor], object]) -> None:
    linear("program", of_length(f), Strength.EXACT)


@pytest.mark.parametrize("f", QUADRATIC.values(), ids=QUADRATIC)
def test_quadratic_programs_are_refuted(f: Callable[[Tensor], object]) -> None:
    assert max(beyond_linear(of_length(f))) > 0
    with pytest.raises(Refuted, match="not linear"):
        linear("program", of_length(f), Strength.EXACT)


@pytest.mark.parametrize("f", OUTSIDE.values(), ids=OUTSIDE)
def test_work_outside_of_torch_is_no_answer(f: Callable[[Tensor], object]) -> None:
    with pytest.raises(BadOutput, match="outside of torch"):
        cost(f, torch.ones(4, 3))
