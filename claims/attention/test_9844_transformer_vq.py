"""Vector-quantise the keys and attention becomes linear in the length: Transformer-VQ (post 9844).

The attention itself, its blocks and its gradients are held against dense attention over the gathered keys; costs are counted.
"""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import torch
from hypothesis import given

from claims import Finding, Kind, Post, claim, counterexample, subjects, variant
from impls.attention import transformer_vq, vq_blocks, vq_gradients
from impls.attention.transformer_vq import one_hot, weights
from oracles.attention import average, causal_mask
from oracles.ball import certified
from oracles.budget import third
from oracles.cost import beyond_linear, cost, linear
from oracles.derivative import gradient_at_zero
from oracles.evidence import Strength, measured, require
from oracles.executors import Executor, largest_share
from strategies.attention.quantised import Backward, Blocks, backward, blocks, generic_backward, quantised

POST = Post(
    9844,
    date="2023-11-09",
    en="Vector-quantise the keys, and the complexity of the Transformer becomes linear",
    zh="VQ一下Key，Transformer的复杂度就变成线性了",
    topic="attention",
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
    zh=r"将 Key 换成最近的编码 $\hat K = \Delta C$ 后，$\mathrm{softmax}(Q \hat K^\top) V$ 恰好等于 $\exp(Q C^\top)(\Delta^\top V)$ 除以把 $V$ 换成 $1$ 的同一式，"
    r"复杂度为 $ncd_k + ncd_v$ 量级，关于长度是线性的。",
    scope="A fixed codebook; the post leaves out the logit scale, the search for the codes and the overflow of the exponentials.",
    found=r"Holds to precision in every dtype, if the maximum is taken over the codes in use only. Counted with the search of the codes, the cost is exactly linear in $n$ and "
    r"meets that of quadratic attention at $n = 2c$ tokens.",
    limits="At most 12 tokens and 8 codes, costs up to 17 times as many tokens. Operations and the numbers they move are counted, not timed; "
    "kernels that torch fuses itself, attention apart, count as their operands and results.",
    if_fails="the maximum is taken over all codes, or a code counts once however many keys have it",
)
@subjects(
    transformer_vq,
    counts_dropped=encoder(counts_dropped),
    divided_by_n=encoder(divided_by_n),
    exponentials_as_printed=encoder(exponentials_as_printed),
    maximum_over_all_codes=encoder(maximum_over_all_codes),
    quadratic_in_the_length=encoder(quadratic),
    quadratic_but_fused=encoder(fused),
    nearest_by_inner_product=variant(transformer_vq, nearest=by_inner_product),
    nearest_by_absolute_values=variant(transformer_vq, nearest=lambda K, C: (K[:, None] - C).abs().sum(-1).argmin(-1)),
    nearest_in_float32=variant(transformer_vq, nearest=lambda K, C: transformer_vq.nearest(K.float(), C.float())),
    highest_index_on_ties=variant(transformer_vq, nearest=lambda K, C: len(C) - 1 - transformer_vq.nearest(K, C.flip(0))),
)
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
    got = subject.nearest(K, C).tolist()
    require(got == z.tolist(), f"codes of the keys: got {got}, nearest {z.tolist()}", comparisons=n, strength=Strength.BUDGET)

    def with_search(length):
        Q_, K_, V_ = times(length, Q, K, V)
        return cost(lambda: subject.attention(Q_, subject.nearest(K_, C), V_, C))

    linear("search and attention", with_search, Strength.BUDGET)
    quadratic_macs = cost(quadratic, Q, z, V, C).macs
    measured("tokens per code at which linear attention, search included, costs as much as quadratic", n / c * with_search(1).macs / quadratic_macs)


def block_form(change):
    """The block form with `change(Q, z, V, C, U, l)` of its arguments on the way in."""
    return variant(vq_blocks, attention=lambda *args: vq_blocks.attention(*change(*args)))


def updated_before_it_is_read(Q, z, V, C, U, l):
    return Q, z, V, C, torch.cat([U[1:], U[-1:]]), l


def one_block_late(Q, z, V, C, U, l):
    return Q, z, V, C, torch.cat([U[:1], U[:-1]]), l


