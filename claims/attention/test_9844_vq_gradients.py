"""Gradients through quantised keys (post 9844): the straight-through estimator in linear time, and with the history stopped.

Truth is the derivative of dense attention, by power series on balls; no gradient is written out here.
"""

import math
from dataclasses import replace
from functools import partial
from itertools import combinations

import numpy as np
import torch
from hypothesis import given

from claims import Finding, Kind, claim, counterexample, subjects, variant
from claims.attention.test_9844_transformer_vq import POST, all_tokens, column, times
from impls.attention import straight_through, vq_gradients
from impls.attention.transformer_vq import one_hot, weights
from oracles.attention import causal_mask
from oracles.ball import certified
from oracles.cost import beyond_linear, cost, linear
from oracles.derivative import gradient_at_zero
from oracles.evidence import Strength, measured, require
from oracles.executors import DOUBLE, largest_share, relative
from strategies.attention.quantised import Backward, backward, generic_backward
from strategies.attention.two_blocks import History, history

MASKS = {"bidirectional": all_tokens, "causal": causal_mask}


def held_in_float64(what, got, bound, case):
    share, at = largest_share((got - bound.truth).abs(), bound.allowed(DOUBLE))
    off = relative(got, bound.truth)
    why = f"{what}: {share:.3g} x the error budget at {list(at)}: got {got[at]:.9g}, truth {bound.truth[at]:.9g}; all entries together are off by {off:.2g}; {case}"
    require(share <= 1, why, comparisons=got.numel(), arithmetic=DOUBLE.arithmetic, strength=Strength.BUDGET)
    measured("error as a share of the float64 budget", share)


def meta(*shape):
    return torch.empty(shape, dtype=torch.float64, device="meta")


def pairwise(visible):
    """The dense gradient, pair by pair: exact and quadratic."""

    def gradient(Q, z, V, C, G):
        P = (Q @ C[z].T).masked_fill(torch.as_tensor(visible(len(Q)) == 0, device=Q.device), -torch.inf).softmax(-1)
        return (P * (G @ V.T - (G * (P @ V)).sum(-1, keepdim=True))).T @ Q

    return gradient


def scheme(normalised=weights, sum_over=vq_gradients.from_here_on, second=1):
    """The linear scheme with one of its parts replaced; with none, it is the reference in another order of operations."""

    def gradient(Q, z, V, C, G, counts, sums, sum_over):
        Delta, tokens = one_hot(z, C), range(len(z))
        W = normalised(Q @ C.T, counts(Delta))
        O = (W[:, None, :] @ sums(Delta[:, :, None] * V[:, None, :]))[:, 0]
        G1 = torch.cat([G, second * (G * O).sum(-1, keepdim=True)], dim=-1)
        V1 = torch.cat([V, -torch.ones_like(V[:, :1])], dim=-1)
        per_code = W[:, :, None, None] * Q[:, None, :, None] * G1[:, None, None, :]
        return (sum_over(per_code)[tokens, z] @ V1[:, :, None])[:, :, 0]

    def total(x):
        return x.sum(0, keepdim=True).expand_as(x)

    return variant(
        vq_gradients,
        bidirectional=lambda *args: gradient(*args, total, total, total),
        causal=lambda *args: gradient(*args, lambda Delta: Delta.cumsum(0), lambda x: x.cumsum(0), sum_over),
    )


def not_normalised(logits, counts):
    return (logits - logits.amax(-1, keepdim=True)).exp()


def two_rows(x):
    """Row j and the next alone, as if the gradient of the history were stopped."""
    return x + torch.cat([x[1:], 0 * x[:1]])


second_term_dropped = scheme(second=0)
history_stopped = scheme(sum_over=two_rows)
pair_by_pair = variant(vq_gradients, bidirectional=pairwise(all_tokens), causal=pairwise(causal_mask))


def halves(visible):
    """The gradient of sum G . (N / D) with respect to the keys, through the numerator N and through the denominator D apart.

    Their sum is the dense straight-through gradient. A linear scheme subtracts them only after the sums over tokens, so the
    budget is that of each half. `ones_k` and `ones_v` are 1: they stand for the rounding of each single product q_i k_j and P_ij v_j.
    """

    def gradient(xp, Q, K, V, G, ones_k, ones_v):
        seen = visible(len(Q)) if xp is np else torch.as_tensor(visible(len(Q)))

        def through(e_N, e_D):
            logits = lambda e: (Q[:, None, :] * (K + e)[None] * ones_k).sum(-1)
            above = ((xp.exp(logits(e_N)) * seen)[:, :, None] * V[None] * ones_v).sum(1)
            below = (xp.exp(logits(e_D)) * seen).sum(1)
            return (G * above / below[:, None]).sum()

        zero = 0 * K
        return xp.stack([gradient_at_zero(xp, lambda e: through(e, zero), K), gradient_at_zero(xp, lambda e: through(zero, e), K)])

    return gradient


