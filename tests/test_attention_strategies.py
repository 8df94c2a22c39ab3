"""Contracts of the strategies of strategies/attention/: one line per corner, see tests/contracts.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from strategies.attention import heads, quantisation, rounded, sizes, turns, two_blocks
from strategies.attention.features import kernels, mixtures, pairs, soft_codes, untied
from strategies.attention.projections import biased
from strategies.attention.quantised import backward, blocks, futures, generic_backward, quantised, sequences, without_overflow
from strategies.tensors import few_bits
from tests.contracts import does_not_stay_in, reaches, stays_within


def hidden_layers() -> Any:
    return rounded.layers(d_r=(0, 8), hidden=("", "latent", "query"))


def of_format(format: torch.dtype) -> Callable[[Any], bool]:
    return lambda c: c.format is format


def of_hidden(where: str) -> Callable[[Any], bool]:
    return lambda c: c.hidden == where


def squares(c: Any) -> Tensor:
    return ((c.K[:, None] - c.C) ** 2).sum(-1)


def codes_used(c: Any) -> Tensor:
    return squares(c).argmin(-1).unique()


def logits_used(c: Any) -> Tensor:
    return c.Q @ c.C[codes_used(c)].T


def total_weights(c: Any) -> Tensor:
    return torch.exp(-((c.K[:, None] - c.omega) ** 2).sum(-1) / 2).sum(-1)


def norms(c: Any) -> Tensor:
    return c.omega.norm(dim=-1)


def of_one_norm(c: Any) -> bool:
    return len(c.omega) > 1 and bool((norms(c) - norms(c)[0]).abs().max() < 0.02 * norms(c)[0])


def two_smallest(c: Any) -> Tensor:
    return squares(c).sort(-1).values[:, :2]


def features_of_one_norm() -> Any:
    return kernels(one_norm=True)


def gaps(c: tuple[Tensor, Tensor]) -> Tensor:
    """Between the squared distances of a key's two nearest codes."""
    return ((c[0][:, None] - c[1]) ** 2).sum(-1).sort(-1).values[:, :2].diff(dim=-1)


