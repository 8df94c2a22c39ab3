"""The tug-of-war between cache and quality: MHA, MQA, GQA, MLA (post 10091)."""

from functools import partial

import torch
from hypothesis import example, given
from hypothesis import strategies as st

from claims import Finding, Kind, Post, claim, subjects, variant
from impls.attention import absorption, gqa, kv_cache, mla
from impls.attention.rotary import rotate
from impls.attention.softmax import causal, softmax
from oracles import attention
from oracles.ball import certified
from oracles.evidence import equal, measured
from oracles.polynomial import same_polynomial
from strategies.attention.projections import MODELS, absorbable, grouped, latent, of_size, repelled_by_itself

POST = Post(
    10091,
    date="2024-05-13",
    en="The tug-of-war between cache and quality: from MHA, MQA, GQA to MLA",
    zh="缓存与效果的极限拉扯：从MHA、MQA、GQA到MLA",
    topic="attention",
)


def in_mqa_form(mistake):
    """The decoding form with its arguments changed by `mistake` on the way in; the training form stays right."""
    return variant(mla, mqa_form=lambda *args: mla.mqa_form(*mistake(*args)))


def heads_of_keys_rolled(x, positions, theta, W_c, W_cq, W_qc, W_qr, W_kc, W_kr, W_v):
    return x, positions, theta, W_c, W_cq, W_qc, W_qr, W_kc.roll(1, 0), W_kr, W_v


def values_averaged_over_heads(x, positions, theta, W_c, W_cq, W_qc, W_qr, W_kc, W_kr, W_v):
    return x, positions, theta, W_c, W_cq, W_qc, W_qr, W_kc, W_kr, W_v.mean(0, keepdim=True).expand_as(W_v)


def scaled_by_the_new_head_size(x, positions, theta, W_c, W_cq, W_qc, W_qr, W_kc, W_kr, W_v):
    factor = ((W_qc.shape[-1] + W_qr.shape[-1]) / (W_c.shape[-1] + W_qr.shape[-1])) ** 0.5
    return x, positions, theta, W_c, W_cq, W_qc * factor, W_qr * factor, W_kc, W_kr, W_v


def maximum_not_subtracted(logits, v):
    weights = logits.exp().tril()
    return weights / weights.sum(-1, keepdim=True) @ v


def future_at_minus_100(logits, v):
    """The future is masked by a number that is only usually small enough."""
    return softmax(logits.masked_fill(logits.new_ones(logits.shape[-2:]).triu(1).bool(), -100.0)) @ v


def training_form_scaled_by_the_content(x, positions, theta, W_c, W_cq, W_qc, W_qr, W_kc, W_kr, W_v):
    factor = (1 + W_qr.shape[-1] / W_qc.shape[-1]) ** 0.5
    return mla.mha_form(x, positions, theta, W_c, W_cq, W_qc * factor, W_qr * factor, W_kc, W_kr, W_v)


def with_rotary_key(key):
    """The decoding form with another rotary key: key(x, c, positions, theta, W_kr) -> (n, d_r)."""

    def mqa_form(x, positions, theta, W_c, W_cq, W_qc, W_qr, W_kc, W_kr, W_v):
        c, c_q = x @ W_c, x @ W_cq
        content = c_q @ W_qc @ W_kc.mT @ c.T
        rotary = rotate(c_q @ W_qr, positions, theta) @ key(x, c, positions, theta, W_kr).T
        return causal((content + rotary) / mla.scale(W_qc, W_qr), c) @ W_v

    return variant(mla, mqa_form=mqa_form)


