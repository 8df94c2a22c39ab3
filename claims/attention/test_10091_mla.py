"""The tug-of-war between cache and quality: MHA, MQA, GQA, MLA (post 10091)."""

from fractions import Fraction
from functools import partial

import numpy as np
import torch
from hypothesis import example, given

from claims import Finding, Kind, Post, claim, counterexample, subjects, variant
from impls.attention import absorption, biased, mla, mla_as_mha, rope_absorption, rope_on_latent
from impls.attention.rotary import rotate
from impls.attention.softmax import causal, softmax
from oracles import attention, rotary
from oracles.ball import certified
from oracles.evidence import equal, measured, require
from oracles.polynomial import same_polynomial
from oracles.rank import rank
from strategies.attention import projections
from strategies.attention.heads import LONG_LATENT, UNEVEN_BIASED, UNEVEN_LATENT
from strategies.attention.projections import absorbable, latent, repelled_by_itself
from strategies.attention.turns import Turns, rotary_heads, rotated_latents

POST = Post(
    10091,
    date="2024-05-13",
    topic="attention",
    title="The tug-of-war between cache and quality: from MHA, MQA, GQA to MLA",
    sections={
        "MHA": "MHA",
        "MQA": "MQA",
        "GQA": "GQA",
        "MLA, part 1": "MLA，Part 1",
        "MLA, part 1, notes": "MLA，Part 1 的补充说明",
        "MLA, part 2": "MLA，Part 2",
        "MLA, part 3": "MLA，Part 3",
        "MLA, parts 2 and 3": "MLA，Part 2 与 Part 3",
        "MQA, GQA and MLA": "MQA、GQA 与 MLA",
    },
    stands=r"The main result holds: the training form of MLA equals its decoding form to rounding, provided that the logits keep the scale "
    r"$1/\sqrt{d_k + d_r}$; cache sizes are exact, and GQA is a special case of MLA. RoPE blocks the absorption for generic weights, "
    r"MQA is the ceiling among schemes that share heads, and multiplying in turn is cheaper below a certain head size: conditions that the "
    r"post leaves out or open. In decoding, heads are 4 times as large for values, but 4.5 times for queries and keys; DeepSeek-V2 has 3.2 "
    r"times the usual heads, not 3. On generic weights the forms differ by rounding, but no form is less accurate, even after 16 layers. "
    r"That multiplying in turn loses less is refuted: this depends on where the weights cancel.",
    zh=dict(
        title="缓存与效果的极限拉扯：从MHA、MQA、GQA到MLA",
        stands=r"主要结论成立：只要 logits 沿用缩放因子 $1/\sqrt{d_k + d_r}$，MLA 的训练形式与解码形式就在舍入误差内相等；"
        r"各种 KV Cache 的大小都是精确的，GQA 也确是 MLA 的特例。有几条需要文中没有写出或没有写明的条件：RoPE 妨碍矩阵吸收，是对一般的权重而言；"
        r"MQA 是天花板，是在共享 head 的方案之中；依次相乘更省计算量，要求 head size 小于某个阈值。"
        r"另有两处数值只是近似：解码时 V 的 head 是 4 倍大，Q、K 的却是 4.5 倍；DeepSeek-V2 的 head 数是通常的 3.2 倍，而不是 3 倍。"
        r"在一般的权重上，各形式之间有舍入级别的差异，但没有哪一种精度更差，经过 16 层也是如此。"
        r"“依次相乘的精度损失更小”不成立：这取决于权重在哪里相消。",
    ),
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
    effort=0.35,
    says=r"The training form of MLA, $q = [c' W_{qc},\, c' W_{qr}\mathcal R]$, $k = [c W_{kc},\, x W_{kr}\mathcal R]$, $v = c W_v$, equals its decoding form "
    r"$q = [c' W_{qc} W_{kc}^\top,\, c' W_{qr}\mathcal R]$, $k = [c,\, x W_{kr}\mathcal R]$, $v = c$ followed by $W_v$, which caches only $[c,\, x W_{kr}\mathcal R]$.",
    scope="Infinite precision; the post writes no logit scale.",
    found=r"Holds to precision, if the decoding form keeps the training scale $1/\sqrt{d_k + d_r}$ and does not take that of its own head size $d_c + d_r$.",
    limits="Layers of at most 5 tokens and 3 heads; kernels that fuse the steps must be brought in with --impl.",
    if_fails="the logits are scaled by the head size of the decoding form",
    zh=dict(
        says=r"MLA 的训练形式 $q = [c' W_{qc},\, c' W_{qr}\mathcal R]$、$k = [c W_{kc},\, x W_{kr}\mathcal R]$、"
        r"$v = c W_v$ 恒等于解码形式 $q = [c' W_{qc} W_{kc}^\top,\, c' W_{qr}\mathcal R]$、$k = [c,\, x W_{kr}\mathcal R]$、"
        r"$v = c$（再乘 $W_v$），后者只需缓存 $[c,\, x W_{kr}\mathcal R]$。",
        scope="无限精度；文中没有写出 logits 的缩放因子。",
        found=r"在舍入误差内成立，前提是解码形式沿用训练时的缩放因子 $1/\sqrt{d_k + d_r}$，"
        "而不是按它自己的 head size $d_c + d_r$ 来取。",
        limits="至多 5 个 token、3 个 head 的层；把若干步融合在一起的 kernel 须用 --impl 接入。",
        if_fails="logits 按解码形式的 head size 缩放",
        names={
            "training form at [#, #, #]": "训练形式，在 [#, #, #] 处",
            "decoding form at [#, #, #]": "解码形式，在 [#, #, #] 处",
        },
    ),
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
    rotary_key_fed_from_the_latent=with_rotary_key(
        lambda x, c, positions, theta, W_kr: rotate(c.mean(-1, keepdim=True) * W_kr[:1], positions, theta)
    ),
)
@example(case=UNEVEN_LATENT)
@example(case=LONG_LATENT)
@example(case=repelled_by_itself())
@given(case=latent())
def test_decode_equals_mha_form(subject, case, executors):
    x, m, *rest = case.tensors
    n, d = x.shape
    d_c, d_cq, d_k, d_r = case.W_c.shape[1], case.W_cq.shape[1], case.W_qc.shape[2], case.W_kr.shape[1]
    # Stored on the longest path: c', its projection, the absorbed query, angle, cosine (2), three of the rotation, logit,
    # scale (2), maximum (2), exponential (2), quotient, average, W_v. Summed: every contraction of that path and the softmax's.
    truth = certified(
        attention.mla, (x, m, m, *rest), roundings=18, sums=d + d_cq + d_k + d_c + d_r + 2 * n + d_c, exponent=case.largest_logit
    )
    executors.hold("training form", subject.mha_form, case.tensors, truth)
    executors.hold("decoding form", subject.mqa_form, case.tensors, truth)