def key_gradient(case, visible):
    """The certified gradient with the budget that any scheme in `ste-gradient-linear-in-length` needs."""
    Q, z, V, C, G = case.tensors
    n, c, d_k, d_v = len(Q), *C.shape, V.shape[1]
    ones = torch.ones(n, n, d_k + d_v, dtype=torch.float64)
    # Stored on the longest path: logit, maximum (2), exponential (2), count times weight, their sum, quotient, then the output O
    # (sum per code, average), G . O (2), times Q, times W, sum over tokens, T V, difference, and two scans of n additions.
    # One more: the two halves of the truth are added in float64. Summed: logit, codes, values, tokens thrice (O, Z, T).
    layers = {"roundings": 18 + 2 * n, "sums": d_k + 2 * c + 2 * d_v + 3 * n, "exponent": float((Q @ C.T).abs().max())}
    parts = certified(halves(visible), (Q, C[z], V, G, ones[..., :d_k], ones[..., d_k:]), **layers)
    return replace(parts, truth=parts.truth.sum(0), scale=parts.scale.sum(0))


def costs(gradient, case):
    """The cost of the gradient by length, in units of that of the case."""

    def at(length):
        Q, z, V, G = times(length, case.Q, case.z, case.V, case.G)
        return cost(gradient, Q, z, V, case.C, G)

    return at


def shared_by_code(Q, K, z, V, C, G, causal):
    """Every position gets the mean gradient of its code."""
    Delta = one_hot(z, C)
    return (Delta @ (Delta.T @ straight_through.key_gradient(Q, K, z, V, C, G, causal))) / Delta.sum(0)[z][:, None]


def denominator_held(Q, K, z, V, C, G, causal):
    return getattr(second_term_dropped, "causal" if causal else "bidirectional")(Q, z, V, C, G)


@claim(
    POST,
    "ste-gradients-differ-per-position",
    section="Gradient backpropagation",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS_IN_SCOPE,
    says=r"With the straight-through estimator $\hat K = K + \mathrm{sg}(C_z - K)$, positions that share a code still receive different key gradients, so that picking by code serves inference alone.",
    scope="Codebook and codes are constants.",
    found=r"They differ in general: the gradient is $\sum_i P_{ij} (G_i \cdot V_j - G_i \cdot O_i) Q_i$. Without a mask they are the same where the values are the same too; for what the post concludes see no-linear-scheme-for-exact-ste-gradient.",
    limits="3 or 4 tokens in general position; float64.",
    if_fails="the gradient is collected per code, or does not reach the keys at all",
    effort=0.3,
    zh=dict(
        says=r"使用 STE $\hat K = K + \mathrm{sg}(C_z - K)$ 时，编码相同的不同位置仍会得到不同的 Key 梯度，因此“挑出”技巧只能用于推理。",
        scope="编码表与各 Key 的编码视为常数。",
        found=r"一般而言确实不同：梯度是 $\sum_i P_{ij} (G_i \cdot V_j - G_i \cdot O_i) Q_i$。没有掩码时，若 Value 也相同，梯度就相同；"
        "文中由此得出的结论见 no-linear-scheme-for-exact-ste-gradient。",
        limits="3 或 4 个处于一般位置的 token；float64。",
        if_fails="梯度按编码汇总，或者根本传不到 Key",
        names={
            "difference between the bidirectional gradients of two positions of one code": "同一编码的两个位置的双向注意力梯度之差",
            "difference between the causal gradients of two positions of one code": "同一编码的两个位置的因果注意力梯度之差",
            "error as a share of the float# budget": "误差占 float# 误差预算的比例",
        },
    ),
)
@subjects(
    straight_through,
    shared_by_code=variant(straight_through, key_gradient=shared_by_code),
    factored_form=variant(straight_through, key_gradient=lambda Q, K, z, V, C, G, causal: 0 * K),
    sign_reversed=variant(straight_through, key_gradient=lambda *args, **how: -straight_through.key_gradient(*args, **how)),
    denominator_held=variant(straight_through, key_gradient=denominator_held),
)
@counterexample(
    "of three tokens two share their code and their value, no mask: their gradients are the same",
    "三个 token 中有两个编码和 Value 都相同，没有掩码：它们的梯度相同",
    case=Backward(column(1, 2, -1), torch.tensor([0, 0, 1]), column(1, 1, 2), column(1, -1), column(1, 1, -1)),
)
@given(case=generic_backward())
def test_positions_of_one_code_differ_in_gradient(subject, case):
    Q, z, V, C, G = case.tensors
    for name, visible in MASKS.items():
        truth = key_gradient(case, visible)
        # In place of the keys stand the queries: what a key is does not matter once it has a code.
        got = DOUBLE.run(partial(subject.key_gradient, causal=name == "causal"), (Q, Q, z, V, C, G))
        held_in_float64(f"{name} gradient", got, truth, case)
        allowed = truth.allowed(DOUBLE)
        for b, a in (pair for pair in combinations(range(len(z)), 2) if z[pair[0]] == z[pair[1]]):
            apart = (got[a] - got[b]).abs()
            require(
                bool((apart > allowed[a] + allowed[b]).any()),
                f"{name} gradients of tokens {b} and {a}, of one code, differ by {apart.max():.3g} only; {case}",
                arithmetic=DOUBLE.arithmetic, strength=Strength.BUDGET,
            )  # fmt: skip
            measured(f"difference between the {name} gradients of two positions of one code", apart.max())


