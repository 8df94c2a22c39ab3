"""Error budgets: how far a correct program may be from the truth, from the conditioning of the very case at hand.

Let y = f(x_1..x_m) be computed by additions, multiplications, divisions and elementary functions, with inputs that are
exact. Every rounding replaces an intermediate z by z (1 + delta), |delta| <= u, and moves y by dy/dz * z * delta to
first order.

Take one layer of the computation, the roundings that happen at the same step of it. In a product with a matrix w,
z = sum_j w_j x_j, each of the n roundings of the accumulation moves y by at most |dy/dz| sum_j |w_j x_j| u, and because
dy/dw_j = (dy/dz) x_j, this is sum_j |dy/dw_j| |w_j| u: the conditioning of y with respect to the inputs w already
measures it. So with weights counted among the inputs

    S = sum_j |dy/dx_j| |x_j| + |y|

bounds the effect of one rounding in every entry of one layer, and a computation with k layers of roundings obeys

    |computed - true| <= k u / (1 - k u) * S                                              (gamma_k of Higham, 2002, ch. 3)

to first order in u outside the fraction. For exp(z) inside a softmax the layer contributes p_i |v_i - y| u <= S u, and
the subtraction of the maximum m contributes p_i |v_i - y| (|z_i| + |m|) u, where p_i |m| <= p_i (|z_i| + |z_i - m|) and
x e^-x <= 1/e: one more layer.

An exponential is not of first order where its exponent z is uncertain by d = k u |z|: the weights of a softmax then move
by factors up to e^(2d), and each term p_i |v_i - y|, a mean over pairs weighted by p_i p_j, by up to e^(4d). The budget
carries that factor, and an executor on which d would exceed one half is not judged on such a case.

An intermediate that underflows is off by at most the smallest normal number. What that does to y is at most the derivative
of y, a product of entries of the inputs (a softmax divides by 1 at least, and doubles): `reach`, twice the product over
all inputs of max(1, sum |x_j|), bounds it by far, and is still nothing beside any value that is not itself an underflow.

One assumption is not proved here: an input that enters several products has its derivatives summed before the modulus is
taken, so contributions of opposite sign may cancel in S while their roundings do not. A definition therefore takes uses
that can cancel as separate inputs (`oracles.attention.mla`: the positions of queries and of keys), and what is left is
absorbed by charging every layer with the whole of S. The share of the budget that is really used stands in the report.

c is therefore a count, not a choice: k = `roundings` (operations along the longest path whose result is stored) +
`sums` (terms accumulated along that path). They are kept apart because hardware that stores bfloat16 accumulates in
float32. The probabilistic bound lambda * sqrt(k) of Higham and Mary (2019) would replace k only where k > lambda^2; at
a false-alarm probability of 1e-15 that is k > 70, which no claim's cases reach, so the certain bound is used.

What this can see: tests/test_budget.py plants relative errors of 2u, 10u and 1000u and prints which are caught.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.func import jacrev

from oracles.evidence import Unsettled

if TYPE_CHECKING:
    from oracles.executors import Executor


UNCERTAIN = 0.5  # uncertainty of an exponent, or of S itself, up to which first-order bounds are used


@dataclass(frozen=True)
class Bound:
    """The truth of one case with its budget, entry by entry.

    truth: float64, rounded once from a value known to more digits. scale: S above, same shape. roundings, sums: layers
    of roundings in the longest path of any way to compute it that the claim admits. exponent: the largest |z| of an
    exponential e^z on the way. reach: how far an underflow on the way can move an entry, as a multiple of its size.
    """

    truth: Tensor
    scale: Tensor
    roundings: int
    sums: int = 0
    exponent: float = 0.0
    reach: float = 0.0

    def __post_init__(self) -> None:
        if self.truth.shape != self.scale.shape or self.truth.numel() == 0:
            raise Unsettled(
                f"truth {tuple(self.truth.shape)} and scale {tuple(self.scale.shape)} must be equal shapes with entries in them"
            )
        if not (self.truth.isfinite().all() and self.scale.isfinite().all()):
            raise Unsettled("the truth of this case or its conditioning is not finite in float64: draw smaller values")

    def layers(self, executor: Executor) -> float:
        """k u: what the roundings of all layers add up to, relative to S."""
        return (self.roundings + 1) * executor.u + self.sums * executor.u_sum  # + 1: the truth is itself rounded

    def resolves(self, executor: Executor) -> bool:
        """Whether the first order says anything here: a logit of 500 in bfloat16 is uncertain by more than which key wins."""
        return self.layers(executor) * max(self.exponent, 1.0) <= UNCERTAIN

    def allowed(self, executor: Executor) -> Tensor:
        """The largest error that a correct program may have on this executor, same shape as the truth."""
        layers = self.layers(executor)
        if not self.resolves(executor):
            raise Unsettled(
                f"{self.roundings} roundings, {self.sums} sums and exponents up to {self.exponent:.3g} exceed what "
                f"{executor.arithmetic} can bound: draw smaller shapes"
            )
        underflows = (self.roundings + self.sums) * torch.finfo(executor.dtype).tiny * self.reach
        return layers / (1 - layers) * math.exp(4 * layers * self.exponent) * self.scale + underflows


def third(bound: Bound) -> Bound:
    """The bound where an input that the result is linear in is divided by 3: in float64 it then has 53 bits.

    Sums of the cases' own 8-bit numbers are exact even in float32, so that they hide a sum that is kept there. Two more
    roundings: the input's and the truth's.
    """
    return replace(bound, truth=bound.truth / 3, scale=bound.scale / 3, roundings=bound.roundings + 2)


def conditioning(f: Callable[..., Tensor], inputs: tuple[Tensor, ...]) -> Tensor:
    """S of the module docstring for y = f(*inputs), in float64, one value per entry of y.

    f is the oracle's own definition, never the subject: a subject must not earn itself a larger budget.
    """
    exact = tuple(x.double() if x.is_floating_point() else x for x in inputs)
    varying = tuple(i for i, x in enumerate(exact) if x.is_floating_point() and x.numel())

    def of_varying(*values: Tensor) -> Tensor:
        full = list(exact)
        for i, value in zip(varying, values, strict=True):
            full[i] = value
        return f(*full)

    y = f(*exact)
    derivatives = jacrev(of_varying, argnums=tuple(range(len(varying))))(*(exact[i] for i in varying))
    scale = y.abs()
    for i, derivative in zip(varying, derivatives, strict=True):
        terms = (derivative * exact[i]).abs()
        scale = scale + terms.reshape(*y.shape, -1).sum(-1)
    return torch.as_tensor(scale)