@claim(
    POST,
    "mla-decode-equals-mha-form",
    section="MLA, parts 2 and 3",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    headline=True,
    says=r"The training form of MLA, $q = [c' W_{qc},\, c' W_{qr}\mathcal R]$, $k = [c W_{kc},\, x W_{kr}\mathcal R]$, $v = c W_v$, equals its decoding form "
    r"$q = [c' W_{qc} W_{kc}^\top,\, c' W_{qr}\mathcal R]$, $k = [c,\, x W_{kr}\mathcal R]$, $v = c$ followed by $W_v$, which caches only $[c,\, x W_{kr}\mathcal R]$.",
    zh=r"MLA 的训练形式 $q = [c' W_{qc},\, c' W_{qr}\mathcal R]$、$k = [c W_{kc},\, x W_{kr}\mathcal R]$、$v = c W_v$ 恒等于解码形式 "
    r"$q = [c' W_{qc} W_{kc}^\top,\, c' W_{qr}\mathcal R]$、$k = [c,\, x W_{kr}\mathcal R]$、$v = c$（再乘 $W_v$），后者只需缓存 $[c,\, x W_{kr}\mathcal R]$。",
    scope="Infinite precision; the post writes no logit scale.",
    found=r"Holds to precision, if the decoding form keeps the training scale $1/\sqrt{d_k + d_r}$ and does not take that of its own head size $d_c + d_r$.",
    limits="Layers of at most 5 tokens and 3 heads; kernels that fuse the steps must be brought in with --impl.",
    if_fails="the logits are scaled by the head size of the decoding form",
)
@subjects(
    mla,
    training_form_scaled_by_the_content=variant(mla, mha_form=training_form_scaled_by_the_content),
    training_form_without_maximum=variant(mla, mha_form=partial(mla.mha_form, attend=maximum_not_subtracted)),
    decoding_form_without_maximum=variant(mla, mqa_form=partial(mla.mqa_form, attend=maximum_not_subtracted)),
    future_at_minus_100=variant(mla, mqa_form=partial(mla.mqa_form, attend=future_at_minus_100)),
    positions_ignored=in_mqa_form(lambda x, positions, *rest: (x, positions * 0 + torch.arange(len(x), device=x.device), *rest)),
    scaled_by_the_new_head_size=in_mqa_form(scaled_by_the_new_head_size),
    heads_of_keys_rolled=in_mqa_form(heads_of_keys_rolled),
    values_averaged_over_heads=in_mqa_form(values_averaged_over_heads),
    rotary_key_not_rotated=with_rotary_key(lambda x, c, positions, theta, W_kr: x @ W_kr),
    rotary_key_one_position_late=with_rotary_key(lambda x, c, positions, theta, W_kr: rotate(x @ W_kr, positions + 1, theta)),
    rotary_key_fed_from_the_latent=with_rotary_key(lambda x, c, positions, theta, W_kr: rotate(c.mean(-1, keepdim=True) * W_kr[:1], positions, theta)),
)
@example(case=repelled_by_itself())
@given(case=latent())
def test_decode_equals_mha_form(subject, case, executors):
    x, m, *rest = case.tensors
    n, d = x.shape
    d_c, d_cq, d_k, d_r = case.W_c.shape[1], case.W_cq.shape[1], case.W_qc.shape[2], case.W_kr.shape[1]
    # Stored on the longest path: c', its projection, the absorbed query, angle, cosine (2), three of the rotation, logit,
    # scale (2), maximum (2), exponential (2), quotient, average, W_v. Summed: every contraction of that path and the softmax's.
    truth = certified(attention.mla, (x, m, m, *rest), roundings=18, sums=d + d_cq + d_k + d_c + d_r + 2 * n + d_c, exponent=case.largest_logit)
    executors.hold("training form", subject.mha_form, case.tensors, truth)
    executors.hold("decoding form", subject.mqa_form, case.tensors, truth)


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
    finding=Finding.HOLDS,
    headline=True,
    says=r"In grouped-query attention head $s \in \{1, \dots, h\}$ uses the keys and values of group $\lceil s g / h \rceil$; $g = h$ is MHA and $g = 1$ is MQA.",
    zh=r"GQA 的第 $s \in \{1, \dots, h\}$ 个 head 使用第 $\lceil s g / h \rceil$ 组的键值；$g = h$ 即 MHA，$g = 1$ 即 MQA。",
    scope=r"$g$ divides $h$.",
    found=r"Holds: the formula cuts the heads into $g$ runs of $h / g$ consecutive heads, so GQA is MHA whose key and value weights are repeated $h / g$ times in a row.",
    limits=r"Where $g$ does not divide $h$ the formula still runs, with groups of unequal size; that case is outside the claim.",
    if_fails="groups are tiled over the heads instead of repeated consecutively",
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
)
@given(h=st.integers(1, 256), case=grouped())
def test_groups_are_runs_of_consecutive_heads(subject, h, case, executors):
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