@claim(
    POST,
    "no-linear-scheme-for-exact-ste-gradient",
    section="Gradient backpropagation",
    kind=Kind.COMPLEXITY,
    finding=Finding.REFUTED,
    headline=True,
    says="With the straight-through estimator, equal codes at different positions receive different gradients, so there is no scheme of linear efficiency "
    "if the gradient is to be exact: a scheme is either inexact or costs more than linear in the length.",
    scope="Exact straight-through gradients of the keys, codebook held constant.",
    found=r"False as a statement about the order in $n$: without a mask the gradient differs between positions only through the code and the value, so one matrix and one vector per code serve all of them, "
    r"and with a causal mask a reverse scan of these. "
    r"The price is a factor of order $d_k d_v / (d_k + d_v)$ over the forward pass; that no scheme does it at forward cost is untouched.",
    corrected=r"Exact straight-through gradients of the keys cost $O(n c d_k d_v)$: $T_{z_j} V_j - t_{z_j}$ with one $d_k \times d_v$ matrix and one vector per code; "
    r"a reverse scan makes it causal.",
    corrected_by="ste-gradient-linear-in-length",
    limits="A scheme counts as exact if it stays within the error budget of float64 for 3 or 4 tokens, and as linear if the operations of its products "
    "and the numbers that it moves are affine in the length, compared at 1, 9 and 17 times as many tokens.",
    if_fails="the scheme under audit is not exact, or not linear",
    effort=0.08,
    zh=dict(
        says="使用 STE 时，相同编码在不同位置的梯度不同，因此若坚持精确的梯度，就没有线性效率的方案：任何方案要么不精确，"
        "要么代价超过长度的线性阶。",
        scope="Key 的精确 STE 梯度，编码表视为常数。",
        found="作为关于 $n$ 的阶的论断不成立：没有掩码时，不同位置的梯度只因编码和 Value 而异，"
        "所以每个编码用一个矩阵和一个向量就能供所有位置使用；有因果掩码时，则对它们做反向扫描。"
        "代价是比前向计算多一个 $d_k d_v / (d_k + d_v)$ 量级的因子；至于没有方案能以前向计算的代价做到，这一点未被触及。",
        corrected=r"Key 的精确 STE 梯度的代价为 $O(n c d_k d_v)$：$T_{z_j} V_j - t_{z_j}$，每个编码一个 $d_k \times d_v$ 矩阵和一个向量；"
        "用反向扫描即得因果形式。",
        limits="误差在 3 或 4 个 token 时不超出 float64 的误差预算，方案就算精确；乘积的运算次数与读写的数的个数都是长度的仿射函数（在 1、"
        "9、17 倍的 token 数处比较），方案就算线性。",
        if_fails="被检验的方案不精确，或者不是线性的",
        names={
            "error of the scheme as a share of the float# budget": "该方案的误差占 float# 误差预算的比例",
        },
    ),
)
@subjects(
    vq_gradients,
    pair_by_pair=pair_by_pair,
    second_term_dropped=second_term_dropped,
    not_normalised=scheme(normalised=not_normalised),
    history_stopped=history_stopped,
    gradient_stopped=variant(vq_gradients, bidirectional=lambda Q, z, V, C, G: 0 * Q, causal=lambda Q, z, V, C, G: 0 * Q),
)
@counterexample(
    "three tokens, two of which share a code but not a value: exact in float64, and both counts of operations are affine in the length",
    "三个 token，其中两个编码相同而 Value 不同：在 float64 下精确，且两种运算计数都是长度的仿射函数",
    case=Backward(column(1, 2, -1), torch.tensor([0, 0, 1]), column(0, 1, 2), column(1, -1), column(1, 1, -1)),
)
@given(case=generic_backward())
def test_scheme_is_inexact_or_superlinear(subject, case):
    share, grown = 0.0, [0, 0]
    for name, visible in MASKS.items():
        gradient = getattr(subject, name)
        truth = key_gradient(case, visible)
        share = max(share, largest_share((DOUBLE.run(gradient, case.tensors) - truth.truth).abs(), truth.allowed(DOUBLE))[0])
        grown = [max(pair) for pair in zip(grown, beyond_linear(costs(gradient, case)), strict=True)]
    measured("error of the scheme as a share of the float64 budget", share)
    require(
        share > 1 or max(grown) > 0,
        f"error {share:.2g} of the float64 budget and no growth of the cost beyond linear: exact and linear at once; {case}",
        arithmetic=DOUBLE.arithmetic,
        strength=Strength.BUDGET,
    )