def in_absorbed_form(mistake):
    return variant(absorption, absorbed=lambda *args: absorption.absorbed(*mistake(*args)))


def without_value_projection(x, p, W_c, W_q, W_k, W_v):
    """Wrong where that can be overlooked: values of the latent's own size."""
    same_size = W_v.shape[-1] == W_c.shape[-1]
    return absorption.absorbed(x, p, W_c, W_q, W_k, torch.eye(len(W_c.T)).to(W_v).expand_as(W_v) if same_size else W_v)


def keys_normalised(x, p, W_c, W_q, W_k, W_v):
    k = x @ W_c @ W_k
    return torch.cat([x @ W_q @ (k / k.norm(dim=-1, keepdim=True).clamp(min=1)).mT, p @ (x @ W_c @ W_v)], dim=-1)


@claim(
    POST,
    "mla-absorption-without-rope",
    section="MLA, part 1",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    says=r"Without rotary encoding $q_t k_i^\top = (x_t W_q)(c_i W_k)^\top = x_t (W_q W_k^\top) c_i^\top$, and $W_v$ can be applied after the attention, "
    r"so that only the latent $c_i$ needs to be cached.",
    scope="No rotary encoding.",
    found="Holds exactly: the logits, and the outputs for given attention weights, are the same polynomials in both forms. It needs logits that are bilinear in the projections; "
    "a normalisation of queries or keys in between would break it.",
    limits="Certified for the shapes drawn, each up to the stated probability.",
    if_fails="the query and key projections are multiplied in the wrong order, or of different heads",
    zh=dict(
        says=r"不加旋转编码时 $q_t k_i^\top = (x_t W_q)(c_i W_k)^\top = x_t (W_q W_k^\top) c_i^\top$，且 $W_v$ 可移到注意力之后，"
        "因此只需缓存 $c_i$。",
        scope="不加旋转编码。",
        found="精确成立：两种形式的 logits，以及注意力权重给定时的输出，都是相同的多项式。"
        "它要求 logits 关于各投影是双线性的；若中间对 Q 或 K 做归一化，恒等关系就不再成立。",
        limits="对抽到的形状逐一验证，每一形状的误判概率不超过所注明的值。",
        if_fails="Q、K 的投影矩阵相乘的次序颠倒，或取自不同的 head",
        names={
            "projected form": "先投影的形式",
            "absorbed form": "吸收后的形式",
        },
    ),
)
@subjects(
    absorption,
    projections_in_the_wrong_order=variant(
        absorption,
        absorbed=lambda x, p, W_c, W_q, W_k, W_v: torch.cat([x @ W_c @ (W_k @ W_q.mT) @ x.T, p @ (x @ W_c) @ W_v], dim=-1),
    ),
    heads_of_keys_rolled=in_absorbed_form(lambda x, p, W_c, W_q, W_k, W_v: (x, p, W_c, W_q, W_k.roll(1, 0), W_v)),
    values_of_the_first_head=in_absorbed_form(lambda x, p, W_c, W_q, W_k, W_v: (x, p, W_c, W_q, W_k, W_v[:1].expand_as(W_v))),
    values_averaged_over_heads=in_absorbed_form(
        lambda x, p, W_c, W_q, W_k, W_v: (x, p, W_c, W_q, W_k, W_v.mean(0, keepdim=True).expand_as(W_v))
    ),
    values_not_projected=variant(absorption, absorbed=without_value_projection),
    keys_normalised=variant(absorption, projected=keys_normalised),
    latent_of_another_token=in_absorbed_form(lambda x, p, W_c, W_q, W_k, W_v: (x, p.roll(1, -1), W_c, W_q, W_k, W_v)),
)
@given(case=absorbable())
def test_absorbed_form_is_the_same_polynomial(subject, case):
    shapes, seed = case
    # x W_q W_k^T W_c^T x^T has two factors x and one each of the weights.
    same_polynomial("projected form", subject.projected, attention.latent_polynomials, shapes, degree=5, seed=seed)
    same_polynomial("absorbed form", subject.absorbed, attention.latent_polynomials, shapes, degree=5, seed=seed)


