"""Cost of a program, counted and not timed: multiply-accumulates of its matrix products, numbers moved by all its operations.

The second count is what a flop counter leaves out: an n x n array that is filled without a matrix product, or one that is only
read, as a stretched view that is summed. What neither would see is opened or refused: fused attention is counted step by step,
and a program that hands its tensors to other libraries is no answer. A fused kernel of torch's own counts as its operands and results.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from oracles.evidence import BadOutput, Strength, require

aten = torch.ops.aten
PICKS = (aten.index.Tensor, aten.index_select.default, aten.gather.default, aten.embedding.default)  # read no more than they return
EXITS = ("numpy", "tolist", "__array__", "__dlpack__", "data_ptr", "untyped_storage", "storage")
LENGTHS = (1, 9, 17)  # far enough apart for work in padded blocks of 64 to show


class Cost(NamedTuple):
    macs: int
    moved: int


class _Counted(TorchDispatchMode):
    """Counts operations of products by torch's own formulas, and the entries of every operation's operands and results.

    Views are free, but an operand has all entries of its view.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops = self.numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        got = func(*args, **(kwargs or {}))
        if not func.is_view:
            read = args[1:] if func in PICKS else args
            self.numbers += sum(x.numel() for x in tree_leaves((read, kwargs, got)) if isinstance(x, Tensor))
            if func.overloadpacket in flop_registry:
                self.flops += flop_registry[func.overloadpacket](*args, **(kwargs or {}), out_val=got)
        return got


class _Inside(TorchFunctionMode):
    """Refuses to let numbers out to where nothing counts them."""

    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        if getattr(func, "__name__", "") in EXITS:
            raise BadOutput(f"calls Tensor.{func.__name__}: what is done outside of torch cannot be counted")
        return func(*args, **(kwargs or {}))


def cost(f: Callable[..., Any], *inputs: Any) -> Cost:
    """What f(*inputs) costs; inputs on the meta device are counted without being computed. Raises `BadOutput` if f leaves torch."""
    with _Counted() as counted, _Inside(), sdpa_kernel(SDPBackend.MATH):
        f(*inputs)
    return Cost(counted.flops // 2, counted.numbers)


def beyond_linear(costs_at: Callable[[int], Cost]) -> Cost:
    """Second difference of the cost at equally spaced multiples of the length: zero in both counts exactly where both are affine there."""
    one, two, three = map(costs_at, LENGTHS)
    return Cost(*(a - 2 * b + c for a, b, c in zip(one, two, three, strict=True)))


def linear(what: str, costs_at: Callable[[int], Cost], strength: Strength) -> None:
    """The cost of `what` is affine in the length. Raises `Refuted`. strength: that of the claim which this cost is a part of."""
    grown = beyond_linear(costs_at)
    why = f"{what}: the cost is not linear in the length, its second difference is {grown}"
    require(grown == (0, 0), why, comparisons=2, strength=strength)
