"""Vector-quantise the keys and attention becomes linear in the length: Transformer-VQ (post 9844), forward.

Every form of the attention is held against dense attention over the gathered keys; costs are counted. Gradients: test_9844_vq_gradients.py.
"""

from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np
import torch
from hypothesis import example, given

from claims import Finding, Kind, Post, claim, counterexample, subjects, variant
from impls.attention import picking, transformer_vq, vq_blocks, vq_causal, vq_decoder, vq_two_blocks
from impls.attention.transformer_vq import one_hot, weights
from oracles.attention import average, causal_mask
from oracles.ball import certified
from oracles.budget import third
from oracles.cost import cost, linear
from oracles.evidence import Strength, measured, require
from strategies.attention.quantised import (
    Blocks,
    blocks,
    futures,
    many_blocks,
    many_tokens,
    quantised,
    sequences,
    ties_and_overflow,
    without_overflow,
)
from strategies.attention.two_blocks import Biased, biased

POST = Post(
    9844,
    date="2023-11-09",
    topic="attention",
    title="Vector-quantise the keys, and the complexity of the Transformer becomes linear",
    sections={
        "Just VQ it": "VQ一下",
        "Encoder": "Encoder",
        "Decoder": "Decoder",
        "Local enhancement": "局域增强",
        "Gradient backpropagation": "梯度回传",
        "Divergent thinking": "发散思考",
        "Local enhancement and divergent thinking": "局域增强与发散思考",
        "Results and divergent thinking": "实验结果与发散思考",
    },
    stands="Replacing each key by its code makes attention linear in the length: the forms for encoder and decoder, token by token and in "
    "blocks, equal dense attention over the codes to rounding, and with a fixed codebook causality holds to the bit. Two printed "
    r"details are wrong: the recursion's $U_i$ is the sum over $j \le i$, and the condition on $B$ is reversed: free within the "
    r"window, 0 beyond. The low rank holds without a causal mask only; with one the rank is full. ReRoPE fits for $w \le l + 1$. That "
    "exact straight-through gradients have no linear scheme is refuted: they cost $O(n c d_k d_v)$, which pays for long sequences "
    "only. Stopping the gradient of $U$ loses the far part for keys and values, nothing for queries.",
    zh=dict(
        title="VQ一下Key，Transformer的复杂度就变成线性了",
        stands="把每个 Key 换成其编码，注意力的代价就关于长度是线性的：Encoder 与 Decoder 的各种形式，无论逐个 token 还是分块，"
        "都在舍入误差内等于对编码的稠密注意力；编码表固定时，因果性逐比特成立。文中有两处细节写错："
        r"递归式中的 $U_i$ 是对 $j \le i$ 求和；$B$ 的条件写反了，应是窗口内任取、窗口外为 0。低秩只在没有因果掩码时成立，"
        r"有掩码则是满秩。ReRoPE 在 $w \le l + 1$ 时适配。“精确的 STE 梯度没有线性方案”被推翻：其代价为 $O(n c d_k d_v)$，"
        "不过只在序列很长时才划算。停掉 $U$ 的梯度，Key 与 Value 损失远处的部分，Query 没有损失。",
    ),
)


def all_tokens(n):
    return np.ones((n, n), dtype=int)


def bidirectional_average(xp, Q, K, V):
    return average(xp, Q @ K.T, V, all_tokens(len(Q)))


def causal_average(xp, Q, K, V):
    return average(xp, Q @ K.T, V, causal_mask(len(Q)))


def nearest_codes(K, C):
    """The definition, square by square, in fractions."""
    keys, codes = ([[Fraction(entry) for entry in row] for row in x.tolist()] for x in (K, C))
    distances = [[sum((k - c) ** 2 for k, c in zip(key, code, strict=True)) for code in codes] for key in keys]
    return [row.index(min(row)) for row in distances]


def times(length, *tensors):
    """The tokens repeated to `length` times as many."""
    return tuple(x.repeat(length, *[1] * (x.dim() - 1)) for x in tensors)


def exponentials_and_values(xp, Q, K, V):
    """exp(Q K^T) beside exp(Q K^T) V."""
    weights = xp.exp(Q @ K.T)
    return xp.concatenate([weights, weights @ V], -1)


def with_rows(change):
    """The identity with other rows than one-hot ones, on both sides."""
    return variant(picking, assignments=lambda z, C: change(one_hot(z, C)))