def only_the_last_block(Q, z, V, C, U, l):
    return Q, z, V, C, torch.cat([U[:1], U.diff(dim=0)]), l


def strict_mask(Q, z, V, C, U, l):
    outputs = []
    for i in range(len(Q) // l):
        block = slice(i * l, (i + 1) * l)
        mask = torch.ones(l, l, dtype=V.dtype, device=V.device).tril(-1)
        near_and_far = weights(Q[block] @ torch.cat([C[z[block]], C]).T, torch.cat([mask, U[i][:, -1].expand(l, -1)], dim=-1))
        outputs.append(near_and_far @ torch.cat([V[block], U[i][:, :-1]]))
    return torch.cat(outputs)


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
    zh=r"按长度 $l$ 分块，因果注意力可写成 $O_{[i]} = \exp(Q_{[i]} \hat K_{[i]}^\top + M) V_{[i]} + \exp(Q_{[i]} C^\top) U_{i-1}$（再归一化），"
    r"$U_i = U_{i-1} + \Delta_{[i]}^\top V_{[i]}$；文中同时定义 $U_i = \sum_{j < i} \Delta_{[j]}^\top V_{[j]}$。",
    scope="Length a multiple of the block length, fixed codebook.",
    found=r"The recursion is right from $U_{-1} = 0$, to precision, for one block, blocks of one token and everything between, at a cost linear in the number of blocks. "
    r"The definition printed above it is off by one and nothing else: the recursion sums over $j \le i$, with $U_i$ in its place it is right, and with the sum over $j < i$ block $i$ does not see block $i - 1$.",
    limits="At most 9 tokens. With a single block the state is never read, and the two readings agree.",
    if_fails="the state is updated before it is read, or lacks the block just before",
)
@subjects(
    vq_blocks,
    printed_definition=variant(vq_blocks, recursion=vq_blocks.printed_closed_form),
    updated_before_it_is_read=block_form(updated_before_it_is_read),
    one_block_late=block_form(one_block_late),
    only_the_last_block=block_form(only_the_last_block),
    strict_mask=variant(vq_blocks, attention=strict_mask),
    state_in_float32=block_form(lambda Q, z, V, C, U, l: (Q, z, V, C, U.float().to(U.dtype), l)),
    no_mask=variant(vq_blocks, attention=lambda Q, z, V, C, U, l: quadratic(Q, z, V, C)),
    quadratic_in_the_length=variant(vq_blocks, attention=lambda Q, z, V, C, U, l: dense_causal(Q, z, V, C)),
)
@counterexample(
    "two blocks of one token, all logits 0, values 0 and 1: the second output is their mean 1/2, but 1 with the printed definition, which leaves block 0 out",
    case=Blocks(column(0, 0), torch.tensor([0, 0]), column(0, 1), column(0), l=1, reading="printed definition"),
)
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
    executors.hold("printed definition, read one block later", read_one_later, (Q, z, V, C), truth)
    linear("attention in blocks", lambda length: cost(blockwise, *times(length, Q[:l], z[:l], V[:l]), C), Strength.BUDGET)


def meta(*shape):
    return torch.empty(shape, dtype=torch.float64, device="meta")


def dense_causal(Q, z, V, C):
    future = torch.as_tensor(causal_mask(len(Q)) == 0, device=Q.device)
    return (Q @ C[z].T).masked_fill(future, -torch.inf).softmax(-1) @ V


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