REACHES = [
    (pairs, "q = k", lambda c: torch.equal(c.q, c.k) and bool(c.q.any())),
    (pairs, "q = -k", lambda c: torch.equal(c.q, -c.k) and bool(c.q.any())),
    (pairs, "one feature", lambda c: len(c.omega) == 1),
    (pairs, "one pair", lambda c: len(c.q) == 1),
    (pairs, "exponents beyond 20", lambda c: bool((c.k @ c.omega.T - (c.k**2).sum(-1)[:, None] / 2 > 20).any())),
    (pairs, "exponents below -20", lambda c: bool((c.k @ c.omega.T < -20).any())),
    (soft_codes, "a single key", lambda c: len(c.K) == 1 and c.family.startswith("1 key, ")),
    (soft_codes, "a single code", lambda c: len(c.omega) == 1 and "1 code of" in c.family),
    (soft_codes, "many codes of one norm", lambda c: len(c.omega) == 32 and of_one_norm(c) and "32 codes of one norm" in c.family),
    (soft_codes, "many codes of unequal norms", lambda c: len(c.omega) == 32 and not of_one_norm(c) and "32 Gaussian codes" in c.family),
    (soft_codes, "keys so far away that a denominator of 1e-6 is large", lambda c: bool((total_weights(c) < 1e-7).all())),
    (kernels, "keys whose norms differ twofold", lambda c: bool((c.K**2).sum(-1).max() > 2 * (c.K**2).sum(-1).min())),
    (features_of_one_norm, "more features than signed axes", lambda c: len(c.omega.unique(dim=0)) > 2 * c.omega.shape[1]),
    (untied, "two codes at almost one distance", lambda c: bool((gaps(c) < 0.02).any())),
    (untied, "three keys in three dimensions", lambda c: c[0].shape[1] == 3 <= len(c[0])),
    (mixtures, "a single key", lambda c: len(c.K) == 1),
    (mixtures, "a single code", lambda c: len(c.C) == 1),
    (mixtures, "keys that are the codebook", lambda c: torch.equal(c.K, c.C) and len(c.C) > 1),
    (mixtures, "a key between two codes", lambda c: len(c.C) > 1 and bool((two_smallest(c).diff(dim=-1) == 0).any())),
    (mixtures, "logits of 16 Q beyond 88, where exp overflows in float32", lambda c: bool((16 * logits_used(c)).max() > 88)),
    (quantised, "one token", lambda c: len(c.K) == 1),
    (quantised, "one code", lambda c: len(c.C) == 1),
    (quantised, "more codes than tokens", lambda c: len(c.C) > len(c.K) > 1),
    (quantised, "a code twice in the codebook", lambda c: len(c.C.unique(dim=0)) < len(c.C)),
    (quantised, "unused codes", lambda c: len(codes_used(c)) < len(c.C)),
    (quantised, "logits beyond 88 of codes in use, where exp overflows in float32", lambda c: bool(logits_used(c).max() > 88)),
    (
        quantised,
        "an unused code that leads by 104, where the others vanish",
        lambda c: bool(((c.Q @ c.C.T).amax(-1) - logits_used(c).amax(-1)).max() > 104),
    ),
    (quantised, "keys that float32 calls a tie", lambda c: not torch.equal(c.K.float().double(), c.K)),
    (
        quantised,
        "a nearest code that is not so in absolute values",
        lambda c: not torch.equal((c.K[:, None] - c.C).abs().sum(-1).argmin(-1), squares(c).argmin(-1)),
    ),
    (blocks, "one block", lambda c: c.l == len(c.Q) > 1),
    (blocks, "blocks of one token", lambda c: c.l == 1 < len(c.Q)),
    (blocks, "four blocks", lambda c: len(c.Q) == 4 * c.l),
    (blocks, "logits beyond 88 of codes in use", lambda c: bool((c.Q @ c.C[c.z].T).max() > 88)),
    (blocks, "one code", lambda c: len(c.C) == 1),
    (sequences, "one sequence of many tokens", lambda c: c.l == len(c.Q) > 4),
    (sequences, "logits beyond 88 of codes in use", lambda c: bool((c.Q @ c.C[c.z].T).max() > 88)),
    (without_overflow, "one code", lambda c: len(c.C) == 1),
    (without_overflow, "unused codes", lambda c: len(codes_used(c)) < len(c.C)),
    (without_overflow, "more codes than tokens", lambda c: len(c.C) > len(c.K) > 1),
    (two_blocks.biased, "the largest window that fits", lambda c: bool(c.f[c.l] != 0)),
    (two_blocks.biased, "one block", lambda c: c.l == len(c.Q)),
    (two_blocks.clipped, "the largest window that fits", lambda c: c.w == c.l + 1),
    (two_blocks.clipped, "a window inside a block", lambda c: c.w < c.l),
    (two_blocks.history, "four blocks", lambda c: len(c.Q) == 4 * c.l),
    (two_blocks.history, "two blocks, where nothing is lost", lambda c: len(c.Q) == 2 * c.l),
    (quantisation.moved, "keys that stay", lambda c: torch.equal(c.K, c.K_hat)),
    (
        quantisation.moved,
        "keys that all move alike",
        lambda c: len(c.K) > 1 and len((c.K_hat - c.K).unique(dim=0)) == 1 and bool((c.K != c.K_hat).any()),
    ),
    (quantisation.moved, "logits that change by more than 20", lambda c: bool(((c.K_hat - c.K) @ c.Q.T).abs().max() > 20)),
    (quantisation.repeated, "three codes in use", lambda c: len(c.z.unique()) == 3),
    (quantisation.clusters, "a code without keys", lambda c: len(c[1]) > len(c[0])),
    (quantisation.clusters, "a code twice", lambda c: any(c[1].count(code) > 1 for code in c[1])),
    (backward, "one token", lambda c: len(c.Q) == 1),
    (backward, "eight tokens", lambda c: len(c.Q) == 8),
    (backward, "one code", lambda c: len(c.C) == 1),
    (backward, "tokens of one code and unequal values", lambda c: len(c.z.unique()) < len(c.z) and len(c.V.unique(dim=0)) == len(c.V)),
    (heads.side_by_side, "one token", lambda c: len(c.x) == 1),
    (heads.side_by_side, "three heads", lambda c: c.h == 3),
    (heads.side_by_side, "keys and values of other sizes", lambda c: c.W_k.shape[1] != c.W_v.shape[1]),
    (heads.side_by_side, "logits beyond 88, where exp overflows in float32", lambda c: c.largest_logit > 88 * c.W_q.shape[1] ** 0.5),
    (heads.rotary_grouped, "one token", lambda c: len(c.x) == 1),
    (heads.rotary_grouped, "one group for all heads (MQA)", lambda c: len(c.W_k) == 1 < len(c.W_q)),
    (heads.rotary_grouped, "one group per head (MHA)", lambda c: len(c.W_k) == len(c.W_q) > 1),
    (heads.rotary_grouped, "three groups of two heads", lambda c: 2 * len(c.W_k) == len(c.W_q) == 6),
    (heads.rotary_grouped, "two rotary blocks", lambda c: len(c.theta) == 2),
    (heads.rotary_grouped, "a gap between positions", lambda c: bool((c.positions.diff() > 1).any())),
    (heads.low_rank, "keys and values of other sizes", lambda c: c.d_k != c.d_v),
    (heads.low_rank, "one number less than d", lambda c: c.g * (c.d_k + c.d_v) == c.d - 1),
    (heads.low_rank, "heads of the usual size", lambda c: c.h * c.d_k == c.h * c.d_v == c.d),
    (heads.low_rank, "one group for all heads (MQA)", lambda c: c.g == 1 < c.h),
    (sizes.sharing, "a latent that caches exactly as much as one head", lambda c: c.latent and c.d_c + c.d_r == c.d_k + c.d_v),
    (sizes.sharing, "MQA of many heads", lambda c: not c.latent and c.g == 1 and c.h >= 32),
    (sizes.sharing, "groups in between", lambda c: not c.latent and 1 < c.g < c.h),
    (sizes.latent_sizes, "a latent of less than half of a key and a value", lambda c: 2 * c.d_c < c.d_k + c.d_v),
    (sizes.latent_sizes, "a latent of exactly half of them", lambda c: 2 * c.d_c == c.d_k + c.d_v),
    (sizes.latent_sizes, "a latent of twice as much", lambda c: c.d_c >= 2 * (c.d_k + c.d_v)),
    (sizes.serial_cheaper, "the largest head that is cheaper", lambda c: (c.d_k + 1) * (c.d_in + c.d_c) >= c.d_in * c.d_c),
    (sizes.serial_cheaper, "widths with a tie", lambda c: c.d_in * c.d_c % (c.d_in + c.d_c) == 0),
    (sizes.decoders, "groups in between", lambda c: 1 < c.g < c.h),
    (biased, "ALiBi's slopes", lambda c: bool((c.bias[:, 1:, 0] == -c.bias[:, :1, 1]).all()) and c.bias[0, 0, 1] == 0.5),
    (biased, "any bias", lambda c: bool((c.bias.diagonal(dim1=1, dim2=2) != 0).any())),
    (biased, "three heads", lambda c: len(c.W_q) == 3),
    (biased, "a latent smaller than the keys", lambda c: c.W_c.shape[1] < c.W_q.shape[2]),
    *((hidden_layers, f"{format}", of_format(format)) for format in rounded.FORMATS),
    *((rounded.stacks, f"{format}", of_format(format)) for format in rounded.FORMATS),
    *((hidden_layers, f"hidden: {where!r}", of_hidden(where)) for where in ("", "latent", "query")),
    (turns.rotary_heads, "one head", lambda c: c.h == 1),
    (turns.rotary_heads, "more heads than the latent has dimensions", lambda c: c.h > c.d_c),
    (turns.rotary_heads, "a latent of the size of one key", lambda c: c.d_c == c.d_k),
    (turns.rotary_heads, "two frequencies", lambda c: len(c.tangents) == 2),
    (turns.rotary_heads, "matrices of fewer than d_k entries", lambda c: c.d * c.d_c < c.d_k),
    (turns.rotated_latents, "keys smaller than the latent", lambda c: c.d_k < c.d_c),
    (turns.rotated_latents, "two frequencies", lambda c: len(c.tangents) == 2),
    (turns.rotated_latents, "a quarter turn per position", lambda c: 1 in c.tangents),
]