@claim(
    POST,
    "picking-trick-identity",
    section="Encoder",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    says=r"For one-hot rows $\exp(Q C^\top \Delta^\top) = \exp(Q C^\top) \Delta^\top$, hence $\exp(Q \hat K^\top) V = \exp(Q C^\top)(\Delta^\top V)$.",
    scope=r"Every row of $\Delta$ has exactly one 1.",
    found=r"Holds, and the product with $\Delta^\top$ is exact to the bit: a sum of which all terms but one vanish. It needs exactly one 1 in each row, as a padded row gives 1 on the left "
    r"and 0 on the right, and exponentials that do not overflow, as $\infty \cdot 0$ is no number.",
    limits="At most 4 queries, 12 keys and 8 codes (24 queries and 24 keys in one case); logits up to 64, where no dtype overflows.",
    if_fails="a row is soft, empty or that of another key, or the exponential is taken after the values are summed",
    effort=0.5,
    zh=dict(
        says=r"当 $\Delta$ 的每行都是 one-hot 时，$\exp(Q C^\top \Delta^\top) = \exp(Q C^\top) \Delta^\top$，"
        r"从而 $\exp(Q \hat K^\top) V = \exp(Q C^\top)(\Delta^\top V)$。",
        scope=r"$\Delta$ 的每一行恰有一个 1。",
        found=r"成立，且乘以 $\Delta^\top$ 这一步逐比特精确：求和中除一项外全为零。它要求每行恰有一个 1，因为填充的空行会使左边为 1、"
        r"右边为 0；还要求指数不溢出，因为 $\infty \cdot 0$ 不是数。",
        limits="至多 4 个 Query、12 个 Key、8 个编码（另有一例 Query 与 Key 各 24 个）；logits 不超过 64，此时各数据类型都不溢出。",
        if_fails="某一行是 soft 的、空的或属于另一个 Key，或者先对 Value 求和再取指数",
        names={
            "exp of the picked logits at [#, #]": "先挑出 logits 再取指数，位置 [#, #]",
            "picked exponentials at [#, #]": "先取指数再挑出，位置 [#, #]",
            "values summed first at [#, #]": "先对 Value 求和，位置 [#, #]",
        },
    ),
)
@subjects(
    picking,
    soft_rows=with_rows(lambda Delta: (3 * Delta + Delta.roll(1, -1)) / 4),
    empty_row=with_rows(lambda Delta: torch.cat([Delta[:-1], 0 * Delta[-1:]])),
    row_of_the_key_before=with_rows(lambda Delta: Delta.roll(1, 0)),
    exponential_after_the_values=variant(picking, values_first=lambda Q, C, Delta, V: (Q @ C.T @ (Delta.T @ V)).exp()),
    every_key_counted_once=variant(picking, values_first=lambda Q, C, Delta, V: (Q @ C.T).exp() @ (Delta.T @ V).sign()),
)
@example(case=many_tokens())
@given(case=without_overflow())
def test_exponential_commutes_with_picking(subject, case, executors):
    Q, K, V, C = case.tensors
    z = torch.tensor(nearest_codes(K, C))
    exponent = (Q @ C.T).abs().max()
    # Stored: logit, its pick (or that of the exponential), exponential (2), sum per code, sum over codes. Summed: the logit, codes, tokens.
    layers = {"roundings": 6, "sums": C.shape[1] + len(C) + len(K), "exponent": exponent}
    both = certified(exponentials_and_values, (Q, C[z], V), **layers)
    of_keys, of_values = (
        replace(both, truth=both.truth[:, part], scale=both.scale[:, part]) for part in (slice(len(K)), slice(len(K), None))
    )
    given_codes = lambda side: lambda Q, z, C, *V: side(Q, C, subject.assignments(z, C), *V)
    executors.hold("exp of the picked logits", given_codes(subject.exponential_of_picked), (Q, z, C), of_keys)
    executors.hold("picked exponentials", given_codes(subject.picked_exponentials), (Q, z, C), of_keys)
    executors.hold("values summed first", given_codes(subject.values_first), (Q, z, C, V), of_values)
    table = (Q @ C.T).exp()
    picked = subject.picked_exponentials(Q, C, subject.assignments(z, C))
    require(
        torch.equal(picked, table[:, z]),
        f"{case}: the product with Delta is off by {(picked - table[:, z]).abs().max():.3g}",
        comparisons=picked.numel(),
    )


def encoder(attend):
    return variant(transformer_vq, attention=attend)


def counts_dropped(Q, z, V, C):
    counts = one_hot(z, C).sum(0)
    used, means = (counts > 0).to(C.dtype), (one_hot(z, C).T @ V) / counts.clamp(min=1)[:, None]
    return weights(Q @ C.T, used) @ means


def divided_by_n(Q, z, V, C):
    return (Q @ C.T).exp() @ (one_hot(z, C).T @ V) / len(Q)


def exponentials_as_printed(Q, z, V, C):
    A, Delta = (Q @ C.T).exp(), one_hot(z, C)
    return A @ (Delta.T @ V) / (A @ Delta.sum(0))[:, None]


