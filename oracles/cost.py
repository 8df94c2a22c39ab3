"""Cost of a program, counted and not timed: multiply-accumulates of its matrix products, numbers written by all its operations.

The second count is what a flop counter leaves out: an n x n array that is filled without a matrix product.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from oracles.evidence import Strength, require


class Cost(NamedTuple):
    macs: int
    written: int


class _Written(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        got = func(*args, **(kwargs or {}))
        if not func.is_view:
            self.numbers += sum(x.numel() for x in (got if isinstance(got, (tuple, list)) else (got,)) if isinstance(x, Tensor))
        return got


def cost(f: Callable[..., Any], *inputs: Any) -> Cost:
    """What f(*inputs) costs; inputs on the meta device are counted without being computed."""
    with FlopCounterMode(display=False) as flops, _Written() as written:
        f(*inputs)
    return Cost(flops.get_total_flops() // 2, written.numbers)


def beyond_linear(costs_at: Callable[[int], Cost]) -> Cost:
    """Second difference of the cost at 1, 2 and 3 times the length: zero in both counts exactly where both are affine there."""
    one, two, three = map(costs_at, (1, 2, 3))
    return Cost(*(a - 2 * b + c for a, b, c in zip(one, two, three, strict=True)))


def linear(what: str, costs_at: Callable[[int], Cost], strength: Strength) -> None:
    """The cost of `what` is affine in the length. Raises `Refuted`. strength: that of the claim which this cost is a part of."""
    grown = beyond_linear(costs_at)
    why = f"{what}: the cost is not linear in the length, its second difference is {grown}"
    require(grown == (0, 0), why, comparisons=2, strength=strength)