def decoded(extend, tokens, *weights):
    """All outputs of decoding one token after the other, (h, n, d_v), and the numbers cached per token, in the tokens' own dtype.

    tokens: the arguments that belong to a token (the token itself, its position), one row each. A second sequence, the same
    tokens in reverse, is decoded in between: what is not in the cache does not know which of them it belongs to.
    """
    cache, other, outputs = None, None, []
    n = len(tokens[0])
    for t in range(n):
        y, cache = extend(cache, *(rows[t : t + 1] for rows in tokens), *weights)
        _, other = extend(other, *(rows[n - 1 - t : n - t] for rows in tokens), *weights)
        outputs.append(y)
    kept = sum(part.numel() * part.element_size() for part in cache)
    return torch.cat(outputs, dim=1), kept / (n * tokens[0].element_size())


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


def kept_in_float64(cache, x, *weights):
    y, cache = kv_cache.gqa_extend(cache and tuple(part.to(x.dtype) for part in cache), x, *weights)
    return y, tuple(part.double() for part in cache)


def repeated_for_every_head(cache, x, W_q, W_k, W_v):
    repeats = len(W_q) // len(W_k)
    return kv_cache.gqa_extend(cache, x, W_q, W_k.repeat_interleave(repeats, 0), W_v.repeat_interleave(repeats, 0))


@claim(
    POST,
    "kv-cache-size-per-token",
    section="MQA, GQA and MLA",
    kind=Kind.COMPLEXITY,
    finding=Finding.HOLDS,
    headline=True,
    says=r"Per token and layer MHA caches $h (d_k + d_v)$ numbers, GQA $g (d_k + d_v)$, MQA $d_k + d_v$, and MLA $d_c + d_r$, which does not depend on $h$.",
    zh=r"每个 token 每层需缓存：MHA $h (d_k + d_v)$ 个数，GQA $g (d_k + d_v)$ 个，MQA $d_k + d_v$ 个，MLA 只需 $d_c + d_r$ 个，与 $h$ 无关。",
    scope="The rotary key of MLA is shared by all heads.",
    found=r"Exact, counted on decoders that reproduce full attention from the cache alone. With DeepSeek-V2's sizes MLA caches 576 numbers, MHA of the same heads 32768, "
    r"GQA with 8 groups 2048 and MQA 256: MLA is not below MQA there, because $d_c + d_r > d_k + d_v$.",
    limits="Counts numbers, not bytes of a serving system with its paging and quantisation.",
    if_fails="the rotary key is cached once per head, or the latent twice",
)
@subjects(
    kv_cache,
    latent_cached_for_keys_and_values=mla_cached(also=lambda c, k_r, W_kc, W_v: (c,)),
    rotary_key_cached_per_head=mla_cached(also=lambda c, k_r, W_kc, W_v: (k_r,) * (len(W_kc) - 1)),
    projected_heads_cached=mla_cached(also=lambda c, k_r, W_kc, W_v: (c @ W_kc, c @ W_v)),
    rotary_key_forgotten=mla_cached(without_rotary=True),
    position_of_the_first_token=variant(kv_cache, mla_extend=position_of_the_first_token),
    only_the_last_three_tokens=variant(kv_cache, gqa_extend=only_the_last_three_tokens),
    cache_kept_in_float64=variant(kv_cache, gqa_extend=kept_in_float64),
    groups_repeated_before_caching=variant(kv_cache, gqa_extend=repeated_for_every_head),
)
@given(small=latent(), few=grouped(), name=st.sampled_from(sorted(MODELS)))
def test_cached_numbers_per_token(subject, small, few, name, executors):
    x, m, *rest = small.tensors
    n, d = x.shape
    d_c, d_cq, d_k, d_r = small.W_c.shape[1], small.W_cq.shape[1], small.W_qc.shape[2], small.W_kr.shape[1]
    as_mla = lambda x, m, *weights: decoded(subject.mla_extend, (x, m), *weights)
    as_gqa = lambda x, *weights: decoded(subject.gqa_extend, (x,), *weights)
    # The same path as in full attention: see the two claims above for what is counted.
    truth = certified(attention.mla, (x, m, m, *rest), roundings=18, sums=d + d_cq + d_k + d_c + d_r + 2 * n + d_c, exponent=small.largest_logit)
    executors.hold("decoded by MLA", lambda *args: as_mla(*args)[0], small.tensors, truth)
    sums = few.x.shape[1] + few.W_q.shape[2] + 2 * len(few.x)
    truth = certified(attention.grouped, few.tensors, roundings=10, sums=sums, exponent=few.largest_logit)
    executors.hold("decoded by GQA", lambda *args: as_gqa(*args)[0], few.tensors, truth)
    halved = [tuple(tensor.bfloat16() for tensor in case.tensors) for case in (small, few)]  # a cache in another dtype would be larger
    equal(as_mla(*halved[0])[1], d_c + d_r, f"numbers cached per token by MLA with {len(small.W_kc)} heads")
    equal(as_gqa(*halved[1])[1], len(few.W_k) * (few.W_k.shape[2] + few.W_v.shape[2]), "numbers cached per token by GQA")
    model = MODELS[name]
    kept = (as_mla if model.latent else as_gqa)(*of_size(model))[1]
    equal(kept, model.d_c + model.d_r if model.latent else model.g * (model.d_k + model.d_v), f"numbers cached per token and layer by {name}")
    measured(f"numbers cached per token and layer, {name}", kept)