def maximum_over_all_codes(Q, z, V, C):
    logits, Delta = Q @ C.T, one_hot(z, C)
    A = (logits - logits.amax(-1, keepdim=True)).exp()
    return A @ (Delta.T @ V) / (A @ Delta.sum(0))[:, None]


def quadratic(Q, z, V, C):
    return (Q @ C[z].T).softmax(-1) @ V


def fused(Q, z, V, C):
    return torch.nn.functional.scaled_dot_product_attention(Q[None], C[z][None], V[None], scale=1.0)[0]


def by_inner_product(K, C):
    return (K @ C.T).argmax(-1)


@claim(
    POST,
    "encoder-attention-equals-dense-vq-attention",
    section="Encoder",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    headline=True,
    says=r"With keys replaced by their codes, $\hat K = \Delta C$, attention $\mathrm{softmax}(Q \hat K^\top) V$ equals $\exp(Q C^\top)(\Delta^\top V)$ over the "
    r"same with $V = 1$, at a cost of order $n c d_k + n c d_v$: linear in the length.",
    scope="A fixed codebook; the post leaves out the logit scale, the search for the codes and the overflow of the exponentials.",
    found=r"Holds to precision in every dtype, if the maximum is taken over the codes in use only. Counted with the search of the codes, the cost is exactly linear in $n$ and "
    r"meets that of quadratic attention at $n = 2c$ tokens.",
    limits="At most 12 tokens (24 in one case) and 8 codes; costs are compared at up to 17 times as many tokens. Operations and the numbers they move are counted, not timed; "
    "kernels that torch fuses itself, attention apart, count as their operands and results.",
    if_fails="the maximum is taken over all codes, or a code counts once however many keys have it",
    effort=0.5,
    zh=dict(
        says=r"把 Key 换成其编码 $\hat K = \Delta C$ 后，"
        r"注意力 $\mathrm{softmax}(Q \hat K^\top) V$ 等于 $\exp(Q C^\top)(\Delta^\top V)$ 除以把 $V$ 换成 $1$ 的同一式，"
        "复杂度为 $n c d_k + n c d_v$ 量级，关于长度是线性的。",
        scope="编码表固定；文中略去了 logits 的缩放因子、编码的搜索以及指数的溢出。",
        found="在各种数据类型下都在舍入误差内成立，前提是只在被用到的编码中取最大值。把编码的搜索也计入，代价关于 $n$ 严格线性，"
        "在 $n = 2c$ 个 token 处与二次注意力持平。",
        limits="至多 12 个 token（另有一例 24 个）、8 个编码；比较代价时 token 数至多为 17 倍。只统计运算次数及其读写的数的个数，"
        "不计时；除注意力外，torch 自行融合的 kernel 按其操作数与结果计。",
        if_fails="最大值取自所有编码，或者一个编码无论对应多少个 Key 都只计一次",
        names={
            "attention at [#, #]": "注意力，位置 [#, #]",
            "attention, values of # bits at [#, #]": "注意力（# 比特的 Value），位置 [#, #]",
            "attention to means at [#, #]": "对各编码的 Value 均值的注意力，位置 [#, #]",
            "tokens per code at which linear attention, search included, costs as much as quadratic": "线性注意力（含编码搜索）与二次注意力代价持平时，token 数与编码数之比",
        },
    ),
)
@subjects(
    transformer_vq,
    counts_dropped=encoder(counts_dropped),
    divided_by_n=encoder(divided_by_n),
    exponentials_as_printed=encoder(exponentials_as_printed),
    maximum_over_all_codes=encoder(maximum_over_all_codes),
    quadratic_in_the_length=encoder(quadratic),
    quadratic_but_fused=encoder(fused),
    quadratic_beside_the_means=variant(transformer_vq, attention_to_means=quadratic),
    log_counts_left_out=variant(transformer_vq, attention_to_means=counts_dropped),
    nearest_by_inner_product=variant(transformer_vq, nearest=by_inner_product),
    nearest_by_absolute_values=variant(transformer_vq, nearest=lambda K, C: (K[:, None] - C).abs().sum(-1).argmin(-1)),
    nearest_in_float32=variant(transformer_vq, nearest=lambda K, C: transformer_vq.nearest(K.float(), C.float())),
    highest_index_on_ties=variant(transformer_vq, nearest=lambda K, C: len(C) - 1 - transformer_vq.nearest(K, C.flip(0))),
)
@example(case=ties_and_overflow())
@example(case=many_tokens())
@given(case=quantised())
def test_encoder_equals_dense_attention_over_codes(subject, case, executors):
    Q, K, V, C = case.tensors
    n, c, d_k = len(K), *C.shape
    z = torch.tensor(nearest_codes(K, C))
    # Stored on the longest path: logit, maximum (2), exponential (2), count times weight, their sum, quotient, sum per code, average.
    # Summed: the logit, then over codes and over tokens, in the numerator and in the denominator.
    truth = certified(bidirectional_average, (Q, C[z], V), roundings=10, sums=d_k + 2 * (c + n), exponent=(Q @ C.T).abs().max())
    executors.hold("attention", subject.attention, (Q, z, V, C), truth)
    executors.only(torch.float64).hold("attention, values of 53 bits", subject.attention, (Q, z, V / 3, C), third(truth))
    # Eight more: quotient of the mean, logarithm of a count, below 3, and its sum with the logit, each up to three times the unit.
    executors.hold("attention to means", subject.attention_to_means, (Q, z, V, C), replace(truth, roundings=truth.roundings + 8))
    got = subject.nearest(K, C).tolist()
    require(got == z.tolist(), f"codes of the keys: got {got}, nearest {z.tolist()}", comparisons=n, strength=Strength.BUDGET)

    def with_search(attend, length):
        Q_, K_, V_ = times(length, Q, K, V)
        return cost(lambda: attend(Q_, subject.nearest(K_, C), V_, C))

    for name in ("attention", "attention_to_means"):
        linear(f"search and {name}", partial(with_search, getattr(subject, name)), Strength.BUDGET)
    quadratic_macs = cost(quadratic, Q, z, V, C).macs
    measured(
        "tokens per code at which linear attention, search included, costs as much as quadratic",
        n / c * with_search(subject.attention, 1).macs / quadratic_macs,
    )


