"""The tug-of-war between cache and quality (post 10091): heads, groups and what has to be cached."""

import math
from dataclasses import replace
from fractions import Fraction
from functools import partial

import torch
from hypothesis import example, given
from hypothesis import strategies as st

from claims import Finding, Kind, claim, counterexample, subjects, variant
from claims.attention.test_10091_mla import POST, future_at_minus_100, maximum_not_subtracted
from impls.attention import gqa, kv_cache, layer, mha, mla, rotary_gqa
from impls.attention.rotary import rotate
from impls.attention.softmax import causal, softmax
from oracles import attention
from oracles.ball import certified
from oracles.cost import cost
from oracles.evidence import equal, measured, require
from oracles.polynomial import same_polynomial
from strategies.attention.heads import (
    DRAWN_ROTARY,
    DRAWN_SIDE_BY_SIDE,
    DRAWN_TO_THE_OTHER,
    LONG_LATENT,
    UNEVEN_GROUPED,
    UNEVEN_LATENT,
    UNEVEN_ROTARY,
    UNEVEN_SIDE_BY_SIDE,
    rotary_grouped,
    side_by_side,
)
from strategies.attention.projections import MODELS, Model, grouped, latent, of_size
from strategies.attention.sizes import HEADS, named, sharing


def with_heads(split=mha.heads, merge=lambda o: o.transpose(0, 1).flatten(1), width=lambda d_k, h: d_k):
    """Fused attention that splits its columns, merges its heads, or scales its logits in another way."""

    def attend(x, W_q, W_k, W_v, h):
        q, k, v = split(x @ W_q, h), split(x @ W_k, h), split(x @ W_v, h)
        return merge(causal(q @ k.mT / width(q.shape[-1], h) ** 0.5, v))

    return variant(mha, attention=attend)


def attending(attend):
    return variant(mha, attention=partial(mha.attention, attend=attend))


def one_softmax_over_all_heads(logits, v):
    weights = (logits - logits.amax((0, 2), keepdim=True)).exp().tril()
    return weights / weights.sum((0, 2), keepdim=True) @ v


def only_earlier_tokens(logits, v):
    return softmax(logits.masked_fill(torch.ones_like(logits[0]).triu().bool(), -torch.inf)) @ v


def bidirectional(logits, v):
    return softmax(logits) @ v


def normalised_over_the_future_too(logits, v):
    return softmax(logits).tril() @ v


@claim(
    POST,
    "mha-is-concatenation-of-single-heads",
    section="MHA",
    kind=Kind.IDENTITY,
    effort=0.3,
    finding=Finding.HOLDS,
    says=r"Multi-head attention is $h$ independent causal attentions side by side, $o_t^{(s)} = \sum_{i \le t} e^{q_t^{(s)} k_i^{(s)\top}} v_i^{(s)} / "
    r"\sum_{i \le t} e^{q_t^{(s)} k_i^{(s)\top}}$.",
    scope=r"Causal attention. The post writes no logit scale; $1/\sqrt{d_k}$ is used here.",
    found=r"Holds to precision for the usual program, with one product for the queries of all heads: head $s$ is the $s$-th block of columns. The first token attends to itself alone.",
    limits="Layers of at most 4 tokens and 3 heads.",
    if_fails="heads are split or put together in another order of dimensions",
    zh=dict(
        says="多头注意力就是 $h$ 个相互独立的因果单头注意力的拼接："
        r"$o_t^{(s)} = \sum_{i \le t} e^{q_t^{(s)} k_i^{(s)\top}} v_i^{(s)} / \sum_{i \le t} e^{q_t^{(s)} k_i^{(s)\top}}$。",
        scope=r"因果注意力。文中没有写出 logits 的缩放因子；这里用 $1/\sqrt{d_k}$。",
        found="对通常的写法（一次矩阵乘法得到所有 head 的 Q）在舍入误差内成立：第 $s$ 个 head 就是第 $s$ 块列。第一个 token 只注意它自己。",
        limits="至多 4 个 token、3 个 head 的层。",
        if_fails="拆分或拼接 head 时，维度的次序不同",
        names={
            "multi-head attention at [#, #]": "多头注意力，在 [#, #] 处",
        },
    ),
)
@subjects(
    mha,
    one_softmax_over_all_heads=attending(one_softmax_over_all_heads),
    only_earlier_tokens=attending(only_earlier_tokens),
    no_mask=attending(bidirectional),
    normalised_over_the_future_too=attending(normalised_over_the_future_too),
    maximum_not_subtracted=attending(maximum_not_subtracted),
    future_at_minus_100=attending(future_at_minus_100),
    columns_dealt_out_to_heads=with_heads(split=lambda rows, h: rows.unflatten(-1, (-1, h)).movedim(-1, 0)),
    rows_and_heads_not_swapped_back=with_heads(merge=lambda o: o.reshape(o.shape[1], -1)),
    heads_in_reverse=with_heads(merge=lambda o: o.flip(0).transpose(0, 1).flatten(1)),
    scaled_by_the_width_of_all_heads=with_heads(width=lambda d_k, h: h * d_k),
)
@example(case=UNEVEN_SIDE_BY_SIDE)
@example(case=DRAWN_SIDE_BY_SIDE)
@given(case=side_by_side())
def test_multi_head_attention_is_heads_side_by_side(subject, case, executors):
    n, d = case.x.shape
    # Stored on the longest path: query, logit, scale (2), maximum (2), exponential (2), quotient, average.
    sums = d + case.W_q.shape[1] // case.h + 2 * n
    truth = certified(attention.side_by_side, case.tensors, roundings=10, sums=sums, exponent=case.largest_logit)
    executors.hold("multi-head attention", subject.attention, case.tensors, truth)


