"""The error of a computation as a number of roundings: how many stored tensors' worth of it there is.

Rounding z = m 2^e, 1 <= m < 2, to the nearest number of unit roundoff u leaves an error uniform within u 2^e, of mean square
u^2 4^e / 3 = (u z / m)^2 / 3. Where the scale of z is uniform over a factor of 2 on a logarithmic axis, so is m, whatever the law
of z, and E[1 / m^2] = 3 / (8 ln 2): the error has mean square kappa^2 u^2 z^2 with

    kappa^2 = 1 / (8 ln 2),    kappa = 0.4247.

To first order in u an output y, linear in every stored tensor, has the mean square error kappa^2 u^2 times the sum, over all
entries z of all stored tensors, of E[(z dy/dz)^2]. If the terms z dy/dz of a tensor, which add up to y, are uncorrelated, they
contribute E[y^2]: one rounding. So (error / (kappa u))^2 / E[y^2] counts the stored tensors that y depends on. Where the
terms are larger than their sum, because they cancel, the tensor counts for more.

Counts are ratios of sums over independent layers. Layers are added until both ends of the interval that the theory leaves
are at least Z standard errors away; for differences that are symmetric about 0 a sum lies Z times the root of its sum of squares
away from 0 with probability at most 2 e^(-Z^2 / 2), whatever their number (Efron 1969), and nearly so for others.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from oracles.attention import average, causal_mask, rotary_logits
from oracles.evidence import Refuted, Strength, Unsettled, compared, record

KAPPA2 = 1 / (8 * math.log(2))
ROUNDOFF = {torch.bfloat16: 2.0**-8, torch.float16: 2.0**-11, torch.float32: 2.0**-24}
Z = 6.5
ALPHA = 2 * math.exp(-(Z**2) / 2)  # of one count at one look
BATCHES = 100

Batch = tuple[Tensor, Tensor]  # squared errors in units of (kappa u)^2 and squared sizes, both (k, b), for k counts in b independent layers


def nearest(dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    """Rounding to the nearest number of `dtype`, kept as float64."""
    return lambda z: z.to(dtype).double()


def exact(
    x: Tensor, positions: Tensor, theta: Tensor, W_c: Tensor, W_q: Tensor, W_qr: Tensor, W_k: Tensor, W_kr: Tensor, W_v: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Logits (relative angles), values and outputs in float64; shapes as in impls/attention/rounded_mla.py."""
    v = x @ (W_c @ W_v)
    rotary = rotary_logits(torch, x @ W_qr, x @ W_kr, positions, positions, theta)
    logits = (x @ W_q @ (x @ W_c @ W_k).mT + rotary) / math.sqrt(W_q.shape[-1] + W_qr.shape[-1])
    return logits, v, average(torch, logits, v, causal_mask(x.shape[-2]))


def exact_streams(x: Tensor, positions: Tensor, theta: Tensor, layers: list[tuple[Tensor, ...]]) -> list[Tensor]:
    """The residual stream after 0, 1, 2, ... layers in float64, each layer `exact` on the normalised stream; shapes as in impls/attention/rounded_stack.py."""
    after = [x]
    for *weights, W_o in layers:
        outputs = exact(after[-1] / after[-1].square().mean(-1, keepdim=True).sqrt(), positions, theta, *weights)[2]
        after.append(after[-1] + torch.einsum("bstv,bsvd->btd", outputs, W_o)[:, None])
    return after


def passed_on(errors: Tensor, logits: Tensor, v: Tensor, outputs: Tensor) -> Tensor:
    """Bound, to first order, on what errors of the logits do to the outputs of each layer, squared: (b,).

    The outputs move by sum_i p_i e_i (v_i - o), whose square is at most (sum_i p_i e_i^2) (sum_i p_i |v_i - o|^2).
    """
    p = logits.exp().tril()
    p = p / p.sum(-1, keepdim=True)
    variance = (p @ v.square() - outputs.square()).sum(-1)
    return ((p * errors.square()).sum(-1) * variance).flatten(1).sum(-1)


def squared(x: Tensor) -> Tensor:
    """The squared size of every layer of a batch (b, ...): (b,)."""
    return x.square().flatten(1).sum(-1)


def counts_lie(expected: dict[str, tuple[float, float]], measure: Callable[[int], Batch]) -> list[float]:
    """The roundings counted under each name lie in its open interval; measure(i) runs the i-th batch. Returns the counts. Raises `Refuted`."""
    low, high = torch.tensor(list(expected.values()), dtype=torch.float64).T
    errors = sizes = torch.empty(len(expected), 0)
    for i in range(BATCHES):
        new = measure(i)
        errors, sizes = (torch.cat(parts, dim=-1) for parts in zip((errors, sizes), new, strict=True))
        count = errors.sum(-1) / sizes.sum(-1)
        doubt = Z * (errors - count[:, None] * sizes).norm(dim=-1) / sizes.sum(-1)
        outside = (count + doubt < low) | (count - doubt > high)
        inside = (count - doubt > low) & (count + doubt < high)
        if outside.any() or inside.all():
            break
    else:
        raise Unsettled(f"{BATCHES} batches leave counts of {count.tolist()}, each known to {doubt.tolist()}: too close to call")
    compared(len(expected), arithmetic="float64", strength=Strength.STATISTICAL)
    for (name, (l, h)), c, d, wrong in zip(expected.items(), count.tolist(), doubt.tolist(), outside.tolist(), strict=True):
        made = record().statistics.get(name, {}).get("comparisons", 0.0) + 1
        record().statistics[name] = {"statistic": c, "radius": d, "alpha": ALPHA, "comparisons": made}
        if wrong:
            raise Refuted(f"{name}: {c:.4g} roundings counted in {sizes.shape[1]} layers, between {l:.4g} and {h:.4g} expected")
    return count.tolist()