def between_by(relative):
    """The matrix between token and latent with another rotation in the middle: relative(R_t, R_i)."""
    return variant(
        rope_absorption,
        between=lambda R, W_q, W_k: W_q[:, None, None] @ relative(R[:, None], R[None]) @ W_k.mT[:, None, None],
    )


@claim(
    POST,
    "plain-rope-blocks-absorption",
    section="MLA, part 2",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS_IN_SCOPE,
    effort=0.6,
    says=r"With rotary encoding of the whole head $q_t k_i^\top = x_t (W_q \mathcal R_{t-i} W_k^\top) c_i^\top$, which depends on $t - i$, so that no fixed matrix can be absorbed.",
    scope="The post states no condition on weights or frequencies.",
    found=r"Holds for generic weights and a latent smaller than all keys together. The matrices of one head span a space of dimension $\min(d_k, d\, d_c)$. Any cache that is linear in $c_i$, "
    r"even one that knows the position, needs $d_k \min(h, d_c)$ numbers per token: as many as all keys if $h \le d_c$. "
    r"Where every $W_k$ commutes with the rotations, or nothing rotates, $d_c$ numbers are enough.",
    limits="Angles of rational sine and cosine and random integer weights: exact for the cases drawn, up to 3 heads of size 4.",
    if_fails="rotations are multiplied on the wrong side for row vectors, or their positions added",
    zh=dict(
        says=r"若对整个 head 加 RoPE，则 $q_t k_i^\top = x_t (W_q \mathcal R_{t-i} W_k^\top) c_i^\top$ 与 $t - i$ 有关，"
        "无法合并成一个固定的投影矩阵。",
        scope="文中没有对权重或频率提出条件。",
        found=r"对一般的权重、且 latent 小于全部 K 的总大小时成立。单个 head 的这些矩阵张成一个 $\min(d_k, d\, d_c)$ 维空间。"
        r"任何关于 $c_i$ 线性的缓存，即使知道位置，每个 token 也需要 $d_k \min(h, d_c)$ 个数："
        r"$h \le d_c$ 时与缓存全部 K 一样多。若每个 $W_k$ 都与旋转可交换，或者根本没有旋转，则 $d_c$ 个数就够。",
        limits="正弦、余弦为有理数的角度与随机的整数权重：对抽到的情形是精确的，至多 3 个 head、head size 至多为 4。",
        if_fails="在行向量的约定下旋转乘到了错误的一侧，或位置被相加",
        names={
            "least number cached per token, as a multiple of d_c": "每个 token 最少要缓存的个数（$d_c$ 的倍数）",
        },
    ),
)
@subjects(
    rope_absorption,
    rotations_on_the_wrong_side=between_by(lambda R_t, R_i: R_t.mT @ R_i),
    positions_added=between_by(lambda R_t, R_i: R_t @ R_i),
    one_matrix_for_all_distances=between_by(lambda R_t, R_i: R_t @ R_t.mT + 0 * R_i),
    key_not_rotated=variant(rope_absorption, logits=lambda x, c, R, W_q, W_k: rope_absorption.turned(x @ W_q, R) @ (c @ W_k).mT),
    keys_of_another_head=variant(
        rope_absorption,
        logits=lambda x, c, R, W_q, W_k: rope_absorption.logits(x, c, R, W_q, np.roll(W_k, 1, 0)),
    ),
)
@counterexample(
    "frequency 0 rotates nothing: the latent is enough",
    "频率为 0 时什么都不旋转：缓存 latent 就够",
    case=Turns(h=2, d=1, d_c=2, d_k=2, n=2, tangents=(Fraction(0),)),
)
@counterexample(
    "each W_k commutes with the rotations: the latent, rotated once for all heads, is enough",
    "每个 $W_k$ 都与旋转可交换：把 latent 为所有 head 统一旋转一次再缓存就够",
    case=Turns(h=2, d=1, d_c=4, d_k=4, n=4, tangents=(Fraction(1, 2), Fraction(1, 3)), weights="W_k commutes with rotations"),
)
@given(case=rotary_heads())
def test_rotated_keys_do_not_fit_into_the_latent(subject, case):
    h, d, d_c, d_k, n = case.h, case.d, case.d_c, case.d_k, case.n
    x, c, R, (W_q, W_k) = case.integers(n, d, name="x"), case.integers(n, d_c, name="c"), case.rotations(), case.projections()
    truth = rotary.logits(x, c, case.tangents, case.positions, W_q, W_k)
    M = subject.between(R, W_q, W_k)
    rotary.same("logits of rotated queries and keys", subject.logits(x, c, R, W_q, W_k), truth)
    rotary.same("logits by the matrix between token and latent", (x[:, None, None] @ M @ c[..., None])[..., 0, 0], truth)
    # A cache c_i A_i read by x_t B_t is a factorisation of the matrix of all M_ti: its rank is the least size of what is cached.
    cached = rank(M.transpose(0, 1, 3, 2, 4).reshape(h * n * d, n * d_c))
    require(cached > d_c, f"{cached} numbers per token, d_c = {d_c}, give all logits of {h} heads at all positions")
    equal(cached, d_k * min(h, d_c), "the least number cached per token")
    measured("least number cached per token, as a multiple of d_c", cached / d_c)
    equal(rank(M[0].reshape(n * n, d * d_c)), min(d_k, d * d_c), "the dimension of what the matrices of one head span")