LEAVES = [
    (pairs, "q = 0 or k = 0", lambda c: not (c.q.any() and c.k.any())),
    (soft_codes, "a single key or code", lambda c: min(len(c.K), len(c.omega)) == 1),
    (soft_codes, "codes of unequal norms", lambda c: len(c.omega) > 1 and not of_one_norm(c)),
    (mixtures, "keys that are the codebook, where nothing is lost", lambda c: torch.equal(c.K, c.C)),
    (quantised, "one token or one code", lambda c: min(len(c.K), len(c.C)) == 1),
    (blocks, "one block, which has no state", lambda c: c.l == len(c.Q)),
    (backward, "one token, whose gradients are 0", lambda c: len(c.Q) == 1),
    (sequences, "one sequence, whose state is not reset, or one token each", lambda c: c.l in (1, len(c.Q))),
    (two_blocks.biased, "one or two blocks, where nothing is far", lambda c: len(c.Q) <= 2 * c.l),
    (two_blocks.clipped, "one or two blocks, where nothing is far", lambda c: len(c.Q) <= 2 * c.l),
    (two_blocks.history, "one or two blocks, where nothing is far", lambda c: len(c.Q) <= 2 * c.l),
    (futures, "one block, without a state", lambda c: c[2] == len(c[0].Q)),
    (quantisation.moved, "one key, or keys that all move alike, where nothing is lost", lambda c: len((c.K_hat - c.K).unique(dim=0)) == 1),
    (heads.side_by_side, "one head or one token, where no mix-up shows", lambda c: c.h == 1 or len(c.x) == 1),
    (heads.rotary_grouped, "one group or one head per group, where no grouping is wrong", lambda c: len(c.W_k) in (1, len(c.W_q))),
    (heads.rotary_grouped, "one token, where every softmax is right", lambda c: len(c.x) == 1),
    (
        heads.rotary_grouped,
        "consecutive positions from 0, which a decoder can count",
        lambda c: torch.equal(c.positions, torch.arange(len(c.x)).double()),
    ),
    (heads.low_rank, "d_k = d_v, where the middle is the right cut", lambda c: c.d_k == c.d_v),
    (sizes.latent_sizes, "one head", lambda c: c.h == 1),
    (sizes.sharing, "one group per head, which saves nothing", lambda c: not c.latent and c.g == c.h),
    (biased, "one head, where no order of slopes is wrong", lambda c: len(c.W_q) == 1),
    (biased, "d_k = 1, where the scale is 1", lambda c: c.W_q.shape[2] == 1),
    (hidden_layers, "nothing hidden, where all orders lose the same", lambda c: not c.hidden),
    (turns.rotary_heads, "one head, which no latent is shared by", lambda c: c.h == 1),
]