@claim(
    POST,
    "ste-gradient-linear-in-length",
    part_of="no-linear-scheme-for-exact-ste-gradient",
    section="Gradient backpropagation",
    ours=True,
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    headline=True,
    says=r"The exact straight-through gradient of key $j$ is $T_{z_j} V_j - t_{z_j}$, $T_z = \sum_i P_{iz} Q_i G_i^\top$, $t_z = \sum_i P_{iz} (G_i \cdot O_i) Q_i$, "
    r"where $P_{iz}$ is the weight of a key of code $z$ in row $i$; under a causal mask the sums run over $i \ge j$.",
    scope="Codebook constant for differentiation, as with a codebook kept by moving averages.",
    found=r"Equals the derivative of dense attention to precision, with and without causal mask, at a cost exactly linear in $n$. It beats the quadratic scheme only beyond "
    r"about $\tfrac12 c d_k d_v / (d_k + d_v)$ tokens: 16,928 for 512 codes and heads of 128.",
    limits="At most 8 tokens. The two terms are subtracted after the sums, so where they cancel digits are lost that the dense form keeps; the budget allows that.",
    if_fails=r"the second term, the normalisation or the diagonal of the reverse scan is missing",
    effort=0.3,
    zh=dict(
        says=r"修正：第 $j$ 个 Key 的精确 STE 梯度是 $T_{z_j} V_j - t_{z_j}$，其中 $T_z = \sum_i P_{iz} Q_i G_i^\top$、"
        r"$t_z = \sum_i P_{iz} (G_i \cdot O_i) Q_i$，$P_{iz}$ 是第 $i$ 行中编码为 $z$ 的 Key 的权重；有因果掩码时，"
        r"对 $i \ge j$ 求和。",
        scope="求导时编码表视为常数，滑动平均更新的编码表即是如此。",
        found="无论有无因果掩码，都在舍入误差内等于稠密注意力的导数，代价关于 $n$ 严格线性。"
        r"要超过约 $\tfrac12 c d_k d_v / (d_k + d_v)$ 个 token 才比二次方案省：512 个编码、128 维的 head 对应 16,928 个。",
        limits="至多 8 个 token。两项在各自求和之后才相减，因此在相互抵消之处会丢失稠密形式能保留的有效数字；误差预算容许这一点。",
        if_fails="缺了第二项、归一化或反向扫描的对角项",
        names={
            "bidirectional gradient at [#, #]": "双向注意力的梯度，位置 [#, #]",
            "causal gradient at [#, #]": "因果注意力的梯度，位置 [#, #]",
            "tokens from which the linear gradient costs less, c = # and d_k = d_v = #": "线性方案求梯度开始更省的 token 数，$c = #$，$d_k = d_v = #$",
        },
    ),
)
@subjects(
    vq_gradients,
    second_term_dropped=second_term_dropped,
    forward_scan=scheme(sum_over=lambda x: x.cumsum(0)),
    not_normalised=scheme(normalised=not_normalised),
    history_stopped=history_stopped,
    diagonal_left_out=scheme(sum_over=lambda x: vq_gradients.from_here_on(x) - x),
    pair_by_pair=pair_by_pair,
)
@given(case=backward())
def test_linear_scheme_gives_the_dense_gradient(subject, case, executors):
    for name, visible in MASKS.items():
        gradient = getattr(subject, name)
        executors.hold(f"{name} gradient", gradient, case.tensors, key_gradient(case, visible))
        linear(f"{name} gradient", costs(gradient, case), Strength.BUDGET)
    layer = meta(1, 128), torch.zeros(1, dtype=torch.long, device="meta"), meta(1, 128), meta(512, 128), meta(1, 128)
    breaks_even = cost(subject.bidirectional, *layer).macs / cost(pair_by_pair.bidirectional, *layer).macs  # a n = b n^2 at n = a / b
    measured("tokens from which the linear gradient costs less, c = 512 and d_k = d_v = 128", breaks_even)