def in_absorbed_form(mistake):
    return variant(absorption, absorbed=lambda *args: absorption.absorbed(*mistake(*args)))


@claim(
    POST,
    "mla-absorption-without-rope",
    section="MLA, part 1",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    says=r"Without rotary encoding $q_t k_i^\top = (x_t W_q)(c_i W_k)^\top = x_t (W_q W_k^\top) c_i^\top$, and $W_v$ can be applied after the attention, "
    r"so that only the latent $c_i$ needs to be cached.",
    zh=r"不加旋转编码时 $q_t k_i^\top = (x_t W_q)(c_i W_k)^\top = x_t (W_q W_k^\top) c_i^\top$，且 $W_v$ 可移到注意力之后，因此只需缓存 $c_i$。",
    scope="No rotary encoding.",
    found="Holds exactly: logits and outputs of both forms are the same polynomials. It needs logits that are bilinear in the projections; "
    "a normalisation of queries or keys in between would break it.",
    limits="Certified for the shapes drawn, each up to the stated probability.",
    if_fails="the query and key projections are multiplied in the wrong order, or of different heads",
)
@subjects(
    absorption,
    projections_in_the_wrong_order=variant(
        absorption,
        absorbed=lambda x, p, W_c, W_q, W_k, W_v: torch.cat([x @ W_c @ (W_k @ W_q.mT) @ x.T, p @ (x @ W_c) @ W_v], dim=-1),
    ),
    heads_of_keys_rolled=in_absorbed_form(lambda x, p, W_c, W_q, W_k, W_v: (x, p, W_c, W_q, W_k.roll(1, 0), W_v)),
    values_of_the_first_head=in_absorbed_form(lambda x, p, W_c, W_q, W_k, W_v: (x, p, W_c, W_q, W_k, W_v[:1].expand_as(W_v))),
    latent_of_another_token=in_absorbed_form(lambda x, p, W_c, W_q, W_k, W_v: (x, p.roll(1, -1), W_c, W_q, W_k, W_v)),
)
@given(case=absorbable())
def test_absorbed_form_is_the_same_polynomial(subject, case):
    shapes, seed = case
    # x W_q W_k^T W_c^T x^T has two factors x and one each of the weights.
    same_polynomial("projected form", subject.projected, attention.latent_polynomials, shapes, degree=5, seed=seed)
    same_polynomial("absorbed form", subject.absorbed, attention.latent_polynomials, shapes, degree=5, seed=seed)