NEVER_LEAVES = [
    (features_of_one_norm, "one norm exactly", lambda c: len((c.omega**2).sort(-1).values.unique(dim=0)) == 1),
    (kernels, "more than one key and feature", lambda c: min(len(c.K), len(c.omega)) > 1),
    (untied, "a single nearest code for every key", lambda c: bool((gaps(c) > 0).all())),
    *(
        (strategy, "what bfloat16 holds", lambda c: all(torch.equal(few_bits(x), x) for x in c.tensors))
        for strategy in (pairs, soft_codes, mixtures, backward, blocks, heads.rotary_grouped)
    ),
    (heads.side_by_side, "what bfloat16 holds", lambda c: all(torch.equal(few_bits(x), x) for x in c.tensors[:-1])),
    (heads.low_rank, "a cache of fewer than d numbers", lambda c: c.g * (c.d_k + c.d_v) < c.d and c.h % c.g == 0),
    (sizes.sharing, "at least what one head caches", lambda c: not c.latent or c.d_c + c.d_r >= c.d_k + c.d_v),
    (sizes.serial_cheaper, "heads for which the serial order is cheaper", lambda c: 0 < c.d_k * (c.d_in + c.d_c) < c.d_in * c.d_c),
    (generic_backward, "three tokens and more, beyond a window of two", lambda c: len(c.Q) >= 3),
    (generic_backward, "a code shared by tokens of different values", lambda c: bool(c.z[0] == c.z[1] and (c.V[0] != c.V[1]).any())),
    (without_overflow, "logits that float32 can take the exponential of", lambda c: bool((c.Q @ c.C.T).abs().max() <= 64)),
    (two_blocks.biased, "windows that fit", lambda c: not c.f[c.l + 1 :].any()),
    (
        two_blocks.clipped,
        "windows that fit, codes and frequencies that rotate",
        lambda c: 0 < c.w <= c.l + 1 and bool(c.C.all() and c.theta.all()),
    ),
    (quantisation.repeated, "shared codes and unused ones", lambda c: len(c.z.unique()) < min(len(c.z), len(c.C))),
    (quantised, "what bfloat16 holds, keys apart", lambda c: all(torch.equal(few_bits(x), x) for x in (c.Q, c.V, c.C))),
    (biased, "what bfloat16 holds", lambda c: all(torch.equal(few_bits(x), x) for x in c.tensors)),
    (biased, "two tokens and more", lambda c: len(c.x) > 1),
    (turns.rotary_heads, "latents smaller than all keys together", lambda c: c.d_c < c.h * c.d_k),
    (turns.rotary_heads, "different angles, none of them 0", lambda c: 0 not in c.tangents and len(set(c.tangents)) == len(c.tangents)),
    (turns.rotated_latents, "two latents and more", lambda c: c.n > 1),
]


test_reaches = reaches(REACHES)
test_does_not_stay_in = does_not_stay_in(LEAVES)
test_stays_within = stays_within(NEVER_LEAVES)