def stopped(near, visible, distance):
    """The gradient of sum G . (N / D) for queries, keys and values where keys and values are free in `near` pairs alone.

    As in `halves`, through N and through D apart for queries and keys; values last, those of near pairs and those of all.
    """

    def gradient(xp, Q, K, V, G, f):
        (n, d_k), d_v = Q.shape, V.shape[1]
        at, free, seen = (x if xp is np else torch.as_tensor(x) for x in (distance, near[:, :, None], visible))

        def loss(e):
            q_N, k_N, q_D, k_D = e[: 4 * n * d_k].reshape(4, n, d_k)
            v_near, v_all = e[4 * n * d_k :].reshape(2, n, d_v)
            weigh = lambda q, k: xp.exp(((Q + q)[:, None] * (K[None] + free * k[None])).sum(-1) + f[at]) * seen
            above = (weigh(q_N, k_N)[:, :, None] * (V[None] + free * v_near[None] + v_all[None])).sum(1)
            return (G * above / weigh(q_D, k_D).sum(1)[:, None]).sum()

        return gradient_at_zero(xp, loss, 0 * xp.concatenate([*[Q.reshape(-1), K.reshape(-1)] * 2, V.reshape(-1), V.reshape(-1)]))

    return gradient


def stopped_gradient(case):
    """Certified dL/d(Q, K, V) of the near pairs (of all, for Q), side by side, and dL/dV of all pairs."""
    Q, _, z, V, C, G, f, l, whole = case.tensors
    n, d_k, d_v, c, tokens = *Q.shape, V.shape[1], len(C), np.arange(len(Q))
    near = tokens[:, None] // l - tokens // l <= (n if whole else 1)
    definition = stopped(near.astype(int), causal_mask(n), np.maximum(tokens[:, None] - tokens, 0))
    # Forward: logit, bias, maximum (2), exponential (2), count times weight, their sum, quotient, sum per code, one addition per
    # block, average. Backward: average, quotient (4), sum, count, exponential, maximum (2), product, two near blocks joined (2).
    # Two halves of the truth are added. Summed: logit, codes and near keys above and below, in either direction, values, tokens.
    layers = {"roundings": 25 + n // l, "sums": d_k + 4 * (c + 2 * l) + d_v + n, "exponent": (Q @ C.T).abs().max() + f.abs().max()}
    parts = certified(definition, (Q, C[z], V, G, f), **layers)

    def joined(x):
        N, D = x[: 4 * n * d_k].reshape(2, 2, n, d_k)
        near_values, all_values = x[4 * n * d_k :].reshape(2, n, d_v)
        return torch.cat([*(N + D), near_values], dim=-1), all_values

    (truth, all_truth), (scale, all_scale) = joined(parts.truth), joined(parts.scale)
    return replace(parts, truth=truth, scale=scale), replace(parts, truth=all_truth, scale=all_scale)


def dense_band(reach, queries_stopped=False):
    """Dense attention with a gradient for pairs less than `reach` blocks apart: the definition by autograd, quadratic."""

    def gradients(Q, K, z, V, C, G, f, l, stop=True):
        Q, K, V = inputs = tuple(x.detach().clone().requires_grad_() for x in (Q, K, V))
        tokens = torch.arange(len(Q))
        distance = tokens[:, None] - tokens
        near = (tokens[:, None] // l - tokens // l < reach)[:, :, None]
        queries = torch.where(near, Q[:, None], Q.detach()[:, None]) if queries_stopped else Q[:, None]
        keys, values = torch.where(near, straight_through.quantised(K, z, C), C[z]), torch.where(near | (not stop), V, V.detach())
        P = ((queries * keys).sum(-1) + f[distance.clamp(min=0, max=len(f) - 1)]).masked_fill(distance < 0, -torch.inf).softmax(-1)
        return torch.cat(torch.autograd.grad((P[:, :, None] * values).sum(1), inputs, G), dim=-1)

    return variant(straight_through, gradients=gradients)


@claim(
    POST,
    "stop-gradient-on-history",
    section="Gradient backpropagation",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS_IN_SCOPE,
    says="Keeping the straight-through estimator in the two nearest blocks and stopping the gradient of $U$ keeps the most important gradients at a linear cost, as Transformer-XL does.",
    scope="The post's text stops $U_{i-1}$, its formula $U_{i-2}$; codebook and codes are constants.",
    found="The gradient of the queries is exact, and those of keys and values are exactly those of the pairs at most one block apart: with two blocks or fewer nothing is lost, beyond that the far part. "
    "Stopping the values is not needed: without it their gradient is exact too and that of the keys unchanged to the bit. The cost is linear.",
    limits="At most 6 tokens in up to four blocks, float64; how important the far gradients are to training is not checked.",
    if_fails="the far values are not stopped, more or fewer blocks are counted as near, or the far term loses the gradient of the queries",
    effort=0.2,
    zh=dict(
        says="仅在最近的两个块使用 STE，而停掉 $U$ 的梯度，便可在线性代价下保留最重要的梯度，与 Transformer-XL 类似。",
        scope="文中的文字停掉的是 $U_{i-1}$，公式里则是 $U_{i-2}$；编码表与各 Key 的编码视为常数。",
        found="Query 的梯度是精确的，Key 与 Value 的梯度恰好是相距至多一块的 token 对的那部分：不超过两块时没有损失，"
        "超过两块则损失远处的部分。Value 的梯度不必停：不停时它也是精确的，而 Key 的梯度逐比特不变。代价是线性的。",
        limits="至多 6 个 token，分成至多四块，float64；远处的梯度对训练有多重要未作检验。",
        if_fails="远处的 Value 没有停梯度，算作邻近的块多了或少了，或者远处的项丢了 Query 的梯度",
        names={
            "error as a share of the float# budget": "误差占 float# 误差预算的比例",
            "part of the values' gradient that the stop loses, in the Frobenius norm": "停梯度使 Value 的梯度损失的比例（Frobenius 范数）",
        },
    ),
)
@subjects(
    straight_through,
    values_of_the_history_not_stopped=variant(
        straight_through, gradients=lambda *args, stop=True: straight_through.gradients(*args, stop=False)
    ),
    one_near_block=dense_band(1),
    three_near_blocks=dense_band(3),
    far_queries_stopped=dense_band(2, queries_stopped=True),
    pair_by_pair=dense_band(2),
)
@counterexample(
    "three blocks of one token: the first key and the first value have a part in the last output that the stopped gradient leaves out",
    "三块，每块一个 token：第一个 Key 与第一个 Value 参与了最后一个输出，停掉之后的梯度漏掉了这部分",
    case=History(
        column(1, 2, -1), column(0, 1, 2), torch.tensor([0, 1, 1]), column(1, 2, -1), column(1, -1), column(1, 1, -1), column(0, 0, 0)[:, 0],
        l=1, whole=True,
    ),
)  # fmt: skip
@given(case=history())
def test_stopped_gradient_is_that_of_near_pairs(subject, case):
    *tensors, l, _ = case.tensors
    near, all_values = stopped_gradient(case)
    d_v = case.V.shape[1]
    got, unstopped = (DOUBLE.run(partial(subject.gradients, stop=stop), (*tensors, l)) for stop in (True, False))
    held_in_float64("gradients", got, near, case)
    held_in_float64("gradient of the values, not stopped", unstopped[:, -d_v:], all_values, case)
    require(
        torch.equal(got[:, :-d_v], unstopped[:, :-d_v]),
        f"the stop changes the gradients of queries or keys; {case}",
        comparisons=got[:, :-d_v].numel(),
    )
    lost = relative(got[:, -d_v:], all_values.truth)
    if math.isfinite(lost):
        measured("part of the values' gradient that the stop loses, in the Frobenius norm", lost)
    Q, K, z, V, C, G, f = tensors
    double = lambda length, *tokens: times(2 * length, *tokens)  # with a single block some copies are left out
    linear(
        "stopped gradient",
        lambda length: cost(subject.gradients, *double(length, Q, K, z, V), C, *double(length, G), f, l),
        Strength.BUDGET,
    )
