"""The tug-of-war between cache and quality (post 10091): GQA seen as a latent that is split and copied."""

from functools import partial

import torch
from hypothesis import example, given

from claims import Finding, Kind, claim, counterexample, subjects, variant
from claims.attention.test_10091_mla import POST
from impls.attention import gqa_as_mla, mla
from oracles import attention
from oracles.ball import certified
from oracles.evidence import equal, measured, require
from oracles.polynomial import same_polynomial
from oracles.rank import rank
from strategies.attention.heads import UNEVEN_ROTARY, Shared, low_rank, rotary_grouped
from strategies.attention.projections import MODELS, of_size


def low_rank_form(joint=gqa_as_mla.joint, split_and_copied=gqa_as_mla.split_and_copied):
    return variant(gqa_as_mla, joint=joint, split_and_copied=split_and_copied)


def cut_in_the_middle(c, h, g, d_k):
    half, d_v = c.shape[-1] // 2, c.shape[-1] // g - d_k
    keys, values = c[:, : g * d_k], c.roll(-half, -1)[:, : g * d_v]
    return gqa_as_mla.split_and_copied(torch.cat([keys, values], dim=-1), h, g, d_k)


def tiled(c, h, g, d_k):
    of_groups = gqa_as_mla.split_and_copied(c, g, g, d_k)
    return tuple(part.repeat(h // g, 1, 1) for part in of_groups)


def copied_twice(W_k, W_v):
    return gqa_as_mla.joint(W_k.repeat_interleave(2, 0), W_v.repeat_interleave(2, 0))


@claim(
    POST,
    "gqa-is-a-low-rank-projection",
    section="MLA, part 1",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS_IN_SCOPE,
    says=r"All keys and values of GQA together are $c_i = x_i W_c$ with $W_c \in \mathbb R^{d \times g (d_k + d_v)}$, a low-rank projection because $g (d_k + d_v) < d$ "
    r"as a rule, which is then split and copied $h / g$ times.",
    scope=r"The post says that $g (d_k + d_v) < d$ in general.",
    found=r"Holds where $g (d_k + d_v) < d$, that is $g < h / 2$ for heads of the usual size $d_k = d_v = d / h$; Llama 2 70B has 2048 of 8192. At $g = h / 2$ and for MHA the rank is $d$. "
    r"The cut is at $g d_k$, in the middle only if $d_k = d_v$.",
    limits="Keys and values of all heads, certified for the shapes drawn, each up to the stated probability; ranks are exact.",
    if_fails="the joint projection is cut at its middle, or its pieces are tiled over the heads",
    zh=dict(
        says=r"GQA 的所有 K、V 合起来就是 $c_i = x_i W_c$，$W_c \in \mathbb R^{d \times g (d_k + d_v)}$；一般 $g (d_k + d_v) < d$，"
        "所以这是低秩投影，之后再分割并复制 $h / g$ 份。",
        scope="文中说一般有 $g (d_k + d_v) < d$。",
        found="在 $g (d_k + d_v) < d$ 时成立，对通常的 head size $d_k = d_v = d / h$ 就是 $g < h / 2$；"
        "Llama 2 70B 是 8192 中的 2048。$g = h / 2$ 时以及对 MHA，秩为 $d$。切分点在 $g d_k$，只有 $d_k = d_v$ 时才在正中。",
        limits="检验所有 head 的 K、V，对抽到的形状逐一验证，每一形状的误判概率不超过所注明的值；秩是精确的。",
        if_fails="拼起来的投影从正中切开，或切出的各份在 head 上循环平铺",
        names={
            "keys and values of all heads": "所有 head 的 K、V",
            "columns of the joint projection as a share of d, Llama # #B (GQA)": "拼起来的投影的列数与 $d$ 之比，Llama # #B（GQA）",
            "columns of the joint projection as a share of d, DeepSeek-V#'s heads as GQA, g = #": "拼起来的投影的列数与 $d$ 之比，DeepSeek-V# 的 head 作 GQA，$g = #$",
        },
    ),
)
@subjects(
    gqa_as_mla,
    cut_in_the_middle=low_rank_form(split_and_copied=cut_in_the_middle),
    pieces_tiled_over_heads=low_rank_form(split_and_copied=tiled),
    copied_before_projecting=low_rank_form(copied_twice, lambda c, h, g, d_k: gqa_as_mla.split_and_copied(c, h, 2 * g, d_k)),
    values_before_keys=low_rank_form(joint=lambda W_k, W_v: torch.cat([*W_v, *W_k], dim=-1)),
    keys_beside_values_group_by_group=low_rank_form(joint=lambda W_k, W_v: torch.cat([W_k, W_v], dim=-1).movedim(0, 1).flatten(1)),
)
@counterexample(
    "8 heads of the usual size in 4 groups, d = 8: the projection is square, and of full rank for these weights",
    "通常大小的 8 个 head 分 4 组，$d = 8$：投影是方阵，对这些权重满秩",
    shared=Shared(n=1, d=8, h=8, g=4, d_k=1, d_v=1),
)
@counterexample(
    "MHA with 4 heads of the usual size, d = 4: the projection has 8 columns, and rank 4 for these weights",
    "通常大小的 4 个 head 的 MHA，$d = 4$：投影有 8 列，对这些权重秩为 4",
    shared=Shared(n=1, d=4, h=4, g=4, d_k=1, d_v=1),
)
@given(shared=low_rank())
def test_keys_and_values_of_gqa_are_a_split_low_rank_projection(subject, shared):
    d, h, g, d_k, d_v = shared.d, shared.h, shared.g, shared.d_k, shared.d_v
    keys_and_values = lambda x, W_k, W_v: torch.cat(subject.split_and_copied(x @ subject.joint(W_k, W_v), h, g, d_k), dim=-1)
    truth = partial(attention.grouped_keys_and_values, h=h)
    same_polynomial("keys and values of all heads", keys_and_values, truth, shared.shapes, degree=2, seed=shared.seed)
    W_c = subject.joint(*shared.weights)
    equal(tuple(W_c.shape), (d, g * (d_k + d_v)), "shape of the joint projection")
    r = rank(W_c)
    require(r < d, f"the joint projection of {g} group{'s' * (g > 1)} has rank {r} and d = {d}: nothing is lost")
    for name, model in ((name, model) for name, model in MODELS.items() if model.g == 8):
        columns = subject.joint(*of_size(model)[2:]).shape[1]
        measured(f"columns of the joint projection as a share of d, {name}", columns / model.d)


def with_weights(**replaced):
    """The embedding with some of its weights replaced by functions of (h, g, d_k, d_v) of these weights; names as in `gqa_as_mla.plain`."""

    def changed(weights, names, W_q, W_k, W_v):
        sizes = len(W_q), len(W_k), W_k.shape[-1], W_v.shape[-1]
        return tuple(replaced[name](weight, *sizes) if name in replaced else weight for name, weight in zip(names, weights, strict=True))

    names = ("W_c", "W_cq", "W_qc", "W_qr", "W_kc", "W_kr", "W_v")
    return variant(
        gqa_as_mla,
        plain=lambda *W: changed(gqa_as_mla.plain(*W), names, *W),
        rotary=lambda theta, *W: changed(gqa_as_mla.rotary(theta, *W), ("theta", *names), *W),
    )


def as_tiles(weight, h, g, *_):
    """Head s gets what belongs to group s mod g."""
    return weight[[s % g * (h // g) for s in range(h)]]


def one_ladder(theta, h, g, d_k, d_v):
    """Angles that go on falling over the concatenated keys instead of starting again with each."""
    return theta * 0.5 ** torch.arange(len(theta), device=theta.device).to(theta)


def keys_from_the_columns_of_values(W_kc, h, g, d_k, d_v):
    return W_kc.roll(g * d_k, -2)


@claim(
    POST,
    "gqa-special-case-of-mla",
    section="MLA, part 1",
    kind=Kind.IDENTITY,
    effort=0.25,
    finding=Finding.HOLDS,
    says=r"With general matrices $W_k^{(s)} \in \mathbb R^{d_c \times d_k}$ and $W_v^{(s)} \in \mathbb R^{d_c \times d_v}$ in place of splitting and copying, GQA becomes MLA: "
    "MLA contains GQA at the same size of the cache, and can do more.",
    scope="No rotary encoding.",
    found=r"Holds: GQA is MLA with matrices of 0 and 1 and $d_c = g (d_k + d_v)$, and its heads of one group see a part of rank $d_k$ of the latent, those of MLA up to $d_c$: 8 and 32 for 8 heads of size 8 in 2 groups. "
    r"GQA with rotary encoding is decoupled MLA too, without content part: $d_c = g d_v$, $d_r = g d_k$, the same angles for each of the $g$ keys, and queries times $\sqrt g$, since MLA scales by $1/\sqrt{d_r}$.",
    limits="Layers of at most 4 tokens and 6 heads. That training finds the larger class useful is not checked.",
    if_fails="pieces are tiled over the heads, or the angles go on over the concatenated keys",
    zh=dict(
        says=r"把分割与复制换成一般的 $W_k^{(s)} \in \mathbb R^{d_c \times d_k}$、$W_v^{(s)} \in \mathbb R^{d_c \times d_v}$，"
        "GQA 就成了 MLA：缓存大小相同时，MLA 包含 GQA 且表达能力更强。",
        scope="不加旋转编码。",
        found="成立：GQA 就是矩阵由 0 和 1 构成、$d_c = g (d_k + d_v)$ 的 MLA；"
        "GQA 同一组的各 head 只看到 latent 中秩为 $d_k$ 的一部分，MLA 的则最多看到 $d_c$：8 个大小为 8 的 head 分 2 组时，"
        "两者分别是 8 和 32。带 RoPE 的 GQA 也是解耦的 MLA，只是没有内容部分：$d_c = g d_v$，$d_r = g d_k$，"
        r"$g$ 个 K 各用同样的一组角度，Q 乘以 $\sqrt g$，因为 MLA 按 $1/\sqrt{d_r}$ 缩放。",
        limits="至多 4 个 token、6 个 head 的层。没有检验训练是否用得上这个更大的函数类。",
        if_fails="各份在 head 上循环平铺，或角度在拼接起来的 K 上一路延续下去",
        names={
            "rotary, as MLA at [#, #, #]": "带 RoPE，写成 MLA，在 [#, #, #] 处",
            "rotary, as MLA decodes at [#, #, #]": "带 RoPE，写成 MLA 的解码形式，在 [#, #, #] 处",
            "without rotary encoding, as MLA at [#, #, #]": "不加旋转编码，写成 MLA，在 [#, #, #] 处",
            "rank of the latent that one group sees, GQA with # heads of size # in # groups": "一组 head 看到的 latent 的秩，GQA，# 个大小为 # 的 head 分 # 组",
            "rank of the latent that one group sees, MLA with the same cache": "一组 head 看到的 latent 的秩，同样缓存的 MLA",
        },
    ),
)
@subjects(
    gqa_as_mla,
    pieces_tiled_over_heads=with_weights(W_kc=as_tiles, W_qr=as_tiles, W_v=as_tiles),
    values_tiled_over_heads=with_weights(W_v=as_tiles),
    one_ladder_of_angles=with_weights(theta=one_ladder),
    keys_from_the_columns_of_values=with_weights(W_kc=keys_from_the_columns_of_values),
    scaled_as_latent_attention=with_weights(W_qr=lambda W_qr, h, g, d_k, d_v: W_qr / g**0.5),
    every_query_reads_all_groups=with_weights(W_qr=lambda W_qr, h, g, d_k, d_v: sum(W_qr.roll(j * d_k, -1) for j in range(g))),
    keys_beside_values_group_by_group=with_weights(W_c=lambda W_c, h, g, d_k, d_v: W_c if W_c.shape[1] == g * d_v else W_c.roll(d_v, -1)),
)
@example(case=UNEVEN_ROTARY)
@given(case=rotary_grouped())
def test_gqa_is_latent_attention_with_matrices_of_0_and_1(subject, case, executors):
    x, m, theta, W_q, W_k, W_v = case.tensors
    n, d, h, g, d_k, d_v = *x.shape, len(W_q), len(W_k), W_k.shape[2], W_v.shape[2]
    # Stored on the longest path: c' and the placing of the queries (both exact if done in this way), sqrt(g) and the factor of
    # it, query, angle, cosine (2), three of the rotation, logit, scale (2), maximum (2), exponential (2), quotient, average, W_v.
    layers = {"roundings": 20, "sums": 2 * d + d_k + g * (d_k + d_v) + 2 * n + g * (d_k + d_v)}
    latent = lambda form: lambda x, m, theta, *W: form(x, m, *subject.rotary(theta, *W))
    without = lambda form: lambda x, *W: form(x, x.new_zeros(len(x)), x.new_zeros(0), *subject.plain(*W))
    truth = certified(attention.rotary_grouped, (x, m, m, theta, W_q, W_k, W_v), exponent=case.largest_logit, **layers)
    executors.hold("rotary, as MLA", latent(mla.mha_form), case.tensors, truth)
    executors.hold("rotary, as MLA decodes", latent(mla.mqa_form), case.tensors, truth)
    truth = certified(attention.grouped, (x, W_q, W_k, W_v), exponent=case.largest_logit, **layers)
    executors.hold("without rotary encoding, as MLA", without(mla.mha_form), (x, W_q, W_k, W_v), truth)
    W_c, _, _, _, _, W_kr, _ = subject.plain(W_q, W_k, W_v)
    equal(W_c.shape[1] + W_kr.shape[1], g * (d_k + d_v), "numbers cached per token")
    _, W_c, _, _, _, _, W_kr, _ = subject.rotary(theta, W_q, W_k, W_v)
    equal(W_c.shape[1] + W_kr.shape[1], g * (d_k + d_v), "numbers cached per token, rotary")
    for sizes in ((h, g, d_k, d_v), (8, 2, 8, 8)):
        shared, general = seen_by_a_group(subject, *sizes)
        equal((shared, general), ranks(*sizes), f"rank of the latent that one group sees, in GQA and in MLA, for h, g, d_k, d_v = {sizes}")
    measured("rank of the latent that one group sees, GQA with 8 heads of size 8 in 2 groups", shared)
    measured("rank of the latent that one group sees, MLA with the same cache", general)


def seen_by_a_group(subject, h, g, d_k, d_v):
    """Rank of the part of the latent that the keys of the first group depend on: in GQA, and if each head reads rows of its own."""
    W_kc = subject.plain(torch.zeros(h, 1, d_k), torch.zeros(g, 1, d_k), torch.zeros(g, 1, d_v))[4]
    own_rows = torch.stack([W.roll(s * d_k, 0) for s, W in enumerate(W_kc)])
    return tuple(rank(torch.cat([*W[: h // g]], dim=-1)) for W in (W_kc, own_rows))


def ranks(h, g, d_k, d_v):
    return d_k, min(g * (d_k + d_v), h // g * d_k)