@claim(
    POST,
    "rope-before-projection-is-only-absolute",
    section="MLA, part 2",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS_IN_SCOPE,
    effort=0.6,
    says=r"The compromise $q_i = c_i \mathcal R_i W_q$, $k_i = c_i \mathcal R_i W_k$ can be absorbed, with $c_i \mathcal R_i$ as the cache, but the logits no longer depend on $t - i$ alone.",
    scope="The post states no condition on the weights, and writes queries and keys only.",
    found=r"Holds for generic weights: absorbed exactly by $W_q W_k^\top$, and logits change when both positions are shifted. They are relative where $W_q W_k^\top$ commutes with every rotation. "
    r"Values need care: $c_i \mathcal R_i$ has to be rotated back before $W_v$.",
    limits="Latents of dimension 2 and 4, shifts of 1, 10 and 100, angles of rational sine and cosine; exact.",
    if_fails="the latent is cached without its rotation, or values are read from the rotated latent",
    zh=dict(
        says=r"折中方案 $q_i = c_i \mathcal R_i W_q$、$k_i = c_i \mathcal R_i W_k$ 可以缓存 $c_i \mathcal R_i$ 并合并矩阵，"
        "但不再是只依赖 $t - i$ 的相对位置编码。",
        scope="文中没有对权重提出条件，并且只写了 Q 和 K。",
        found=r"对一般的权重成立：可由 $W_q W_k^\top$ 精确吸收，而两个位置一起平移时 logits 会改变。"
        r"若 $W_q W_k^\top$ 与每个旋转都可交换，则 logits 仍是相对的。V 需要小心：$c_i \mathcal R_i$ 要先转回来，"
        "才能乘 $W_v$。",
        limits="latent 的维数为 2 和 4，平移量为 1、10 和 100，角度的正弦、余弦为有理数；结果是精确的。",
        if_fails="缓存的 latent 没有旋转，或 V 直接从旋转后的 latent 读取",
        names={
            "largest change of the logits under a shift, relative to their size": "平移后 logits 的最大变化（相对于 logits 的大小）",
        },
    ),
)
@subjects(
    rope_on_latent,
    rotated_after_the_projection=variant(
        rope_on_latent,
        logits=lambda c, R, W_q, W_k: rope_absorption.turned(c @ (W_q @ W_k.mT), R) @ rope_absorption.turned(c, R).T,
    ),
    projections_left_out=variant(
        rope_on_latent,
        logits=lambda c, R, W_q, W_k: np.stack([rope_absorption.turned(c, R) @ rope_absorption.turned(c, R).T] * len(W_q)),
    ),
    key_not_rotated=variant(rope_on_latent, logits=lambda c, R, W_q, W_k: rope_absorption.turned(c, R) @ W_q @ (c @ W_k).mT),
    latent_cached_without_rotation=variant(rope_on_latent, cached=lambda c, R: c),
    cached_one_position_late=variant(rope_on_latent, cached=lambda c, R: rope_on_latent.cached(c, np.roll(R, -1, 0))),
    projections_in_the_wrong_order=variant(rope_on_latent, absorbed=lambda kept, W_q, W_k: kept @ (W_k @ W_q.mT) @ kept.T),
    values_of_the_rotated_latent=variant(rope_on_latent, outputs=lambda p, kept, R, W_v: p @ kept @ W_v),
)
@counterexample(
    "the product of the projections is the identity, which commutes with every rotation",
    "两个投影矩阵之积为单位阵，与任何旋转都可交换",
    case=Turns(h=1, d=2, d_c=2, d_k=2, n=2, tangents=(Fraction(1, 2),), weights="identity"),
)
@given(case=rotated_latents())
def test_rotating_the_latent_is_absolute(subject, case):
    c, p, W_v = (
        case.integers(case.n, case.d_c, name="c"),
        case.integers(case.h, case.n, case.n, name="p"),
        case.integers(case.h, case.d_c, 2, name="W_v"),
    )
    R, (W_q, W_k) = case.rotations(), case.projections()
    here, *shifted = (subject.logits(c, case.rotations(shift), W_q, W_k) for shift in (0, 1, 10, 100))
    change = max(np.linalg.norm((there - here).astype(float)) / np.linalg.norm(here.astype(float)) for there in shifted)
    require(
        any((there != here).any() for there in shifted),
        f"the logits change by {change:.3g} of their size when all positions are shifted: they are relative",
    )
    measured("largest change of the logits under a shift, relative to their size", change)
    truth = rotary.rotated_first(c, case.tangents, case.positions, W_q, W_k)
    kept = subject.cached(c, R)
    rotary.same("logits of latents rotated before the projections", here, truth)
    rotary.same("logits by one matrix from what is cached", subject.absorbed(kept, W_q, W_k), truth)
    rotary.same("averages of the values c_i W_v", subject.outputs(p, kept, R, W_v), np.einsum("sti,ie,sev->stv", p, c, W_v))


