"""What quantised keys cost and exclude: errors, low rank, states, rotary encoding (post 9844)."""

import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from claims import Finding, Kind, claim, counterexample, not_checkable, subjects, variant
from claims.attention.test_9844_transformer_vq import POST, column
from impls.attention import k_means, quantisation_error, recurrent_state, vq_blocks, vq_rank, vq_rerope
from impls.attention.rotary import rotate
from impls.attention.vq_two_blocks import attend, distances, nearest_two
from oracles.attention import average, causal_mask
from oracles.ball import balls, certified
from oracles.evidence import Strength, equal, measured, require
from oracles.rank import rank
from strategies.attention.quantisation import Moved, Repeated, clusters, moved, repeated
from strategies.attention.two_blocks import Clipped, clipped


def row(logits):
    weights = np.exp(logits)
    return weights / weights.sum()


def total_variation(q, K, K_hat):
    """Between one query's attention to keys K and to K_hat, as a ball, and the difference of the two rows."""
    difference = row(K_hat @ q) - row(K @ q)
    return abs(difference).sum() / 2, difference


def bounded(change):
    return variant(quantisation_error, largest_total_variation=change)


# Changes of logits are exact; half of their range and tanh (two) are rounded, the norm of a value (d_v + 3) and two products.
ROUNDED = 1 + 2.0**-49


def within(case, what, value, limit):
    require(value <= limit * ROUNDED, f"{case}: {what} {value:.9g}, bound {limit:.9g}", arithmetic="float64", strength=Strength.BUDGET)