@claim(
    POST,
    "no-linear-scheme-for-exact-ste-gradient",
    section="Gradient backpropagation",
    kind=Kind.COMPLEXITY,
    finding=Finding.REFUTED,
    headline=True,
    says="With the straight-through estimator, equal codes at different positions receive different gradients, so there is no scheme of linear efficiency "
    "if the gradient is to be exact: a scheme is either inexact or costs more than linear in the length.",
    zh="使用 STE 时，相同编码在不同位置的梯度不同，因此若坚持精确的梯度，就没有线性效率的方案：任何方案要么不精确，要么代价超过线性。",
    scope="Exact straight-through gradients of the keys, codebook held constant.",
    found=r"False as a statement about the order in $n$: the gradient differs between positions only through the code and the value, so one matrix per code serves all of them. "
    r"The price is a factor of order $d_k d_v / (d_k + d_v)$ over the forward pass; that no scheme does it at forward cost is untouched.",
    corrected=r"Exact straight-through gradients of the keys cost $O(n c d_k d_v)$: $T_{z_j} V_j - t_{z_j}$ with one $d_k \times d_v$ matrix and one vector per code; "
    r"a reverse scan makes it causal.",
    corrected_by="ste-gradient-linear-in-length",
    limits="Exact means within the error budget of float64 for 3 or 4 tokens, linear that the products' operations and the numbers moved are affine "
    "in the length, at 1, 9 and 17 times as many tokens.",
    if_fails="the scheme under audit is not exact, or not linear",
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
    case=Backward(column(1, 2, -1), torch.tensor([0, 0, 1]), column(0, 1, 2), column(1, -1), column(1, 1, -1)),
)
@given(case=generic_backward())
def test_scheme_is_inexact_or_superlinear(subject, case):
    double = Executor("cpu", torch.float64)
    share, grown = 0.0, [0, 0]
    for gradient, visible in ((subject.bidirectional, all_tokens), (subject.causal, causal_mask)):
        truth = key_gradient(case, visible)
        share = max(share, largest_share((double.run(gradient, case.tensors) - truth.truth).abs(), truth.allowed(double))[0])
        grown = [max(pair) for pair in zip(grown, beyond_linear(costs(gradient, case)), strict=True)]
    measured("error of the scheme as a share of the float64 budget", share)
    require(
        share > 1 or max(grown) > 0,
        f"{case}: error {share:.2g} of the float64 budget and no growth of the cost beyond linear: exact and linear at once",
        arithmetic=double.arithmetic,
        strength=Strength.BUDGET,
    )


@claim(
    POST,
    "ste-gradient-linear-in-length",
    section="Gradient backpropagation",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    headline=True,
    says=r"Corrected: the exact straight-through gradient of key $j$ is $T_{z_j} V_j - t_{z_j}$, $T_z = \sum_i P_{iz} Q_i G_i^\top$, $t_z = \sum_i P_{iz} (G_i \cdot O_i) Q_i$, "
    r"where $P_{iz}$ is the weight of a key of code $z$ in row $i$; under a causal mask the sums run over $i \ge j$.",
    zh=r"修正：第 $j$ 个 Key 的精确 STE 梯度是 $T_{z_j} V_j - t_{z_j}$，其中 $T_z = \sum_i P_{iz} Q_i G_i^\top$、$t_z = \sum_i P_{iz} (G_i \cdot O_i) Q_i$，"
    r"$P_{iz}$ 是第 $i$ 行中编码为 $z$ 的 Key 的权重；因果情形下对 $i \ge j$ 求和（反向扫描）。",
    scope="Codebook constant for differentiation, as with a codebook kept by moving averages.",
    found=r"Equals the derivative of dense attention to precision, with and without causal mask, at a cost exactly linear in $n$. It beats the quadratic scheme only beyond "
    r"about $\tfrac12 c d_k d_v / (d_k + d_v)$ tokens: 16 928 for 512 codes and heads of 128.",
    limits="At most 8 tokens. The two terms are subtracted after the sums, so where they cancel digits are lost that the dense form keeps; the budget allows that.",
    if_fails=r"the second term, the normalisation or the diagonal of the reverse scan is missing",
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
    for what, gradient, visible in (("gradient", subject.bidirectional, all_tokens), ("causal gradient", subject.causal, causal_mask)):
        executors.hold(what, gradient, case.tensors, key_gradient(case, visible))
        linear(what, costs(gradient, case), Strength.BUDGET)
    layer = meta(1, 128), torch.zeros(1, dtype=torch.long, device="meta"), meta(1, 128), meta(512, 128), meta(1, 128)
    breaks_even = cost(subject.bidirectional, *layer).macs / cost(pair_by_pair.bidirectional, *layer).macs  # a n = b n^2 at n = a / b
    measured("tokens from which the linear gradient costs less, c = 512 and d_k = d_v = 128", breaks_even)
