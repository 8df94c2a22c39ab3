"""The tug-of-war between cache and quality: MHA, MQA, GQA, MLA (post 10091)."""

from hypothesis import given

from claims import Finding, Kind, Post, claim, subjects, variant
from impls.attention import mla
from impls.attention.rotary import rotate
from oracles import attention
from oracles.ball import certified
from strategies.attention.projections import latent

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


def with_rotary_key(key):
    """The decoding form with another rotary key: key(x, c, positions, theta, W_kr) -> (n, d_r)."""

    def mqa_form(x, positions, theta, W_c, W_cq, W_qc, W_qr, W_kc, W_kr, W_v):
        c, c_q = x @ W_c, x @ W_cq
        content = c_q @ W_qc @ W_kc.mT @ c.T
        rotary = rotate(c_q @ W_qr, positions, theta) @ key(x, c, positions, theta, W_kr).T
        return mla.causal((content + rotary) / mla.scale(W_qc, W_qr), c) @ W_v

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
    scaled_by_the_new_head_size=in_mqa_form(scaled_by_the_new_head_size),
    heads_of_keys_rolled=in_mqa_form(heads_of_keys_rolled),
    values_averaged_over_heads=in_mqa_form(values_averaged_over_heads),
    rotary_key_not_rotated=with_rotary_key(lambda x, c, positions, theta, W_kr: x @ W_kr),
    rotary_key_one_position_late=with_rotary_key(lambda x, c, positions, theta, W_kr: rotate(x @ W_kr, positions + 1, theta)),
    rotary_key_fed_from_the_latent=with_rotary_key(lambda x, c, positions, theta, W_kr: rotate(c.mean(-1, keepdim=True) * W_kr[:1], positions, theta)),
)
@given(case=latent())
def test_decode_equals_mha_form(subject, case, executors):
    x, m, *rest = case.tensors
    n, d = x.shape
    d_c, d_cq, d_k, d_r = case.W_c.shape[1], case.W_cq.shape[1], case.W_qc.shape[2], case.W_kr.shape[1]
    # Stored on the longest path: c', its projection, the absorbed query, angle, cosine (2), three of the rotation, logit,
    # scale (2), maximum (2), exponential (2), quotient, average, W_v. Summed: every contraction of that path and the softmax's.
    truth = certified(attention.mla, (x, m, m, *rest), roundings=18, sums=d + d_cq + d_k + d_c + d_r + 2 * n + d_c)
    executors.hold("training form", subject.mha_form, case.tensors, truth)
    executors.hold("decoding form", subject.mqa_form, case.tensors, truth)