def token_by_token(extend, x, bias, *weights):
    """Outputs (h, n, d_v) of decoding, each token with the biases that it has by then, and the cache."""
    outputs, cache = [], None
    for t in range(len(x)):
        y, cache = extend(cache, x[t : t + 1], bias[:, t : t + 1, : t + 1], *weights)
        outputs.append(y)
    return torch.cat(outputs, dim=1), cache


def with_bias(mistake):
    """The decoder with its bias (h, 1, t) changed; the training form stays right."""
    return variant(biased, extend=lambda c, x, bias, *weights: biased.extend(c, x, mistake(bias), *weights))


def bias_inside_the_scale(c, x, bias, W_c, W_q, W_k, W_v):
    return biased.extend(c, x, bias / W_q.shape[-1] ** 0.5, W_c, W_q, W_k, W_v)


def cached_per_head(c, x, bias, W_c, W_q, W_k, W_v):
    y, c = biased.extend(c if c is None else c[:, : W_c.shape[1]], x, bias, W_c, W_q, W_k, W_v)
    return y, c.repeat(1, len(W_q) + 1)


@claim(
    POST,
    "attention-bias-is-compatible-with-absorption",
    section="MLA, part 2",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    effort=0.3,
    says="It is rotary encoding that blocks the absorption, not position encoding as such: with a bias on the logits, as in ALiBi or Sandwich, only the latent needs to be cached.",
    scope="A bias that does not depend on the content, the same in both forms.",
    found=r"Holds to precision for any bias, one for every head and pair of query and key, if both forms add it after the scale $1 / \sqrt{d_k}$: the cache is $d_c$ numbers per token.",
    limits="Layers of at most 4 tokens and 3 heads; the quality of such encodings is not a matter of this claim.",
    if_fails="the bias is scaled with the logits, or the heads' slopes are in another order",
    zh=dict(
        says="与矩阵合并冲突的是 RoPE，而不是位置编码本身：若改用 ALiBi、Sandwich 这类加在注意力 logits 上的偏置，则仍只需缓存 latent。",
        scope="偏置与内容无关，且在两种形式中相同。",
        found="对任意偏置（每个 head 的每一对 query 与 key 各有一个）都在舍入误差内成立，"
        r"只要两种形式都在乘缩放因子 $1 / \sqrt{d_k}$ 之后再加偏置：缓存为每个 token $d_c$ 个数。",
        limits="至多 4 个 token、3 个 head 的层；这类位置编码的效果如何，不在本条之内。",
        if_fails="偏置随 logits 一起被缩放，或各 head 的斜率排成了另一种次序",
        names={
            "training form at [#, #, #]": "训练形式，在 [#, #, #] 处",
            "decoding form at [#, #, #]": "解码形式，在 [#, #, #] 处",
        },
    ),
)
@subjects(
    biased,
    bias_left_out=with_bias(lambda bias: 0 * bias),
    slopes_of_the_heads_reversed=with_bias(lambda bias: bias.flip(0)),
    bias_of_the_last_query=with_bias(lambda bias: bias.flip(-1)),
    bias_with_the_wrong_sign=with_bias(lambda bias: -bias),
    bias_inside_the_scale=variant(biased, extend=bias_inside_the_scale),
    bias_left_out_of_training=variant(biased, mha_form=lambda x, bias, *weights: biased.mha_form(x, 0 * bias, *weights)),
    latent_cached_per_head=variant(biased, extend=cached_per_head),
)
@example(case=UNEVEN_BIASED)
@given(case=projections.biased())
def test_a_bias_leaves_the_latent_as_the_cache(subject, case, executors):
    n, d, d_c, d_k = *case.x.shape, case.W_c.shape[1], case.W_q.shape[2]
    # Stored on the longest path: query, absorbed query, logit, scale (2), bias, maximum (2), exponential (2), quotient, average, W_v.
    truth = certified(attention.biased, case.tensors, roundings=13, sums=2 * d + d_k + d_c + 2 * n + d_c, exponent=case.largest_logit)
    executors.hold("training form", subject.mha_form, case.tensors, truth)
    executors.hold("decoding form", lambda *args: token_by_token(subject.extend, *args)[0], case.tensors, truth)
    cache = token_by_token(subject.extend, *case.tensors)[1]
    equal(cache.numel(), n * d_c, f"numbers cached for {n} tokens")