@claim(
    POST,
    "error-comes-only-from-key-quantisation",
    section="Just VQ it",
    kind=Kind.INEQUALITY,
    finding=Finding.HOLDS,
    says="The only thing that is lost against standard attention is the difference between each key and its code.",
    scope="The post gives no number.",
    found=r"Holds, with a sharp constant: with $e_j = q \cdot (\hat K_j - K_j)$ and $\delta = \tfrac12 (\max_j e_j - \min_j e_j) \le |q| \max_j |\hat K_j - K_j|$, the two rows of attention differ by at most "
    r"$\tanh(\delta / 2)$ in total variation, the outputs by at most $2 \tanh(\delta / 2) \max_j |V_j|$. Nothing is lost exactly where all $e_j$ are equal; two keys with their codes swapped attain the bound.",
    limits="At most 5 keys, changes of logits up to about 100, with and without a causal mask.",
    if_fails=r"the average change of the logits is taken for half of their range",
    effort=0.8,
    zh=dict(
        says="与标准注意力相比，损失只来自每个 Key 与其编码（聚类中心）之间的差异。",
        scope="文中没有给出数值。",
        found=r"成立，且常数是紧的：记 $e_j = q \cdot (\hat K_j - K_j)$，"
        r"$\delta = \tfrac12 (\max_j e_j - \min_j e_j) \le |q| \max_j |\hat K_j - K_j|$，"
        r"则两行注意力之间的全变差距离至多为 $\tanh(\delta / 2)$，输出之差至多为 $2 \tanh(\delta / 2) \max_j |V_j|$。"
        "当且仅当所有 $e_j$ 都相等时没有任何损失；两个 Key 互换编码时达到上界。",
        limits="至多 5 个 Key，logits 的变化最大约 100，有无因果掩码都包括在内。",
        if_fails="把 logits 变化量的平均当成了其极差的一半",
        names={
            "total variation, as a share of the bound": "全变差距离占上界的比例",
        },
    ),
)
@subjects(
    quantisation_error,
    quarter_of_the_range=bounded(lambda e: (quantisation_error.half_range(e) / 4).tanh()),
    mean_deviation=bounded(lambda e: ((e - e.mean(-1, keepdim=True)).abs().mean(-1) / 2).tanh()),
    mean_change=bounded(lambda e: (e.mean(-1).abs() / 2).tanh()),
    linear_in_the_range=bounded(lambda e: quantisation_error.half_range(e) / 2),
    whole_range=variant(quantisation_error, half_range=lambda e: e.amax(-1) - e.amin(-1)),
    half_of_half_the_range=variant(quantisation_error, half_range=lambda e: quantisation_error.half_range(e) / 2),
    loose_for_many_keys=bounded(lambda e: (quantisation_error.half_range(e) / (2 if len(e) < 3 else 1)).tanh()),
    output_without_the_two=variant(quantisation_error, largest_output_error=lambda e, V: quantisation_error.largest_output_error(e, V) / 2),
)
@example(
    case=Moved(column(1), column(0.25, -0.25, -8), column(-0.25, 0.25, -8), column(1, -1, 0))
)  # a third key of hardly any weight, which stays: the mean deviation is a third below half the range
@given(case=moved())
def test_total_variation_is_bounded_by_the_range_of_the_changes(subject, case):
    Q, K, K_hat, V = case.tensors
    x = K[:1, :1].abs() + 1 / 32
    ones = torch.ones(1 + len(K) // 2, 1, dtype=torch.float64)
    swapped = (Q[0, :1], torch.cat([x * ones, -x * ones]), torch.cat([-x * ones, x * ones]), torch.cat([ones, -ones]))
    seen = [(Q[i], *(x[:m] for x in (K, K_hat, V))) for i in range(len(Q)) for m in {i + 1, len(K)}]
    for q, keys, codes, values in [*seen, swapped]:
        e = (codes - keys) @ q
        half, limit, output_limit = (
            float(x) for x in (subject.half_range(e), subject.largest_total_variation(e), subject.largest_output_error(e, values))
        )
        tv, difference = total_variation(*map(balls, (q, keys, codes)))
        lost, moved_by = float(tv.abs_lower()), math.hypot(*(float(x.abs_lower()) for x in difference @ balls(values)))
        within(case, "total variation", lost, limit)
        within(case, "change of the output", moved_by, output_limit)
        farthest = float(q.norm() * (codes - keys).norm(dim=-1).max())
        within(case, "half range, against |q| times the largest change of a key,", half, farthest)
        equal(bool(tv.contains(0)), bool((e == e[0]).all()), f"{case}: nothing lost")
        if half:
            measured("total variation, as a share of the bound", lost / limit)
    # The last keys are two, each once or more often, with codes swapped and values as far apart as the bound on the output assumes.
    within(case, "|q| times the largest change of a key, against the half range of two swapped codes,", farthest, half)
    within(case, "bound for two swapped codes, against the total variation,", limit, lost)
    within(case, "bound for two swapped codes, against the change of the output,", output_limit, moved_by)


def soft_assignment(Q, z, C, causal):
    """Every key is a little different from the others of its code."""
    keys = C[z] + torch.arange(len(z), dtype=C.dtype)[:, None] / 64
    return vq_rank.matrix(Q, torch.arange(len(z)), keys, causal)


@claim(
    POST,
    "code-repetition-and-low-rank",
    section="Local enhancement",
    kind=Kind.INEQUALITY,
    finding=Finding.HOLDS_IN_SCOPE,
    says="As there are fewer codes than tokens, codes recur, and a near token gets exactly the attention of a far one with the same code: the low rank of kernelised attention again.",
    scope="No bias. That codes are spread evenly over the sequence is a guess of the post's.",
    found="Columns of equal codes are equal to the bit, under a causal mask in the rows that see both. The rank is the number of codes in use, at most $c$, without a mask only: the causal matrix is triangular with "
    "a positive diagonal, so that its rank is full however few codes there are.",
    limits="4 to 8 tokens in general position. The attention matrices are computed in float64; what is exact is how these are examined: their columns are "
    "compared bit by bit, and their ranks found in rational arithmetic.",
    if_fails="the rank is claimed of causal attention, or unused codes are counted",
    effort=0.6,
    zh=dict(
        says="编码数少于 token 数，编码必然重复出现，近处的 token 会与远处同编码的 token 得到完全相同的注意力："
        "这就是 Kernelized Attention 的低秩问题。",
        scope="没有偏置。编码在整个序列中均匀分布，这是文中的猜测。",
        found="同编码的列逐比特相等，有因果掩码时则限于同时看得到二者的行。秩等于被用到的编码数，至多为 $c$，但这只在没有掩码时成立："
        "因果注意力矩阵是对角元为正的三角阵，编码再少也是满秩。",
        limits="4 至 8 个处于一般位置的 token。注意力矩阵是用 float64 计算的；精确的是对它的检验：各列逐比特比较，秩用有理数运算求得。",
        if_fails="把秩的结论用于因果注意力，或者计入了未被用到的编码",
        names={
            "rank, as a multiple of the codes in use, with a causal mask": "秩与被用到的编码数之比，有因果掩码",
            "rank, as a multiple of the codes in use, without a causal mask": "秩与被用到的编码数之比，没有因果掩码",
        },
    ),
)
@subjects(
    vq_rank,
    rank_below_c_under_a_mask=variant(vq_rank, rank=lambda z, causal: len(z.unique())),
    unused_codes_counted=variant(vq_rank, rank=lambda z, causal: len(z) if causal else min(len(z), 5)),
    codes_up_to_the_highest=variant(vq_rank, rank=lambda z, causal: len(z) if causal else min(len(z), int(z.max()) + 1)),
    one_key_for_each_token=variant(vq_rank, matrix=soft_assignment),
    mask_ignored=variant(vq_rank, matrix=lambda Q, z, C, causal: vq_rank.matrix(Q, z, C, False)),
)
@counterexample(
    "causal attention of two tokens with one code, all logits 0: rows (1, 0) and (1/2, 1/2), rank 2 with a single code",
    "两个 token 编码相同、logits 全为 0 的因果注意力：两行为 (1, 0) 与 (1/2, 1/2)，只有一个编码，秩却为 2",
    case=Repeated(column(0, 0), torch.tensor([0, 0]), column(0), causal=True),
)
@given(case=repeated())
def test_rank_is_the_number_of_codes_in_use(subject, case):
    Q, z, C, low_rank_if_causal = case.tensors
    used = len(set(z.tolist()))
    for causal in (False, True):
        P = subject.matrix(Q, z, C, causal)
        for b, a in (pair for pair in combinations(range(len(z)), 2) if z[pair[0]] == z[pair[1]]):
            apart = (P[:, a] - P[:, b])[a if causal else 0 :].abs().max()
            require(apart == 0, f"{case}: columns {b} and {a} have one code but differ by {apart:.3g}{' under the mask' if causal else ''}")
        got = rank(P)
        equal(got, subject.rank(z, causal), f"{case}: rank {'under the mask' if causal else 'without a mask'}")
        if low_rank_if_causal or not causal:
            require(got <= used, f"{case}: rank {got} with {used} codes in use")
        measured(f"rank, as a multiple of the codes in use, {'with' if causal else 'without'} a causal mask", got / used)


@claim(
    POST,
    "state-size-versus-retnet",
    section="Divergent thinking",
    kind=Kind.COMPLEXITY,
    finding=Finding.HOLDS_IN_SCOPE,
    says=r"As a recurrence, Transformer-VQ has a state of $c \times d_v$, larger than RetNet's $h d_k^2$ for $h$ heads and $d_v = 2 h d_k$.",
    scope="The post compares the two at their default settings.",
    found=r"The ratio is $2c / d_k$, whatever $h$: larger exactly for $d_k < 2c$. For $c = 512$ and $d_k = 256$ it is 4; if RetNet's heads have values of width $2 d_k$, as $d_v = 2 h d_k$ implies, 2.",
    limits=r"Numbers of the state, not bytes; the $c$ counts of Transformer-VQ's denominator are left out.",
    if_fails="RetNet's state is counted for one head only, or Transformer-VQ's for values as wide as keys",
    effort=0.3,
    zh=dict(
        says=r"作为 RNN，Transformer-VQ 的状态大小为 $c \times d_v$，大于 RetNet 的 $h d_k^2$（$h$ 个 head，$d_v = 2 h d_k$）。",
        scope="文中比较的是二者的默认设置。",
        found="比值为 $2c / d_k$，与 $h$ 无关：当且仅当 $d_k < 2c$ 时更大。$c = 512$、$d_k = 256$ 时比值为 4；"
        "若 RetNet 每个 head 的 Value 宽度为 $2 d_k$（正如 $d_v = 2 h d_k$ 所意味的），则为 2。",
        limits="统计的是状态中数的个数，不是字节数；未计入 Transformer-VQ 分母的 $c$ 个计数。",
        if_fails="RetNet 的状态只算了一个 head，或者 Transformer-VQ 的状态按与 Key 同宽的 Value 计算",
        names={
            "state of Transformer-VQ over RetNet's, c = # and d_k = #": "Transformer-VQ 与 RetNet 的状态大小之比，$c = #$，$d_k = #$",
            "the same with values of width # d_k per head": "同上，每个 head 的 Value 宽度为 # $d_k$",
        },
    ),
)
@subjects(
    recurrent_state,
    one_head_of_retnet=variant(recurrent_state, retnet=lambda h, d_k, per_head: recurrent_state.retnet(1, d_k, per_head)),
    values_as_wide_as_keys=variant(recurrent_state, transformer_vq=lambda c, h, d_k: recurrent_state.transformer_vq(c, h, d_k)[:, :d_k]),
    counts_counted=variant(recurrent_state, transformer_vq=lambda c, h, d_k: recurrent_state.empty(c, 2 * h * d_k + 1)),
)
@counterexample(
    "512 codes and one head of 1024: both states have $2^{20}$ numbers",
    "512 个编码，一个 1024 维的 head：两者的状态都有 $2^{20}$ 个数",
    sizes=(512, 1, 1024),
)
@example(sizes=(512, 8, 256))
@example(sizes=(512, 8, 1023))
@given(
    sizes=st.tuples(st.integers(1, 1024), st.integers(1, 64)).flatmap(lambda t: st.tuples(*map(st.just, t), st.integers(1, 2 * t[0] - 1)))
)
def test_state_is_larger_than_retnets(subject, sizes):
    c, h, d_k = sizes
    vq, retnet, wide = (
        state.numel() for state in (subject.transformer_vq(c, h, d_k), subject.retnet(h, d_k, d_k), subject.retnet(h, d_k, 2 * d_k))
    )
    equal((vq, retnet), (c * 2 * h * d_k, h * d_k**2), f"numbers in the states for c, h, d_k = {sizes}")
    equal((Fraction(vq, retnet), Fraction(vq, wide)), (Fraction(2 * c, d_k), Fraction(c, d_k)), f"ratios for c, h, d_k = {sizes}")
    require(vq > retnet, f"Transformer-VQ's state of {vq} numbers is not larger than RetNet's of {retnet} for c, h, d_k = {sizes}")
    if (c, d_k) == (512, 256):
        measured("state of Transformer-VQ over RetNet's, c = 512 and d_k = 256", vq / retnet)
        measured("the same with values of width 2 d_k per head", vq / wide)


def clipped_average(xp, Q, K, V, theta, m_q, m_k, w):
    """Causal attention whose logits have the relative angle min(i - j, w) theta: a . b cos + a x b sin in every plane."""
    i = np.arange(len(Q))
    within = (i[:, None] - i < w).astype(int)
    within = within if xp is np else xp.as_tensor(within)
    steps = within * (m_k[None] - m_q[:, None]) - (1 - within) * w
    logits = 0
    for t in range(len(theta)):
        a0, a1, b0, b1 = Q[:, 2 * t, None], Q[:, 2 * t + 1, None], K[:, 2 * t][None], K[:, 2 * t + 1][None]
        phi = steps * theta[t]
        logits = logits + (a0 * b0 + a1 * b1) * xp.cos(phi) + (a1 * b0 - a0 * b1) * xp.sin(phi)
    return average(xp, logits, V, causal_mask(len(Q)))


def far_queries_not_rotated(Q, z, V, C, U, theta, w, l):
    q, k = Q.unflatten(0, (-1, l)), nearest_two(C[z], l)
    position = torch.arange(2 * l, dtype=Q.dtype, device=Q.device)
    beyond = rotate(q, torch.full_like(position[l:], w), theta) @ k.mT
    within = rotate(q, position[l:], theta) @ rotate(k, position, theta).mT
    return attend(torch.where(distances(l, Q.device) < w, within, beyond), q @ C.T, V, U, l)


def clipped_elsewhere(by):
    return variant(vq_rerope, attention=lambda Q, z, V, C, U, theta, w, l: vq_rerope.attention(Q, z, V, C, U, theta, w + by, l))


@claim(
    POST,
    "incompatible-with-rope",
    section="Local enhancement and divergent thinking",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS_IN_SCOPE,
    says=r"Transformer-VQ does not go well with RoPE, but does with ReRoPE, whose relative position $\min(i - j, w)$ is constant beyond a window; the bias $B$ may then be dropped.",
    scope="The post gives no formula.",
    found=r"Rotation makes as many different keys as there are tokens out of a few codes. Clipped, far keys all meet the same query $\mathcal R_w Q_i$, and the two-block form with $\exp(\mathcal R_w Q_{[i]} C^\top) U_{i-2}$ "
    r"holds to precision for $w \le l + 1$; for $w = l + 2$ the first row of a block has an unclipped distance $l + 1$ in the far term.",
    limits="Up to 9 tokens in blocks of at most 4, up to 2 planes of rotation.",
    if_fails="the query of the far term is not rotated, or the window is longer than the two near blocks",
    effort=0.5,
    zh=dict(
        says=r"Transformer-VQ 不大适配 RoPE，但适配 ReRoPE（相对位置为 $\min(i - j, w)$，窗口外为常数），此时可以不加偏置 $B$。",
        scope="文中没有给出公式。",
        found=r"旋转会把少数几个编码变成与 token 一样多的不同的 Key。截断之后，远处的 Key 遇到的都是同一个 Query $\mathcal R_w Q_i$，"
        r"含 $\exp(\mathcal R_w Q_{[i]} C^\top) U_{i-2}$ 的两块形式在 $w \le l + 1$ 时在舍入误差内成立；$w = l + 2$ 时，"
        "块的第一行在远处的项中会有一个未被截断的距离 $l + 1$。",
        limits="至多 9 个 token，块长至多为 4，至多 2 个旋转平面。",
        if_fails="远处的项没有旋转 Query，或者窗口比邻近的两块还长",
        names={
            "two-block form with clipped positions at [#, #]": "截断位置的两块形式，位置 [#, #]",
        },
    ),
)
@subjects(
    vq_rerope,
    frequencies_of_zero=variant(vq_rerope, rotated_keys=lambda z, C, theta: vq_rerope.rotated_keys(z, C, 0 * theta)),
    rotated_by_something_else=variant(vq_rerope, rotated_keys=lambda z, C, theta: C[z] + torch.arange(1, len(z) + 1)[:, None] * 512),
    one_rotation_for_all=variant(vq_rerope, rotated_keys=lambda z, C, theta: rotate(C[z], 0 * z + 5, theta)),
    clipped_one_later=clipped_elsewhere(1),
    clipped_one_earlier=clipped_elsewhere(-1),
    far_queries_not_rotated=variant(vq_rerope, attention=far_queries_not_rotated),
)
@counterexample(
    "a window of 3 for blocks of one token: what is two tokens back is already in the sum per code, but not yet clipped",
    "每块一个 token，窗口为 3：两个 token 之前的位置已经归入按编码的求和，却还没有被截断",
    case=Clipped(
        torch.tensor([[1.0, 0]] * 4, dtype=torch.float64), torch.tensor([0, 1, 1, 1]), column(1, 0, 0, 0),
        torch.tensor([[1.0, 0], [0, 1]], dtype=torch.float64), torch.ones(1, dtype=torch.float64), w=3, l=1,
    ),
)  # fmt: skip
@given(case=clipped())
def test_clipped_positions_fit_two_blocks(subject, case, executors):
    Q, z, V, C, theta, w, l = case.tensors
    n, c, d_k = len(Q), *C.shape
    distinct = len({tuple(key) for key in subject.rotated_keys(z, C, theta).tolist()})
    equal(distinct, n, f"{case}: different keys after rotation, of {len(set(z.tolist()))} codes")
    lengths = [subject.rotated_keys(z, C, theta).norm(dim=-1), C[z].norm(dim=-1)]
    # A plane's two products and their sum, cosine and sine are rounded; the norm is a sum of d_k squares and a root.
    same = bool(((lengths[0] - lengths[1]).abs() <= 2.0**-53 * (8 + 2 * d_k) * 2 * lengths[1]).all())
    require(same, f"{case}: a rotation changes the length of a key", comparisons=n, arithmetic="float64", strength=Strength.BUDGET)
    # No position of a token in the two blocks is larger than l plus that in the sequence: rounded angles are paid for.
    m = torch.arange(n, dtype=torch.float64) + l
    # As in blocks, and before: angle, cosine (2), three of the rotation.
    layers = {"roundings": 16 + n // l, "sums": d_k + 2 * (c + n), "exponent": Q.norm(dim=-1).max() * C.norm(dim=-1).max()}
    truth = certified(clipped_average, (Q, C[z], V, theta, m, m, w), **layers)

    def in_blocks(Q, z, V, C, theta):
        return subject.attention(Q, z, V, C, vq_blocks.recursion(z, V, C, l), theta, w, l)

    executors.hold("two-block form with clipped positions", in_blocks, (Q, z, V, C, theta), truth)


def clusters_of(K, C):
    """The keys of every code, nearest first, the lower index on ties."""
    distances = [[sum((x - y) ** 2 for x, y in zip(k, c, strict=True)) for c in C] for k in K]
    return [[k for k, row in zip(K, distances, strict=True) if row.index(min(row)) == i] for i in range(len(C))]


def mean_square(K, C):
    """The mean squared distance to the nearest code."""
    return sum(
        sum((x - y) ** 2 for x, y in zip(k, c, strict=True)) for c, keys in zip(C, clusters_of(K, C), strict=True) for k in keys
    ) / len(K)


def in_the_middle(K, C):
    """Whether every code is at the centre of gravity of its keys."""
    return all(
        sum(x - y for x in column) == 0
        for c, keys in zip(C, clusters_of(K, C), strict=True)
        for y, column in zip(c, zip(*keys, strict=True), strict=False)
    )


def over_relaxed(K, C):
    return [[x + 3 * (y - x) for x, y in zip(c, new, strict=True)] for c, new in zip(C, k_means.step(K, C), strict=True)]


def medians(K, z, C):
    clusters = [[k for k, code in zip(K, z, strict=True) if code == i] for i in range(len(C))]
    return [
        [sorted(column)[len(keys) // 2] for column in zip(*keys, strict=True)] if keys else c for keys, c in zip(clusters, C, strict=True)
    ]


def farthest(K, C):
    return [max(range(len(C)), key=lambda i: k_means.square(k, C[i])) for k in K]


@claim(
    POST,
    "k-means-never-increases-the-error",
    section="Divergent thinking",
    part_of="results-and-fsq-remarks",
    kind=Kind.INEQUALITY,
    finding=Finding.HOLDS,
    says="A codebook can be initialised by k-means of a pretrained model's keys: each iteration leaves the mean squared quantisation error where it is or lowers it.",
    scope="The post proposes k-means and says no more about it.",
    found="Holds exactly, ties and codes without keys included, and the error stays the same only where every code is the mean of its keys.",
    limits="At most 7 keys and 3 codes on a grid, in one and two dimensions; that it helps training is not checked.",
    if_fails="keys are assigned to other codes than the nearest, or codes move to something else than the mean",
    zh=dict(
        says="可以用预训练模型的 Key 做 k-means 来初始化编码表：每次迭代都不会使均方量化误差变大。",
        scope="文中提议使用 k-means，此外没有多说。",
        found="精确成立，距离相等的情形与没有 Key 的编码也包括在内，并且只有每个编码都是其 Key 的均值时，误差才不变。",
        limits="网格上至多 7 个 Key、3 个编码，一维与二维；是否有助于训练未作检验。",
        if_fails="Key 没有分给最近的编码，或者编码没有移到均值",
    ),
)
@subjects(
    k_means,
    steps_three_times_as_long=variant(k_means, step=over_relaxed),
    medians_for_means=variant(k_means, step=lambda K, C: medians(K, k_means.nearest(K, C), C)),
    assigned_to_the_farthest=variant(k_means, step=lambda K, C: k_means.means(K, farthest(K, C), C)),
    codes_never_moved=variant(k_means, step=lambda K, C: C),
)
@given(case=clusters())
def test_k_means_lowers_the_error(subject, case):
    K, C = case
    for iteration in range(3):
        new = subject.step(K, C)
        before, after = mean_square(K, C), mean_square(K, new)
        require(
            after < before or (new == C and in_the_middle(K, C)),
            f"keys {K}, codes {C}, iteration {iteration}: error {before} becomes {after} with {new}",
        )
        C = new


test_results_and_fsq = not_checkable(
    POST,
    "results-and-fsq-remarks",
    section="Results and divergent thinking",
    says="Transformer-VQ does well on benchmarks and extrapolates to longer sequences; FSQ cannot take the place of VQ here.",
    found="Benchmarks, extrapolation and the choice of the quantiser are outcomes of training large models.",
    proxy="k-means-never-increases-the-error",
    zh=dict(
        says="Transformer-VQ 在各基准上表现出色并有长度外推能力；这里不能用 FSQ 代替 VQ。",
        found="基准成绩、长度外推以及量化方式的选择，都要看训练大模型的结果。",
    ),
)