def decoded(extend, tokens, *weights):
    """All outputs of decoding one token after the other, (h, n, d_v), and the numbers cached per token, in the tokens' own dtype.

    tokens: the arguments that belong to a token (the token itself, its position), one row each. Another sequence begins after
    the first token, with the last one: what is not in the cache does not know which of them it belongs to.
    """
    cache, outputs = None, []
    n = len(tokens[0])
    for t in range(n):
        y, cache = extend(cache, *(rows[t : t + 1] for rows in tokens), *weights)
        outputs.append(y)
        if t == 0:
            extend(None, *(rows[-1:] for rows in tokens), *weights)
    kept = sum(part.numel() * part.element_size() for part in cache)
    return torch.cat(outputs, dim=1), Fraction(kept, n * tokens[0].element_size())


def with_cached_key(key):
    """Decoding with another cached key: key(k, position, theta, cache) for the unrotated k of the new token."""

    def extend(cache, x, position, theta, W_q, W_k, W_v):
        kept = kv_cache.append(cache, key(x @ W_k, position, theta, cache), x @ W_v)
        k, v = (part.repeat_interleave(len(W_q) // len(W_k), 0) for part in kept)
        q = rotate(x @ W_q, position, theta)
        return softmax(q @ k.mT / q.shape[-1] ** 0.5) @ v, kept

    return variant(rotary_gqa, extend=extend)


def position_counted_from_the_cache(cache, x, position, *weights):
    seen = 0 if cache is None else cache[0].shape[-2]
    return rotary_gqa.extend(cache, x, 0 * position + seen, *weights)


def cache_rotated_again(cache, x, position, theta, *weights):
    return rotary_gqa.extend(
        cache and (rotate(cache[0], position.expand(cache[0].shape[-2]), theta), cache[1]), x, position, theta, *weights
    )


def exponentials_as_they_are(cache, x, position, theta, W_q, W_k, W_v):
    kept = rotary_gqa.extend(cache, x, position, theta, W_q, W_k, W_v)[1]
    k, v = (part.repeat_interleave(len(W_q) // len(W_k), 0) for part in kept)
    weights = (rotate(x @ W_q, position, theta) @ k.mT / W_q.shape[-1] ** 0.5).exp()
    return weights / weights.sum(-1, keepdim=True) @ v, kept


def cache_outside_of_the_cache():
    """A decoder that serves one sequence at a time, and takes a None for its beginning."""
    held = []

    def extend(cache, *args):
        y, held[:] = rotary_gqa.extend(cache and tuple(held), *args)
        return y, tuple(held)

    return extend


def value_one_token_late(cache, x, position, theta, W_q, W_k, W_v):
    y, kept = rotary_gqa.extend(cache, x, position, theta, W_q, W_k, W_v)
    return y, (kept[0], kept[1].roll(1, -2))


@claim(
    POST,
    "kv-cache-incremental-equals-full",
    section="MHA",
    kind=Kind.IDENTITY,
    effort=0.3,
    finding=Finding.HOLDS,
    says=r"A new token changes no earlier $k_i$ or $v_i$, so decoding one token at a time with cached keys and values equals causal attention over all tokens.",
    scope="Causal attention; the encoding of a position depends on that position alone.",
    found="Holds to precision with rotary keys, if each key is cached as rotated by its own position, which a cache that is addressed by the count of its tokens does not know. "
    "Changing later tokens leaves the outputs before them as they were.",
    limits="At most 4 tokens, queries and keys fully rotary; latent attention decoded from its cache is checked with the size of the cache.",
    if_fails="the cached key is rotated by another position than its own",
    zh=dict(
        says="新增的 token 不会改变已有的 $k_i, v_i$，因此借助 KV Cache 逐个 token 解码与一次性的因果注意力完全一致。",
        scope="因果注意力；一个位置的编码只依赖于这个位置。",
        found="K 加 RoPE 时也在舍入误差内成立，只要每个 K 都按自身的位置旋转后再缓存；若缓存只靠已有 token 的个数来编址，"
        "就无从知道这个位置。改动后面的 token，不影响它们之前的输出。",
        limits="至多 4 个 token，Q、K 的所有维度都加 RoPE；MLA 从缓存解码的情形，与缓存大小一起检验。",
        if_fails="缓存的 K 是按别的位置旋转的，而不是它自身的位置",
        names={
            "full pass at [#, #, #]": "一次性计算，在 [#, #, #] 处",
            "decoded at [#, #, #]": "逐个 token 解码，在 [#, #, #] 处",
            "full pass, later tokens changed at [#, #, #]": "一次性计算，改动后面的 token，在 [#, #, #] 处",
            "change of an output by later tokens, float#": "后面的 token 引起的输出变化，float#",
        },
    ),
)
@subjects(
    rotary_gqa,
    bidirectional=variant(rotary_gqa, attention=partial(rotary_gqa.attention, attend=bidirectional)),
    normalised_over_the_future_too=variant(rotary_gqa, attention=partial(rotary_gqa.attention, attend=normalised_over_the_future_too)),
    maximum_not_subtracted=variant(rotary_gqa, attention=partial(rotary_gqa.attention, attend=maximum_not_subtracted)),
    decoder_without_maximum=variant(rotary_gqa, extend=exponentials_as_they_are),
    future_at_minus_100=variant(rotary_gqa, attention=partial(rotary_gqa.attention, attend=future_at_minus_100)),
    cache_outside_of_the_cache=variant(rotary_gqa, extend=cache_outside_of_the_cache()),
    cached_key_one_position_late=with_cached_key(lambda k, position, theta, cache: rotate(k, position + 1, theta)),
    cached_key_not_rotated=with_cached_key(lambda k, position, theta, cache: k),
    position_counted_from_the_cache=variant(rotary_gqa, extend=position_counted_from_the_cache),
    cache_rotated_again=variant(rotary_gqa, extend=cache_rotated_again),
    value_one_token_late=variant(rotary_gqa, extend=value_one_token_late),
)
@example(case=UNEVEN_ROTARY)
@example(case=DRAWN_ROTARY)
@given(case=rotary_grouped())
def test_decoding_with_a_cache_equals_the_full_pass(subject, case, executors):
    x, m, *rest = case.tensors
    n, d = x.shape
    # Stored on the longest path: query, angle, cosine (2), three of the rotation, logit, scale (2), maximum (2), exponential (2),
    # quotient, average.
    sums = d + case.W_q.shape[2] + 2 * n
    truth = certified(attention.rotary_grouped, (x, m, m, *rest), roundings=16, sums=sums, exponent=case.largest_logit)
    executors.hold("full pass", subject.attention, case.tensors, truth)
    executors.hold("decoded", lambda x, m, *weights: decoded(subject.extend, (x, m), *weights)[0], case.tensors, truth)
    kept = (n + 1) // 2
    edited = torch.cat([x[:kept], -x[kept:]])
    earlier = replace(truth, truth=truth.truth[:, :kept], scale=truth.scale[:, :kept])
    executors.hold("full pass, later tokens changed", lambda *args: subject.attention(*args)[:, :kept], (edited, m, *rest), earlier)
    change = subject.attention(edited, m, *rest)[:, :kept] - subject.attention(*case.tensors)[:, :kept]
    measured("change of an output by later tokens, float64", float(change.abs().max()))


def meta(*shape):
    return torch.empty(*shape, device="meta")


@claim(
    POST,
    "mqa-parameters-nearly-halved",
    section="MQA",
    kind=Kind.COMPLEXITY,
    effort=0.5,
    finding=Finding.HOLDS,
    says="Sharing one head of keys and values among all heads saves nearly half of the parameters of the attention layer.",
    scope=r"Heads of the usual size, $d_k = d_v = d / h$.",
    found=r"Exactly $2 d^2 (1 + 1/h)$ weights remain of $4 d^2$, a share of $\tfrac12 (1 + 1/h)$: 0.5625 at $h = 8$, 0.516 at 32, 0.508 at 64. Every weight is used once per token.",
    limits="Counts weights of the four projections; biases are not counted.",
    if_fails=r"the output projection $W_o$ is left out of the count",
    zh=dict(
        says="所有 head 共享一组 K、V 之后，注意力层的参数量减少了将近一半。",
        scope="head 取通常的大小，$d_k = d_v = d / h$。",
        found=r"精确的结果：$4 d^2$ 个权重剩下 $2 d^2 (1 + 1/h)$ 个，占比为 $\tfrac12 (1 + 1/h)$：$h = 8$ 时为 0.5625，"
        "32 时为 0.516，64 时为 0.508。每个权重对每个 token 恰用一次。",
        limits="数的是四个投影矩阵的权重；不计偏置。",
        if_fails="计数时漏掉了输出投影 $W_o$",
        names={
            "weights of MQA as a share of those of MHA, h = #": "MQA 的权重数占 MHA 的比例，$h = #$",
            "output for one token, # heads in # groups": "单个 token 的输出，# 个 head 分 # 组",
            "output for one token, # heads in # group": "单个 token 的输出，# 个 head 分 # 组",
        },
    ),
)
@subjects(
    layer,
    output_projection_forgotten=variant(
        layer,
        shapes=lambda d, h, g: layer.shapes(d, h, g)[:3],
        attention=lambda x, *weights: gqa.attention(x, *weights).transpose(0, 1).flatten(1),
    ),
    one_query_head_too=variant(layer, shapes=lambda d, h, g: layer.shapes(d, h, g) if g > 1 else ((1, d, d // h),) * 3 + ((1, d // h, d),)),
    only_the_keys_shared=variant(layer, shapes=lambda d, h, g: (*layer.shapes(d, h, g)[:2], *layer.shapes(d, h, h)[2:])),
    shared_output_projection=variant(layer, shapes=lambda d, h, g: (*layer.shapes(d, h, g)[:3], (g, d // h, d))),
    keys_and_values_of_every_head=variant(layer, shapes=lambda d, h, g: layer.shapes(d, h, h)),
    output_projections_in_reverse=variant(layer, attention=lambda x, *weights: layer.attention(x, *weights[:3], weights[3].flip(0))),
)
@example(h=8, d_k=128)
@example(h=32, d_k=128)
@example(h=64, d_k=128)
@given(h=HEADS, d_k=st.integers(1, 128))
def test_shared_keys_and_values_save_nearly_half_of_the_weights(subject, h, d_k):
    d = h * d_k

    def weights(g):
        tensors = [meta(*shape) for shape in subject.shapes(d, h, g)]
        size = sum(tensor.numel() for tensor in tensors)
        pairs = 2 * d  # one token has one pair per head: a logit and an average
        equal(
            cost(subject.attention, meta(1, d), *tensors).macs - pairs,
            size,
            f"products of one token with {h} heads in {g} group{'s' * (g > 1)}, one per weight",
        )
        return size

    equal(weights(h), 4 * d**2, f"weights of MHA with d = {d} and {h} heads")
    share = Fraction(weights(1), weights(h))
    equal(share, Fraction(1, 2) * (1 + Fraction(1, h)), f"weights of MQA as a share of those of MHA, {h} heads")
    if d_k == 128:
        measured(f"weights of MQA as a share of those of MHA, h = {h}", share)
    for g in (1, 4):  # one token attends to itself alone: what is left is a polynomial, each head's W_o behind its group's W_v
        truth = lambda x, W_q, W_k, W_v, W_o: torch.einsum("td,sde,sef->tf", x, W_v.expand(4, -1, -1), W_o)
        shapes = (1, 8), *subject.shapes(8, 4, g)
        same_polynomial(f"output for one token, 4 heads in {g} group{'s' * (g > 1)}", subject.attention, truth, shapes, degree=3, seed=d)


def grouped_by(index):
    """GQA whose head s (from 0) reads the group index(s, h, g) (from 0)."""

    def attend(x, W_q, W_k, W_v):
        h, g = len(W_q), len(W_k)
        chosen = [min(index(s, h, g), g - 1) for s in range(h)]
        return causal(x @ W_q @ (x @ W_k)[chosen].mT / W_q.shape[-1] ** 0.5, (x @ W_v)[chosen])

    return variant(gqa, attention=attend)


@claim(
    POST,
    "gqa-index-and-endpoints",
    section="GQA",
    kind=Kind.IDENTITY,
    effort=0.25,
    finding=Finding.HOLDS,
    headline=True,
    says=r"In grouped-query attention head $s \in \{1, \dots, h\}$ uses the keys and values of group $\lceil s g / h \rceil$; $g = h$ is MHA and $g = 1$ is MQA.",
    scope=r"$g$ divides $h$.",
    found=r"Holds: the formula cuts the heads into $g$ runs of $h / g$ consecutive heads, so GQA is MHA whose key and value weights are repeated $h / g$ times in a row. "
    r"Checked for every divisor of every $h$ up to 273, where $\lceil s \cdot (g / h) \rceil$ in floating point goes wrong for the first time: use integers.",
    limits=r"Where $g$ does not divide $h$ the formula still runs, with groups of unequal size; that case is outside the claim.",
    if_fails="groups are tiled over the heads instead of repeated consecutively",
    zh=dict(
        says=r"GQA 的第 $s \in \{1, \dots, h\}$ 个 head 使用第 $\lceil s g / h \rceil$ 组的键值；$g = h$ 即 MHA，$g = 1$ 即 MQA。",
        scope="$g$ 整除 $h$。",
        found="成立：该公式把 head 切成 $g$ 段，每段是连续的 $h / g$ 个 head，所以 GQA 就是把 K、"
        "V 的权重逐个连续重复 $h / g$ 次的 MHA。检验了每个 $h$ 的所有因数，直到 273 为止，"
        r"浮点计算的 $\lceil s \cdot (g / h) \rceil$ 正是在那里第一次出错：应当用整数。",
        limits="$g$ 不整除 $h$ 时，公式仍能计算，只是各组大小不等；这种情形不在本条之内。",
        if_fails="各组在 head 上循环平铺，而不是逐组连续重复",
        names={
            "GQA at [#, #, #]": "GQA，在 [#, #, #] 处",
            "MHA with tied weights at [#, #, #]": "共享权重的 MHA，在 [#, #, #] 处",
        },
    ),
)
@subjects(
    gqa,
    groups_tiled_over_heads=grouped_by(lambda s, h, g: s % g),
    boundaries_late_by_one_head=grouped_by(lambda s, h, g: max(s - 1, 0) * g // h),
    every_head_reads_the_first_group=grouped_by(lambda s, h, g: 0),
    heads_reversed_as_mha=grouped_by(lambda s, h, g: h - 1 - s if g == h else s * g // h),
    maximum_not_subtracted=variant(gqa, attention=partial(gqa.attention, attend=maximum_not_subtracted)),
    future_at_minus_100=variant(gqa, attention=partial(gqa.attention, attend=future_at_minus_100)),
    rounded_down=variant(gqa, group=lambda s, h, g: s * g // h),
    heads_counted_from_zero=variant(gqa, group=lambda s, h, g: -(-(s - 1) * g // h)),
    late_by_one_head=variant(gqa, group=lambda s, h, g: max(1, -(-(s - 1) * g // h))),
    ratio_in_floating_point=variant(gqa, group=lambda s, h, g: math.ceil(s * (g / h))),
)
@example(numbers_of_heads=[8], case=UNEVEN_GROUPED)
@example(numbers_of_heads=[8], case=DRAWN_TO_THE_OTHER)
@example(numbers_of_heads=range(1, 274), case=UNEVEN_GROUPED)
@given(numbers_of_heads=st.integers(1, 1000).map(lambda h: [h]), case=grouped())
def test_groups_are_runs_of_consecutive_heads(subject, numbers_of_heads, case, executors):
    for h in numbers_of_heads:
        for g in (g for g in range(1, h + 1) if h % g == 0):
            runs = [run for run in range(1, g + 1) for _ in range(h // g)]
            equal([subject.group(s, h, g) for s in range(1, h + 1)], runs, f"groups of {h} heads, g = {g}")
    n, d, d_k = *case.x.shape, case.W_q.shape[2]
    # Stored on the longest path: query, logit, scale (2), maximum (2), exponential (2), quotient, average.
    truth = certified(attention.grouped, case.tensors, roundings=10, sums=d + d_k + 2 * n, exponent=case.largest_logit)
    repeats = len(case.W_q) // len(case.W_k)
    tied = case.x, case.W_q, case.W_k.repeat_interleave(repeats, 0), case.W_v.repeat_interleave(repeats, 0)
    executors.hold("GQA", subject.attention, case.tensors, truth)
    executors.hold("MHA with tied weights", subject.attention, tied, truth)


def mla_cached(also=lambda c, k_r, W_kc, W_v: (), without_rotary=False):
    """MLA decoding that caches more than [c, k_r], or no rotary key."""

    def extend(cache, x, position, theta, W_c, W_cq, W_qc, W_qr, W_kc, W_kr, W_v):
        c, k_r = x @ W_c, rotate(x @ W_kr, position, theta)
        cache = kv_cache.append(cache, c, *(() if without_rotary else (k_r,)), *also(c, k_r, W_kc, W_v))
        content = x @ W_cq @ W_qc @ W_kc.mT @ cache[0].T
        rotary = 0 if without_rotary else rotate(x @ W_cq @ W_qr, position, theta) @ cache[1].T
        return softmax((content + rotary) / mla.scale(W_qc, W_qr)) @ cache[0] @ W_v, cache

    return variant(kv_cache, mla_extend=extend)


def only_the_last_three_tokens(cache, x, W_q, W_k, W_v):
    """A sliding window that keeps its shape: what is older than three tokens is zero."""
    y, cache = kv_cache.gqa_extend(cache and tuple(forget(part) for part in cache), x, W_q, W_k, W_v)
    return y, cache


def forget(part):
    return torch.cat([0 * part[..., :-2, :], part[..., -2:, :]], dim=-2)


def position_of_the_first_token(cache, x, position, *weights):
    return kv_cache.mla_extend(cache, x, 0 * position, *weights)


def eight_latest_tokens(cache, *args):
    return kv_cache.mla_extend(cache and tuple(torch.cat([0 * part[:-7], part[-7:]]) for part in cache), *args)


def kept_in_float64(cache, x, *weights):
    y, cache = kv_cache.gqa_extend(cache and tuple(part.to(x.dtype) for part in cache), x, *weights)
    return y, tuple(part.double() for part in cache)


def repeated_for_every_head(cache, x, W_q, W_k, W_v):
    repeats = len(W_q) // len(W_k)
    return kv_cache.gqa_extend(cache, x, W_q, W_k.repeat_interleave(repeats, 0), W_v.repeat_interleave(repeats, 0))


MODEL_NAMES = {
    "Llama # #B (MHA)": "Llama # #B（MHA）",
    "Llama # #B (GQA)": "Llama # #B（GQA）",
    "Llama # #B's heads as MHA": "Llama # #B 的 head 作 MHA",
    "DeepSeek-V# (MLA)": "DeepSeek-V#（MLA）",
    "DeepSeek-V#'s heads as MHA": "DeepSeek-V# 的 head 作 MHA",
    "DeepSeek-V#'s heads as GQA, g = #": "DeepSeek-V# 的 head 作 GQA，$g = #$",
    "DeepSeek-V#'s heads as MQA": "DeepSeek-V# 的 head 作 MQA",
}
CACHES = {
    "decoded by MLA at [#, #, #]": "由 MLA 解码，在 [#, #, #] 处",
    "decoded by GQA at [#, #, #]": "由 GQA 解码，在 [#, #, #] 处",
    **{f"numbers cached per token and layer, {en}": f"每个 token 每层缓存的个数，{zh}" for en, zh in MODEL_NAMES.items()},
    **{f"bytes cached per token in # bits, {en}": f"以 # 位存储时每个 token 缓存的字节数，{zh}" for en, zh in MODEL_NAMES.items()},
    **{f"tokens whose cache fits in # GB, {en}": f"# GB 所能容纳缓存的 token 数，{zh}" for en, zh in MODEL_NAMES.items()},
}


@claim(
    POST,
    "kv-cache-size-per-token",
    section="MQA, GQA and MLA",
    kind=Kind.COMPLEXITY,
    effort=0.15,
    finding=Finding.HOLDS,
    headline=True,
    says=r"Per token and layer MHA caches $h (d_k + d_v)$ numbers, GQA $g (d_k + d_v)$, MQA $d_k + d_v$, and MLA $d_c + d_r$, which does not depend on $h$.",
    scope="The rotary key of MLA is shared by all heads.",
    found=r"Exact, counted on decoders that reproduce full attention from the cache alone. With DeepSeek-V2's sizes MLA caches 576 numbers, MHA of the same heads 32,768, "
    r"GQA with 8 groups 2048 and MQA 256: MLA is not below MQA there, because $d_c + d_r > d_k + d_v$. In 16 bits Llama 2 7B keeps 524,288 bytes per token, "
    r"Llama 2 70B 327,680; $8 \cdot 10^{10}$ bytes hold 152,587 tokens of the former.",
    limits="Decoded over at most 9 tokens; numbers, not bytes of a serving system with its paging and quantisation.",
    if_fails="the rotary key is cached once per head, or the latent twice",
    zh=dict(
        says="每个 token 每层需缓存：MHA $h (d_k + d_v)$ 个数，GQA $g (d_k + d_v)$ 个，MQA $d_k + d_v$ 个，"
        "MLA 只需 $d_c + d_r$ 个，与 $h$ 无关。",
        scope="MLA 中带 RoPE 的 K 由所有 head 共享。",
        found="精确成立：在仅凭缓存就能复现完整注意力的解码器上数出。按 DeepSeek-V2 的设置，MLA 缓存 576 个数，"
        "同样这些 head 的 MHA 缓存 32,768 个，分 8 组的 GQA 缓存 2048 个，MQA 缓存 256 个：此时 MLA 并不低于 MQA，"
        "因为 $d_c + d_r > d_k + d_v$。以 16 位存储，Llama 2 7B 每个 token 占 524,288 字节，Llama 2 70B 占 327,680 字节；"
        r"$8 \cdot 10^{10}$ 字节能容纳前者的 152,587 个 token。",
        limits="至多解码 9 个 token；统计的是缓存中数的个数，而不是带有分页与量化的推理系统所占的字节数。",
        if_fails="带 RoPE 的 K 每个 head 各缓存一份，或 latent 缓存了两份",
        names=CACHES,
    ),
)
@subjects(
    kv_cache,
    latent_cached_for_keys_and_values=mla_cached(also=lambda c, k_r, W_kc, W_v: (c,)),
    rotary_key_cached_per_head=mla_cached(also=lambda c, k_r, W_kc, W_v: (k_r,) * (len(W_kc) - 1)),
    projected_heads_cached=mla_cached(also=lambda c, k_r, W_kc, W_v: (c @ W_kc, c @ W_v)),
    rotary_key_forgotten=mla_cached(without_rotary=True),
    eight_latest_tokens=variant(kv_cache, mla_extend=eight_latest_tokens),
    position_of_the_first_token=variant(kv_cache, mla_extend=position_of_the_first_token),
    only_the_last_three_tokens=variant(kv_cache, gqa_extend=only_the_last_three_tokens),
    cache_kept_in_float64=variant(kv_cache, gqa_extend=kept_in_float64),
    groups_repeated_before_caching=variant(kv_cache, gqa_extend=repeated_for_every_head),
)
@example(small=UNEVEN_LATENT, few=UNEVEN_GROUPED, name="DeepSeek-V2 (MLA)")
@example(small=LONG_LATENT, few=UNEVEN_GROUPED, name="Llama 2 70B (GQA)")
@given(small=latent(), few=grouped(), name=named())
def test_cached_numbers_per_token(subject, small, few, name, executors):
    x, m, *rest = small.tensors
    n, d = x.shape
    d_c, d_cq, d_k, d_r = small.W_c.shape[1], small.W_cq.shape[1], small.W_qc.shape[2], small.W_kr.shape[1]
    as_mla = lambda x, m, *weights: decoded(subject.mla_extend, (x, m), *weights)
    as_gqa = lambda x, *weights: decoded(subject.gqa_extend, (x,), *weights)
    model = MODELS[name]
    kept = (as_mla if model.latent else as_gqa)(*of_size(model))[1]
    equal(
        kept, model.d_c + model.d_r if model.latent else model.g * (model.d_k + model.d_v), f"numbers cached per token and layer by {name}"
    )
    in_16_bits = 2 * kept * model.layers
    measured(f"numbers cached per token and layer, {name}", kept)
    measured(f"bytes cached per token in 16 bits, {name}", in_16_bits)
    measured(f"tokens whose cache fits in 80 GB, {name}", 80 * 10**9 // in_16_bits)
    # The same path as in full attention, with the roundings of `mla-decode-equals-mha-form` and `gqa-index-and-endpoints`.
    truth = certified(
        attention.mla, (x, m, m, *rest), roundings=18, sums=d + d_cq + d_k + d_c + d_r + 2 * n + d_c, exponent=small.largest_logit
    )
    executors.hold("decoded by MLA", lambda *args: as_mla(*args)[0], small.tensors, truth)
    sums = few.x.shape[1] + few.W_q.shape[2] + 2 * len(few.x)
    truth = certified(attention.grouped, few.tensors, roundings=10, sums=sums, exponent=few.largest_logit)
    executors.hold("decoded by GQA", lambda *args: as_gqa(*args)[0], few.tensors, truth)
    halved = [tuple(tensor.bfloat16() for tensor in case.tensors) for case in (small, few)]  # a cache in another dtype would be larger
    equal(as_mla(*halved[0])[1], d_c + d_r, f"numbers cached per token by MLA with {len(small.W_kc)} heads")
    equal(as_gqa(*halved[1])[1], len(few.W_k) * (few.W_k.shape[2] + few.W_v.shape[2]), "numbers cached per token by GQA")


def one_head_split_over_the_heads(cache, x, W_q, W_k, W_v):
    """The factor 1 / h applied twice: of the single head's key and value, each head is thought to keep its share."""
    h = len(W_q) if len(W_k) == 1 else 1
    shares = [-(-W.shape[-1] // h) for W in (W_q, W_k, W_v)]
    return kv_cache.gqa_extend(cache, x, *(W[..., :share] for W, share in zip((W_q, W_k, W_v), shares, strict=True)))


def values_read_from_the_keys(cache, x, W_q, W_k, W_v):
    k = kv_cache.append(cache, x @ W_k)
    logits = x @ W_q @ k[0].repeat_interleave(len(W_q) // len(W_k), 0).mT
    return softmax(logits) @ k[0].repeat_interleave(len(W_q) // len(W_k), 0), k


@claim(
    POST,
    "mqa-is-the-ceiling-of-saving",
    part_of="kv-cache-size-per-token",
    section="MQA",
    kind=Kind.INEQUALITY,
    effort=0.6,
    finding=Finding.HOLDS_IN_SCOPE,
    says=r"MQA caches $1/h$ of what MHA does, and no scheme can save more: it is the ceiling.",
    scope="Not stated; so far the post speaks only of schemes that share heads.",
    found=r"True among schemes that share heads: GQA saves exactly the factor $h / g$. A latent saves more than MQA exactly if $d_c + d_r < d_k + d_v$.",
    limits="Counts numbers per token; quantised caches and layers that share a cache are outside.",
    if_fails="the cached keys or values are fewer than the decoder reads",
    zh=dict(
        says="MQA 把 KV Cache 减少到 MHA 的 $1/h$，没有方案能省得更多：这已是天花板。",
        scope="文中没有说明；到此为止它只谈到共享 head 的方案。",
        found="在共享 head 的方案之中成立：GQA 节省的倍数恰为 $h / g$。latent 比 MQA 省得更多，当且仅当 $d_c + d_r < d_k + d_v$。",
        limits="数的是每个 token 缓存的个数；量化的缓存与多层共用的缓存不在其内。",
        if_fails="缓存的 K 或 V 比解码器读取的少",
    ),
)
@subjects(
    kv_cache,
    one_head_split_over_the_heads=variant(kv_cache, gqa_extend=one_head_split_over_the_heads),
    values_read_from_the_keys=variant(kv_cache, gqa_extend=values_read_from_the_keys),
    groups_repeated_before_caching=variant(kv_cache, gqa_extend=repeated_for_every_head),
    rotary_key_forgotten=mla_cached(without_rotary=True),
    latent_cached_for_keys_and_values=mla_cached(also=lambda c, k_r, W_kc, W_v: (c,)),
)
@counterexample(
    "a latent of 128 with a rotary key of 64 for 128 heads of 128: 192 numbers, where one head's key and value are 256",
    "latent 为 128、带 RoPE 的 K 为 64，供 128 个大小为 128 的 head 使用：共 192 个数，而单个 head 的 K、V 就有 256 个",
    model=Model(d=5120, h=128, g=128, d_c=128, d_r=64, d_cq=1536),
)
@example(model=Model(d=8, h=8, g=1, d_k=4, d_v=4))
@given(model=sharing())
def test_no_sharing_of_heads_saves_more_than_one_head(subject, model):
    def kept(extend, tokens, model):
        arguments = of_size(model, n=1)
        return decoded(extend, arguments[:tokens], *arguments[tokens:])[1]

    mha = kept(subject.gqa_extend, 1, replace(model, g=model.h, d_c=0))
    gqa = kept(subject.gqa_extend, 1, replace(model, d_c=0))
    latent = kept(subject.mla_extend, 2, model) if model.latent else gqa
    equal(mha, model.h * (model.d_k + model.d_v), f"numbers cached per token by MHA with {model.h} heads")
    equal(Fraction(mha, gqa), Fraction(model.h, model.g), f"what GQA saves with {model.h} heads in {model.g} group{'s' * (model.g > 1)}")
    equal(latent, model.d_c + model.d_r if model.latent else gqa, "numbers cached per token")
    require(
        latent * model.h >= mha,
        f"{latent} numbers per token, below 1/{model.h} of the {mha} of MHA: it saves a factor of {float(mha / latent):.3g}",
    )