def as_mha(**replaced):
    """The MHA with functions of its module replaced."""
    weights, attention = replaced.get("weights", mla_as_mha.weights), replaced.get("attention", mla_as_mha.attention)
    return variant(mla_as_mha, layer=lambda x, positions, theta, *given: attention(x, positions, theta, *weights(*given)))


def all_dimensions_rotated(x, positions, theta, W_q, W_k, W_v):
    """Content too, by the same angles again and again; an odd dimension is left over."""
    blocks = W_q.shape[-1] // 2
    return mla_as_mha.attention(x, positions, theta.repeat(blocks)[:blocks], W_q, W_k, W_v)


def first_dimensions_rotated(x, positions, theta, W_q, W_k, W_v):
    return mla_as_mha.attention(x, positions, theta, W_q.flip(-1), W_k.flip(-1), W_v)


def rotary_key_fed_from_the_latent(W_c, W_cq, W_qc, W_qr, W_kc, W_kr, W_v):
    through_latent = W_c.mean(-1, keepdim=True) * W_kr[:1]  # fresh weights d_c -> d_r behind the latent
    return mla_as_mha.weights(W_c, W_cq, W_qc, W_qr, W_kc, through_latent, W_v)


def keys_of_another_head(W_c, W_cq, W_qc, W_qr, W_kc, W_kr, W_v):
    return mla_as_mha.weights(W_c, W_cq, W_qc, W_qr, W_kc.roll(1, 0), W_kr, W_v)