def each_sequence_alone(case):
    """1 where a token sees another: the ones before it, and itself, in its own sequence."""
    return np.kron(np.eye(len(case.Q) // case.l, dtype=int), causal_mask(case.l))


def decoder(step):
    """The recurrence with another step."""
    return variant(vq_decoder, recurrent=partial(vq_decoder.recurrent, step=step))


def read_before_the_update(U, q, z, v, C):
    return vq_decoder.read(q, U, C), vq_decoder.step(U, q, z, v, C)[1]


def counts_not_accumulated(U, q, z, v, C):
    U = vq_decoder.step(U, q, z, v, C)[1]
    now = torch.cat([U[..., :-1], vq_decoder.arrivals(z, v, C)[..., -1:]], dim=-1)
    return vq_decoder.read(q, now, C), U


def state_carried_over(Q, z, V, C):
    """The second sequence of the batch starts from where the first one ended."""
    return vq_decoder.recurrent(Q.flatten(0, 1)[None], z.flatten()[None], V.flatten(0, 1)[None], C).reshape(V.shape)


def without_itself(Q, z, V, C):
    arriving = vq_decoder.arrivals(z, V, C)
    return vq_decoder.read(Q, arriving.cumsum(-3) - arriving, C)


@claim(
    POST,
    "decoder-cumsum-and-rnn",
    section="Decoder",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    says=r"Causal attention over quantised keys is $O_i = \exp(Q_i C^\top) \sum_{j \le i} \Delta_j^\top V_j$, normalised, or token by token $O_i = \exp(Q_i C^\top) U_i$ "
    r"with $U_i = U_{i-1} + \Delta_i^\top V_i$ and $U_{-1} = 0$.",
    scope="Fixed codebook, no bias that depends on positions.",
    found=r"Holds to precision after every step, for every sequence of a batch.",
    limits="At most 9 tokens in up to three sequences.",
    if_fails="a token does not see itself, counts are not accumulated, or the state of one sequence is left to the next",
    effort=0.4,
    zh=dict(
        says=r"对量化后的 Key，因果注意力即 $O_i = \exp(Q_i C^\top) \sum_{j \le i} \Delta_j^\top V_j$（再归一化），"
        r"也可逐个 token 递归：$O_i = \exp(Q_i C^\top) U_i$，其中 $U_i = U_{i-1} + \Delta_i^\top V_i$，$U_{-1} = 0$。",
        scope="编码表固定，没有依赖于位置的偏置。",
        found="在每一步之后、对 batch 中的每个序列，都在舍入误差内成立。",
        limits="至多 9 个 token，分属至多三个序列。",
        if_fails="token 看不到自己，计数没有累加，或者一个序列的状态留给了下一个序列",
        names={
            "sum over the past at [#, #]": "对过去求和，位置 [#, #]",
            "token by token at [#, #]": "逐个 token 递归，位置 [#, #]",
            "token by token, values of # bits at [#, #]": "逐个 token 递归（# 比特的 Value），位置 [#, #]",
        },
    ),
)
@subjects(
    vq_decoder,
    read_before_the_update=decoder(read_before_the_update),
    counts_not_accumulated=decoder(counts_not_accumulated),
    state_carried_over=variant(vq_decoder, recurrent=state_carried_over),
    state_in_float32=decoder(lambda U, *token: vq_decoder.step(U.float().to(U.dtype), *token)),
    sum_without_the_token_itself=variant(vq_decoder, cumulative=without_itself),
    sum_over_all_tokens=variant(
        vq_decoder, cumulative=lambda Q, z, V, C: vq_decoder.read(Q, vq_decoder.arrivals(z, V, C).sum(-3, keepdim=True), C)
    ),
)
@given(case=sequences())
def test_decoder_equals_dense_causal_attention(subject, case, executors):
    Q, z, V, C = case.tensors
    n, c, d_k = len(Q), *C.shape
    dense = lambda xp, Q, K, V: average(xp, Q @ K.T, V, each_sequence_alone(case))
    # As in the encoder, with one addition to the state for every token.
    truth = certified(dense, (Q, C[z], V), roundings=10 + case.l, sums=d_k + 2 * (c + n), exponent=(Q @ C.T).abs().max())

    def in_a_batch(form):
        return lambda Q, z, V, C: form(*(x.unflatten(0, (-1, case.l)) for x in (Q, z, V)), C).flatten(0, 1)

    executors.hold("sum over the past", in_a_batch(subject.cumulative), case.tensors, truth)
    executors.hold("token by token", in_a_batch(subject.recurrent), case.tensors, truth)
    executors.only(torch.float64).hold("token by token, values of 53 bits", in_a_batch(subject.recurrent), (Q, z, V / 3, C), third(truth))


def block_form(change):
    """The block form with `change(Q, z, V, C, U, l)` of its arguments on the way in."""
    return variant(vq_blocks, attention=lambda *args: vq_blocks.attention(*change(*args)))


def updated_before_it_is_read(Q, z, V, C, U, l):
    return Q, z, V, C, torch.cat([U[1:], U[-1:]]), l


def one_block_late(Q, z, V, C, U, l):
    return Q, z, V, C, torch.cat([U[:1], U[:-1]]), l


def only_the_last_block(Q, z, V, C, U, l):
    return Q, z, V, C, torch.cat([U[:1], U.diff(dim=0)]), l


def masked(diagonal):
    """Dense attention to the keys below that diagonal: 0 leaves out the token itself, 1 is causal."""

    def attention(Q, z, V, C):
        logits = Q @ C[z].T
        return logits.masked_fill(torch.ones_like(logits).triu(diagonal).bool(), -torch.inf).softmax(-1) @ V

    return attention


def column(*entries):
    return torch.tensor(entries, dtype=torch.float64)[:, None]


READINGS = {
    "recursion": lambda subject, *args: subject.recursion(*args),
    "printed definition": lambda subject, *args: subject.printed_closed_form(*args),
}


@claim(
    POST,
    "block-recursion-off-by-one",
    section="Decoder",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS_IN_SCOPE,
    headline=True,
    says=r"In blocks of length $l$, causal attention over quantised keys is $O_{[i]} = \exp(Q_{[i]} \hat K_{[i]}^\top + M) V_{[i]} + \exp(Q_{[i]} C^\top) U_{i-1}$, "
    r"normalised, with $U_i = U_{i-1} + \Delta_{[i]}^\top V_{[i]}$, where $U_i = \sum_{j < i} \Delta_{[j]}^\top V_{[j]}$.",
    scope="Length a multiple of the block length, fixed codebook.",
    found=r"The recursion is right from $U_{-1} = 0$, to precision, for one block, blocks of one token and everything between, at a cost linear in the number of blocks. "
    r"The definition printed above it is off by one and nothing else: the recursion sums over $j \le i$. With the sum over $j < i$ the formula is right with $U_i$ in place of $U_{i-1}$; "
    r"as printed, block $i$ does not see block $i - 1$.",
    limits="At most 9 tokens (24 in one case). With a single block the state is never read, and the two readings agree.",
    if_fails="the state is updated before it is read, or lacks the block just before",
    effort=0.5,
    zh=dict(
        says="按长度 $l$ 分块，"
        r"对量化后的 Key 的因果注意力可写成 $O_{[i]} = \exp(Q_{[i]} \hat K_{[i]}^\top + M) V_{[i]} + \exp(Q_{[i]} C^\top) U_{i-1}$（再归一化），"
        r"$U_i = U_{i-1} + \Delta_{[i]}^\top V_{[i]}$；文中同时定义 $U_i = \sum_{j < i} \Delta_{[j]}^\top V_{[j]}$。",
        scope="序列长度是块长的整数倍，编码表固定。",
        found="从 $U_{-1} = 0$ 出发，递归式在舍入误差内成立，只有一块、每块一个 token 以及介于其间的分块都是如此，"
        r"代价关于块数是线性的。文中在它之前给出的定义仅仅错了一个下标：递归式其实是对 $j \le i$ 求和。若 $U_i$ 对 $j < i$ 求和，"
        "则把式中的 $U_{i-1}$ 换成 $U_i$ 就对了；照文中的写法，第 $i$ 块看不到第 $i - 1$ 块。",
        limits="至多 9 个 token（另有一例 24 个）。只有一块时状态从不被读取，两种读法一致。",
        if_fails="状态在读取之前就更新了，或者缺了紧邻的前一块",
        names={
            "attention in blocks at [#, #]": "分块的注意力，位置 [#, #]",
            "attention in blocks, values of # bits at [#, #]": "分块的注意力（# 比特的 Value），位置 [#, #]",
            "printed definition, read one block later at [#, #]": "文中的定义，推后一块读取，位置 [#, #]",
        },
    ),
)
@subjects(
    vq_blocks,
    printed_definition=variant(vq_blocks, recursion=vq_blocks.printed_closed_form),
    updated_before_it_is_read=block_form(updated_before_it_is_read),
    one_block_late=block_form(one_block_late),
    only_the_last_block=block_form(only_the_last_block),
    strict_mask=variant(vq_blocks, attention=lambda Q, z, V, C, U, l: masked(0)(Q, z, V, C)),
    state_in_float32=block_form(lambda Q, z, V, C, U, l: (Q, z, V, C, U.float().to(U.dtype), l)),
    no_mask=variant(vq_blocks, attention=lambda Q, z, V, C, U, l: quadratic(Q, z, V, C)),
    quadratic_in_the_length=variant(vq_blocks, attention=lambda Q, z, V, C, U, l: masked(1)(Q, z, V, C)),
)
@counterexample(
    "two blocks of one token, all logits 0, values 0 and 1: the second output is their mean 1/2, but 1 with the printed definition, which leaves block 0 out",
    "两块，每块一个 token，logits 全为 0，Value 为 0 和 1：第二个输出应为均值 1/2，按文中的定义却是 1，因为漏掉了第 0 块",
    case=Blocks(column(0, 0), torch.tensor([0, 0]), column(0, 1), column(0), l=1, reading="printed definition"),
)
@example(case=many_blocks())
@given(case=blocks())
def test_block_recursion_equals_dense_causal_attention(subject, case, executors):
    Q, z, V, C = case.tensors
    n, c, d_k, l = len(Q), *C.shape, case.l

    def blockwise(Q, z, V, C):
        return subject.attention(Q, z, V, C, READINGS[case.reading](subject, z, V, C, l), l)

    # Stored on the longest path: logit, maximum (2), exponential (2), count times weight, their sum, quotient, sum per code and
    # block, one addition to the state per block, average. Summed: the logit, and over tokens and codes, above and below.
    truth = certified(causal_average, (Q, C[z], V), roundings=10 + n // l, sums=d_k + 2 * (c + n), exponent=(Q @ C.T).abs().max())
    executors.hold("attention in blocks", blockwise, (Q, z, V, C), truth)
    executors.only(torch.float64).hold("attention in blocks, values of 53 bits", blockwise, (Q, z, V / 3, C), third(truth))

    def read_one_later(Q, z, V, C):
        U = vq_blocks.printed_closed_form(z, V, C, l)
        return subject.attention(Q, z, V, C, torch.cat([U[1:], U[-1:]]), l)

    # What is wrong with the printed definition is the index alone: with U_i in place of U_(i-1) it is right.
    executors.only(torch.float64).hold("printed definition, read one block later", read_one_later, (Q, z, V, C), truth)
    linear("attention in blocks", lambda length: cost(blockwise, *times(length, Q[:l], z[:l], V[:l]), C), Strength.BUDGET)


def biased_average(xp, Q, K, V, f):
    """Attention with the bias f_(i-j) for every pair, near or far."""
    tokens = np.arange(len(Q))
    distance = np.maximum(tokens[:, None] - tokens, 0)
    return average(xp, Q @ K.T + f[distance if xp is np else xp.as_tensor(distance)], V, causal_mask(len(Q)))


def two_blocks(change):
    return variant(vq_two_blocks, attention=lambda *args: vq_two_blocks.attention(*change(*args)))


def nearest_block_twice(Q, K, V, C, U, f, l):
    return Q, K, V, C, torch.cat([U[1:], U[-1:]]), f, l


def ones_before_the_first_block(Q, K, V, C, U, f, l):
    """A block of zero keys and values in front, which counts in the denominator."""
    padded = (torch.cat([0 * x[:l], x]) for x in (Q, K, V))
    return vq_two_blocks.attention(*padded, C, torch.cat([U[:1], U]), f, l)[l:]


def bias_in_its_own_block_only(Q, K, V, C, U, f, l):
    own = f[vq_two_blocks.distances(l, f.device)[:, l:].clamp(min=0)]
    B = torch.cat([torch.zeros_like(own), own], dim=-1)
    q = Q.unflatten(0, (-1, l))
    return vq_two_blocks.attend(q @ vq_two_blocks.nearest_two(K, l).mT + B, q @ C.T, V, U, l)


def one_token_per_block(*f):
    """Blocks of one token, all logits 0 but for the bias f_0, f_1, ..., values 0, 1, ..."""
    zeros = column(*(0 * x for x in f))
    return Biased(zeros, zeros[:, 0].long(), column(*range(len(f))), column(0), torch.tensor(f, dtype=torch.float64), l=1)


@claim(
    POST,
    "local-bias-and-two-block-form",
    section="Local enhancement",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS_IN_SCOPE,
    says=r"With a bias $B$ on nearby pairs, $O_{[i]} = e^{Q_{[i]} \hat K_{[i]}^\top + B_{[i,i]}} V_{[i]} + e^{Q_{[i]} \hat K_{[i-1]}^\top + B_{[i,i-1]}} V_{[i-1]} + e^{Q_{[i]} C^\top} U_{i-2}$, normalised, "
    r"where $B_{ij} = 0$ for $i < j$ or $i - j \le l$.",
    scope=r"$B_{ij} = f(i - j)$, fixed codebook, $V_{[-1]} = U_{[-1]} = U_{[-2]} = 0$.",
    found=r"The formula holds to precision with the opposite condition: $B_{ij}$ free for $0 \le i - j \le l$, $0$ beyond, and $-\infty$ for $i < j$, since there is no mask beside it. $l$ is the largest window: "
    r"at distance $l + 1$ the first row of a block already reaches into $U_{i-2}$. The ones of the denominator vanish before the first block as the values do.",
    limits="At most 9 tokens in up to five blocks; fewer than three have no far ones.",
    if_fails="the state holds a near block too, or keys before the first block count in the denominator",
    effort=0.5,
    zh=dict(
        says="加上只影响邻近位置的偏置 $B$ 后，"
        r"$O_{[i]} = e^{Q_{[i]} \hat K_{[i]}^\top + B_{[i,i]}} V_{[i]} + e^{Q_{[i]} \hat K_{[i-1]}^\top + B_{[i,i-1]}} V_{[i-1]} + e^{Q_{[i]} C^\top} U_{i-2}$（再归一化），"
        r"文中写的条件是 $i < j$ 或 $i - j \le l$ 时 $B_{ij} = 0$。",
        scope="$B_{ij} = f(i - j)$，编码表固定，$V_{[-1]} = U_{[-1]} = U_{[-2]} = 0$。",
        found=r"条件反过来，公式就在舍入误差内成立：$0 \le i - j \le l$ 时 $B_{ij}$ 任取，更远处为 $0$，$i < j$ 时为 $-\infty$，"
        "因为式中没有另外的 Mask。$l$ 是最大的窗口：距离为 $l + 1$ 时，块的第一行就已经伸进 $U_{i-2}$。在第一块之前，"
        "分母中的 1 与 Value 一样取零。",
        limits="至多 9 个 token，分成至多五块；不足三块时没有远处的块。",
        if_fails="状态里也含有邻近的块，或者第一块之前的 Key 被计入分母",
        names={
            "two-block form at [#, #]": "两块形式，位置 [#, #]",
        },
    ),
)
@subjects(
    vq_two_blocks,
    nearest_block_twice=two_blocks(nearest_block_twice),
    two_blocks_back_left_out=two_blocks(lambda Q, K, V, C, U, f, l: (Q, K, V, C, vq_two_blocks.before(U), f, l)),
    ones_before_the_first_block=variant(vq_two_blocks, attention=ones_before_the_first_block),
    bias_in_its_own_block_only=variant(vq_two_blocks, attention=bias_in_its_own_block_only),
    window_one_shorter=two_blocks(lambda Q, K, V, C, U, f, l: (Q, K, V, C, U, torch.cat([f[:l], 0 * f[l:]]), l)),
    bias_one_position_late=two_blocks(lambda Q, K, V, C, U, f, l: (Q, K, V, C, U, f.roll(1), l)),
)
@counterexample(
    "as printed, with a bias beyond $l$ alone: blocks of one token, a bias of 3 from distance 2 on, which the form in blocks never reads",
    "照文中的条件，只在 $l$ 之外有偏置：每块一个 token，从距离 2 起偏置为 3，分块形式根本读不到它",
    case=one_token_per_block(0, 0, 3, 3),
)
@counterexample(
    "a window one longer: blocks of one token, a bias of 3 at distance 2, in the block that is already summed up",
    "窗口多一格：每块一个 token，距离 2 处的偏置为 3，落在已经求和的块里",
    case=one_token_per_block(0, 0, 3, 0),
)
@given(case=biased())
def test_two_block_form_equals_dense_biased_attention(subject, case, executors):
    Q, z, V, C, f, l = case.tensors
    n, c, d_k = len(Q), *C.shape
    exponent = (Q @ C.T).abs().max() + f.abs().max()
    # As in blocks without a bias, and its addition to the logit.
    truth = certified(biased_average, (Q, C[z], V, f), roundings=11 + n // l, sums=d_k + 2 * (c + n), exponent=exponent)

    def in_blocks(Q, z, V, C, f):
        return subject.attention(Q, C[z], V, C, vq_blocks.recursion(z, V, C, l), f, l)

    executors.hold("two-block form", in_blocks, (Q, z, V, C, f), truth)


def linformer(Q, K, V, C, l):
    """Keys and values averaged along the sequence by a fixed matrix."""
    E = (torch.arange(2 * len(K), dtype=K.dtype).reshape(2, -1) + 1).reciprocal()
    return (Q @ (E @ K).T).softmax(-1) @ (E @ V)


def codes_fitted_to_the_sequence(form):
    """The codebook is first moved to the means of this sequence's keys."""

    def attention(Q, K, V, C, l):
        Delta = one_hot(transformer_vq.nearest(K, C), C)
        counts = Delta.sum(0)[:, None]
        return form(Q, K, V, torch.where(counts > 0, Delta.T @ K / counts.clamp(min=1), C), l)

    return attention


def scaled_by_the_largest_key(Q, K, V, C, l):
    return vq_causal.in_steps(Q, K / K.abs().max(), V, C, l)


def every_block_seen_whole(Q, K, V, C, l):
    z = transformer_vq.nearest(K, C)
    whole = np.kron(np.eye(len(Q) // l, dtype=int), np.ones((l, l), dtype=int)) | causal_mask(len(Q))
    return (Q @ C[z].T).masked_fill(torch.as_tensor(whole == 0), -torch.inf).softmax(-1) @ V


@claim(
    POST,
    "vq-keeps-causality",
    section="Divergent thinking",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    says="Unlike what shortens the sequence (Linformer, Nyströmformer), quantising each key by itself lets nothing of the future through, so that it can be causal.",
    scope="A codebook that is fixed while the sequence is read.",
    found="Holds to the bit in the dense form, token by token and in blocks: outputs up to any token do not change when all later queries, keys and values do. A codebook that is fitted "
    "to the same sequence first leaks.",
    limits="At most 9 tokens, float64; programs of the same shapes, whose sums have the same order.",
    if_fails="the codebook depends on the sequence, or the diagonal block is not masked",
    effort=0.3,
    zh=dict(
        says="与压缩序列长度的方法（Linformer、Nyströmformer）不同，对每个 Key 单独做量化不会泄漏未来信息，因此可以用于因果（自回归）"
        "模型。",
        scope="读取序列的过程中编码表固定。",
        found="稠密、逐个 token、分块这三种形式都逐比特成立：把任一 token 之后的 Query、Key、Value 全部换掉，"
        "到该 token 为止的输出不变。若编码表先用同一序列拟合过，则会泄漏未来信息。",
        limits="至多 9 个 token，float64；所比较的程序形状相同，求和顺序也相同。",
        if_fails="编码表依赖于序列，或者对角块没有加掩码",
    ),
)
@subjects(
    vq_causal,
    keys_averaged_along_the_sequence=variant(vq_causal, dense=linformer),
    codes_fitted_to_the_sequence=variant(vq_causal, dense=codes_fitted_to_the_sequence(vq_causal.dense)),
    codes_fitted_before_the_steps=variant(vq_causal, in_steps=codes_fitted_to_the_sequence(vq_causal.in_steps)),
    diagonal_block_not_masked=variant(vq_causal, in_blocks=every_block_seen_whole),
    scaled_by_the_largest_key=variant(vq_causal, in_steps=scaled_by_the_largest_key),
    past_ignored_too=variant(vq_causal, dense=lambda Q, K, V, C, l: 0 * V),
)
@given(case=futures())
def test_outputs_do_not_depend_on_the_future(subject, case):
    one, other, l = case
    for name, attend in (("dense", subject.dense), ("in steps", subject.in_steps), ("in blocks", subject.in_blocks)):
        before = attend(one.Q, one.K, one.V, one.C, l)
        # A single key has the weight 1 without rounding: what ignores the past as well is no attention.
        require(
            torch.equal(before[0], one.V[0]), f"{name}: the first token sees itself alone, but not its value", comparisons=before[0].numel()
        )
        for t in range(len(before)):
            mixed = [torch.cat([x[: t + 1], y[t + 1 :]]) for x, y in zip((one.Q, one.K, one.V), (other.Q, other.K, other.V), strict=True)]
            change = (before - attend(*mixed, one.C, l))[: t + 1].abs().max()
            require(
                change == 0,
                f"{name}: an output up to token {t} of {len(before)} moved by {change:.3g} with what comes later",
                comparisons=before[: t + 1].numel(),
            )