def scaled_by_the_content_alone(x, positions, theta, W_q, W_k, W_v):
    return mla_as_mha.attention(x, positions, theta, W_q * (W_q.shape[-1] / (W_q.shape[-1] - 2 * len(theta))) ** 0.5, W_k, W_v)


@claim(
    POST,
    "mla-equals-mha-with-larger-qk-head-in-training",
    section="MLA, part 3",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    effort=0.5,
    says=r"In training, MLA is MHA with a query and key head of size $d_k + d_r$, apart from the low-rank projection of its inputs and from RoPE on a part of the dimensions only.",
    scope="The rotary key is shared by all heads.",
    found=r"Holds to precision: with $W_q = [W'_c W_{qc},\, W'_c W_{qr}]$, $W_k = [W_c W_{kc},\, W_{kr}]$, $W_v \to W_c W_v$, the last $d_r$ dimensions rotated, $W_{kr}$ the same in every head, "
    r"and MHA's own scale $1 / \sqrt{d_k + d_r}$.",
    limits="Layers of at most 5 tokens and 3 heads; equal outputs for given weights, not equal gradients of the factors.",
    if_fails="content dimensions are rotated too, or the rotary key comes from the latent",
    zh=dict(
        says="训练阶段，除了输入多了低秩投影、以及只在部分维度加 RoPE 之外，MLA 就是 Q、K 的 head size 为 $d_k + d_r$ 的 MHA。",
        scope="带 RoPE 的 K 由所有 head 共享。",
        found=r"在舍入误差内成立：取 $W_q = [W'_c W_{qc},\, W'_c W_{qr}]$、$W_k = [W_c W_{kc},\, W_{kr}]$、$W_v \to W_c W_v$，"
        r"旋转最后 $d_r$ 维，$W_{kr}$ 在每个 head 中相同，并用 MHA 自己的缩放因子 $1 / \sqrt{d_k + d_r}$。",
        limits="至多 5 个 token、3 个 head 的层；是给定权重下输出相等，而不是各因子的梯度相等。",
        if_fails="内容部分的维度也被旋转，或带 RoPE 的 K 取自 latent",
        names={
            "MHA with larger heads at [#, #, #]": "加大 head 的 MHA，在 [#, #, #] 处",
        },
    ),
)
@subjects(
    mla_as_mha,
    all_dimensions_rotated=as_mha(attention=all_dimensions_rotated),
    first_dimensions_rotated=as_mha(attention=first_dimensions_rotated),
    rotary_key_fed_from_the_latent=as_mha(weights=rotary_key_fed_from_the_latent),
    keys_of_another_head=as_mha(weights=keys_of_another_head),
    scaled_by_the_content_alone=as_mha(attention=scaled_by_the_content_alone),
    positions_ignored=as_mha(attention=lambda x, positions, *rest: mla_as_mha.attention(x, 0 * positions, *rest)),
)
@example(case=UNEVEN_LATENT)
@given(case=latent())
def test_mla_is_an_mha_with_larger_heads(subject, case, executors):
    x, m, *rest = case.tensors
    n, d = x.shape
    d_c, d_cq, d_k, d_r = case.W_c.shape[1], case.W_cq.shape[1], case.W_qc.shape[2], case.W_kr.shape[1]
    # Stored on the longest path: W_q, its product with x, angle, cosine (2), three of the rotation, logit, scale (2), maximum (2),
    # exponential (2), quotient, average. Summed: both contractions of queries and of keys, and the softmax's.
    truth = certified(
        attention.mla, (x, m, m, *rest), roundings=17, sums=d_cq + d + d_c + d + d_k + d_r + 2 * n, exponent=case.largest_logit
    )
    executors.hold("MHA with larger heads", subject.layer, case.tensors, truth)
