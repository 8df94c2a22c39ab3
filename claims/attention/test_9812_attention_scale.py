"""Choosing the attention scale by maximising the softmax gradient (post 9812): the gradient itself.

What the usual divisor sqrt(d) is for, the formula for the softmax gradient J = alpha (1 - sum p_i^2), and its two limits. All of it is
right; normal scores and cosines, where the post replaces the gradient by an approximation, have files of their own.
"""

import math
from dataclasses import replace
from fractions import Fraction

import torch
from hypothesis import example, given
from hypothesis import strategies as st

from claims import Finding, Kind, Post, claim, counterexample, subjects, variant
from impls.attention import annealed_scale, attention_scale, dot_product, mean_gradient, unscaled
from oracles.ball import certified
from oracles.dual import softmax_jacobian_and_half_l1
from oracles.evidence import Strength, equal, measured, require
from oracles.law import independent
from oracles.normal_scores import attended_score
from oracles.softmax_gradient import half_l1_norms, largest_probability, rounding_of_half_l1
from oracles.statistics import proportion_at_most
from strategies.attention.components import components
from strategies.attention.scores import Averaged, Separated, Tempered, counts, normal_scores, scores, separated

POST = Post(
    9812,
    date="2023-10-22",
    topic="attention",
    title="Choosing the scale of attention by maximising the gradient",
    sections={
        "Introduction": "引言",
        "Existing results": "已有结果",
        "Computing the gradient": "计算梯度",
        "Introduction, computing the gradient": "引言、计算梯度",
        "Normal distribution": "正态分布",
        "Normal distribution, summary": "正态分布、小结",
        "Cosine distribution": "余弦分布",
        "Related thoughts": "相关思考",
    },
    stands=r"The gradient formula holds to rounding: for $\alpha \ge 0$ half the entrywise L1 norm of the Jacobian is "
    r"$J = \alpha (1 - \sum_i p_i^2)$; for given scores with a unique maximum $J$ vanishes at both ends. What is then maximised is an "
    r"approximation, a ratio of expectations for the expectation of a ratio. For normal scores its maximiser $\alpha^*$ has a closed "
    r"form, which $0.84 \sqrt{\log n}$ fits to within 3%; for cosines in $d = 128$ the fit $3.5 \log n$ is right to within 5%. Both hold "
    r"only in a window of $n$. That $\alpha^*$ maximises the gradient is refuted: the mean gradient increases with $\alpha$ to "
    r"$\mathbb E \max_i s_i$, of which it has 60 to 65% at $\alpha^*$ ($64 \le n \le 20{,}000$), and most draws (tested for $n$ up to 80) peak "
    r"further out. A scale of 2.5 beats 1, but is no optimum. Entropy at $\alpha^*$ grows with $n$.",
    zh=dict(
        title="从梯度最大化看Attention的Scale操作",
        stands=r"梯度公式在舍入误差内成立：当 $\alpha \ge 0$ 时，雅可比矩阵逐元素 L1 范数的一半为 $J = \alpha (1 - \sum_i p_i^2)$；"
        "对给定的、最大值唯一的得分，$J$ 在两端都趋于零。随后最大化的却是一个近似：以期望之比代替比的期望。对正态得分，它的最大值点 "
        r"$\alpha^*$ 有闭式解，$0.84 \sqrt{\log n}$ 对它的拟合误差不超过 3%；对 $d = 128$ 的余弦情形，$3.5 \log n$ 的拟合误差不超过 5%。"
        r"两者都只在 $n$ 的一个窗口内成立。“$\alpha^*$ 使梯度最大”被推翻：平均梯度随 $\alpha$ 递增到 $\mathbb E \max_i s_i$，在 $\alpha^*$ "
        r"处只达到它的 60% 到 65%（$64 \le n \le 20{,}000$），而大多数抽样（检验到 $n = 80$）的最大值点更远。"
        r"尺度 2.5 优于 1，但并非最优。$\alpha^*$ 处的熵随 $n$ 增长。",
    ),
)


@claim(
    POST,
    "dot-product-variance-is-d",
    section="Existing results",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    says=r"For $q, k \in \mathbb R^d$ with independent components of mean 0 and variance 1, $q \cdot k$ has mean 0 and variance $d$, "
    r"so that division by $\sqrt d$ makes its variance 1.",
    scope="Mean 0 and variance 1; the law of the components is left open, and so it is here.",
    found="Exact, whatever the laws of the components, skewed ones and unequal ones included.",
    limits="Up to four components, each with a law on two points: the variance depends on first and second moments alone.",
    if_fails="the components are correlated or have another mean: mean 3/5 and variance 16/25 give the score a mean of 9 d / 25",
    effort=0.5,
    zh=dict(
        says=r"若 $q, k \in \mathbb R^d$ 的各分量独立且均值为 0、方差为 1，则 $q \cdot k$ 的均值为 0、方差为 $d$，除以 $\sqrt d$ "
        "后方差为 1。",
        scope="均值为 0、方差为 1；文中未限定各分量的分布，这里也不限定。",
        found="精确成立，与各分量服从什么分布无关，偏态的、彼此不同的分布也不例外。",
        limits="至多四个分量，每个分量服从两点分布：方差只依赖于一阶矩与二阶矩。",
        if_fails="各分量相关，或均值不同：均值为 3/5、方差为 16/25 时，得分的均值为 9 d / 25",
    ),
)
@subjects(
    dot_product,
    variance_is_d_squared=variant(dot_product, variance=lambda d: d * d),
    one_degree_of_freedom_less=variant(dot_product, variance=lambda d: d - 1),
    averaged_over_components=variant(dot_product, score=lambda q, k: dot_product.score(q, k) / len(q)),
    mean_of_three_fifths=variant(
        dot_product, score=lambda q, k: dot_product.score(*([Fraction(3, 5) + Fraction(4, 5) * x for x in v] for v in (q, k)))
    ),
    key_is_its_own_query=variant(dot_product, score=lambda q, k: dot_product.score(k, k)),
    components_all_equal=variant(dot_product, score=lambda q, k: len(q) * q[0] * k[0]),
)
@given(case=components())
def test_the_score_has_variance_d(subject, case):
    d = len(case.q)
    scored = [(subject.score(drawn[:d], drawn[d:]), p) for drawn, p in independent(case.laws).items()]
    mean = sum(p * x for x, p in scored)
    variance = sum(p * (x - mean) ** 2 for x, p in scored)
    equal((mean, variance, subject.variance(d)), (0, d, d), f"mean, variance and what it is said to be for {case}")


PROMISED = 1e-8  # the interface of impls/attention/mean_gradient.py: eight decimals
DRAWS = 128


@claim(
    POST,
    "unscaled-scores-are-one-hot-with-vanishing-gradient",
    section="Introduction",
    kind=Kind.APPROXIMATION,
    finding=Finding.APPROXIMATE,
    says=r"Without the division by $\sqrt d$ attention is nearly one-hot at initialisation and its gradient vanishes; the post quotes it "
    "as the usual explanation, and adds that nobody says how far the division cures it.",
    scope=r"Initialisation: scores of variance $d$, here $\sqrt d$ times independent standard normal ones $s$, that is, $\alpha = \sqrt d$.",
    found="Concentrated, not one-hot, and only one of two gradients shrinks. For $d$ from 64 to 128 and $n$ from 64 to 4096, the mean "
    r"gradient with respect to the logits, $1 - \sum p_i^2$, is 2 to 5 times smaller than after the division; with respect to $s$ (hence "
    r"to $q$ and $k$) it is $\alpha$ times that and larger than after the division. None of $\max_i p_i > 0.99$, $\max_i p_i < \frac12$ and a "
    "smaller gradient with respect to $s$ is seen in significantly more than half of the draws.",
    limits=r"Independent normal scores stand for $q \cdot k_i / \sqrt d$, which share one query. The shares of draws are tested against "
    "one half with 128 draws: only a share above about 0.87 would be noticed with probability 99%.",
    if_fails=r"the variance of the scores is not $d$, or the other gradient is meant",
    effort=0.3,
    zh=dict(
        says=r"通常的解释是：不除以 $\sqrt d$ 时，初始阶段的 Attention 接近 one-hot，梯度消失；文中引用了这一解释，并指出没有人说明除以 "
        r"$\sqrt d$ 能改善多少。",
        scope=r"初始阶段：得分的方差为 $d$，这里取为 $\sqrt d$ 乘以独立的标准正态得分 $s$，即 $\alpha = \sqrt d$。",
        found="是集中，但不是 one-hot，而且两种梯度中只有一种变小。对 $d$ 从 64 到 128、$n$ 从 64 到 4096，关于 logits 的平均梯度 "
        r"$1 - \sum p_i^2$ 在除以 $\sqrt d$ 之后是不除时的 2 到 5 倍；关于 $s$（从而关于 $q$ 与 $k$）的平均梯度是它的 $\alpha$ 倍，"
        r"不除时反而比除以之后更大。$\max_i p_i > 0.99$、$\max_i p_i < \frac12$ 以及关于 $s$ 的梯度变小，"
        "这三种情形的占比都没有显著超过一半。",
        limits=r"用独立正态得分代替 $q \cdot k_i / \sqrt d$，后者共用同一个 query。各种情形的占比以二分之一为界、用 128 次抽样检验："
        "占比超过约 0.87，才有 99% 的把握发现。",
        if_fails="得分的方差不是 $d$，或所指的是另一种梯度",
        names={
            "mean gradient with respect to the logits, with / without the division": r"关于 logits 的平均梯度：除以与不除以 $\sqrt d$ 之比",
            "mean gradient with respect to s, without / with the division": r"关于 $s$ 的平均梯度：不除以与除以 $\sqrt d$ 之比",
            "mean of max p": r"$\max_i p_i$ 的均值",
            "share of draws with max p > #": r"$\max_i p_i$ 大于 # 的抽样占比",
            "share of draws with max p < #": r"$\max_i p_i$ 小于 # 的抽样占比",
            "share of draws with J smaller than after the division": r"$J$ 小于除以 $\sqrt d$ 之后的抽样占比",
            "P(max p > #), # draws": r"$\max_i p_i$ 大于 # 的概率（# 次抽样）",
            "P(max p < #), # draws": r"$\max_i p_i$ 小于 # 的概率（# 次抽样）",
            "P(J smaller than after the division), # draws": r"$J$ 小于除以 $\sqrt d$ 之后的概率（# 次抽样）",
        },
    ),
)
@subjects(
    unscaled,
    variance_d_squared=variant(unscaled, scale=lambda d: float(d)),
    divided_after_all=variant(unscaled, scale=lambda d: 1.0),
    fourth_root=variant(unscaled, scale=lambda d: d**0.25),
    gradient_of_the_logits=variant(unscaled, gradient=lambda alpha, n: unscaled.gradient(alpha, n) / alpha),
    annealed_objective=variant(unscaled, gradient=annealed_scale.gradient),
    uniform=variant(unscaled, probabilities=lambda s, alpha: torch.full_like(s, 1 / s.shape[-1])),
    half_as_concentrated=variant(unscaled, probabilities=lambda s, alpha: attention_scale.probabilities(s, alpha / 2)),
    half_dropped=variant(unscaled, l1_norm=lambda s, alpha: 2 * attention_scale.l1_norm(s, alpha)),
    root_of_another_dimension=variant(unscaled, scale=lambda d: math.sqrt(d - 1)),
    nearly_one_hot=variant(unscaled, probabilities=lambda s, alpha: attention_scale.probabilities(s, 16 * alpha)),
    gradient_of_nearly_one_hot=variant(unscaled, l1_norm=lambda s, alpha: attention_scale.l1_norm(s, alpha**3)),
)
@example(d=64, n=4096, seed=0)
@example(d=128, n=64, seed=0)
@given(d=st.sampled_from([64, 128]) | st.integers(64, 128), n=counts(least=64, most=4096), seed=st.integers(0, 2**32 - 1))
def test_unscaled_scores_are_concentrated_but_not_one_hot(subject, d, n, seed):
    alpha = subject.scale(d)
    mean, divided = subject.gradient(alpha, n), subject.gradient(1.0, n)
    true = attended_score(math.sqrt(d), n), attended_score(1.0, n)
    off = max(abs(got - value) - error for got, (value, error) in zip((mean, divided), true, strict=True))
    shrunk = divided * alpha / mean
    require(
        off <= PROMISED and 2 <= shrunk <= 5 and mean > divided + 2 * PROMISED,
        f"d = {d}, n = {n}: the mean gradient with respect to s is {mean:.6g} without the division, {divided:.6g} with it, "
        f"off by {off:.3g}; with respect to the logits it shrinks by a factor of {shrunk:.3g}",
        comparisons=4,
        arithmetic="float64",
        strength=Strength.BUDGET,
    )
    measured("mean gradient with respect to the logits, with / without the division", shrunk)
    measured("mean gradient with respect to s, without / with the division", mean / divided)
    s, one = normal_scores(seed, DRAWS, n), torch.ones((), dtype=torch.float64)
    largest = subject.probabilities(s, one * alpha).amax(-1)
    sizes = torch.stack([subject.l1_norm(s, one * scale) for scale in (alpha, 1.0)], -1)
    smaller = sizes[:, 0] < sizes[:, 1]
    for what, these in (("max p > 0.99", largest > 0.99), ("max p < 0.5", largest < 0.5), ("J smaller than after the division", smaller)):
        measured(f"share of draws with {what}", float(these.double().mean()))
        proportion_at_most(f"P({what}), {DRAWS} draws", int(these.sum()), DRAWS, 0.5)
    certain, room = largest_probability(s, math.sqrt(d))
    scales = torch.tensor([math.sqrt(d), 1.0], dtype=torch.float64)
    norms, rounding = half_l1_norms(s, scales)
    right = (sizes - norms).abs().amax(-1) <= rounding + rounding_of_half_l1(s, math.sqrt(d))
    right &= (largest - certain).abs() <= room
    require(
        bool(right.all()),
        f"d = {d}, n = {n}: in {int((~right).sum())} of {DRAWS} draws max p or J is not that of the scores, "
        f"first in draw {int(right.byte().argmin())}",
        comparisons=3 * DRAWS,
        arithmetic="float64",
        strength=Strength.BUDGET,
    )
    measured("mean of max p", float(largest.mean()))


def off_diagonal_sign_flipped(s, alpha):
    p = attention_scale.probabilities(s, alpha)
    return alpha * (torch.diag_embed(p - 2 * p * p) + p[..., :, None] * p[..., None, :])


def stepped(b, n, step, alpha):
    """b vectors of n scores from 127 downwards, in steps of `step` modulo 64, and one scale."""
    s = 127 - torch.arange(b * n, dtype=torch.float64).reshape(b, n) * step % 64
    return Tempered(s, torch.tensor(alpha, dtype=torch.float64))


def maximum_not_subtracted(s, alpha):
    weights = (alpha * s).exp()
    p = weights / weights.sum(-1, keepdim=True)
    return alpha * (torch.diag_embed(p) - p[..., :, None] * p[..., None, :])


@claim(
    POST,
    "softmax-jacobian-and-l1-norm",
    section="Computing the gradient",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    headline=True,
    says=r"For $p = \mathrm{softmax}(\alpha s)$, $\frac{\partial p_i}{\partial s_j} = \alpha (p_i \delta_{ij} - p_i p_j)$, "
    r"and half the sum of the absolute values of all entries is $\alpha \left(1 - \sum_i p_i^2\right)$.",
    scope=r"None stated; the derivative is taken with respect to $s$, not $\alpha s$.",
    found=r"Holds to precision for $\alpha \ge 0$, with ties, a single score, $\alpha = 0$ and large offsets. "
    "The formula subtracts nearly equal numbers where the softmax is nearly one-hot: only its absolute error is small there.",
    limits=r"Up to 9 scores whose logits differ by at most 36, so that no product of probabilities underflows in "
    r"float32. Negative $\alpha$, for which the right side would need $|\alpha|$, is not drawn.",
    if_fails=r"the derivative is with respect to the logits $\alpha s$, or another matrix norm is meant",
    effort=0.5,
    zh=dict(
        says=r"对 $p = \mathrm{softmax}(\alpha s)$，有 $\frac{\partial p_i}{\partial s_j} = \alpha (p_i \delta_{ij} - p_i p_j)$，"
        r"其全部元素绝对值之和的一半等于 $\alpha \left(1 - \sum_i p_i^2\right)$。",
        scope=r"文中未加条件；求导是对 $s$，不是对 $\alpha s$。",
        found=r"对 $\alpha \ge 0$ 在舍入误差内成立，包括得分并列、只有一个得分、$\alpha = 0$ 以及整体偏移很大的情形。softmax 接近 "
        "one-hot 时，公式是两个几乎相等的数相减：此时只有绝对误差是小的。",
        limits=r"至多 9 个得分，logits 之差不超过 36，使概率的乘积在 float32 下不会下溢。没有抽取负的 $\alpha$，那时右边需换成 "
        r"$|\alpha|$。",
        if_fails=r"导数是对 logits $\alpha s$ 求的，或所指的是另一种矩阵范数",
        names={
            "Jacobian at [#, #, #]": "雅可比矩阵，[#, #, #] 处",
            "half L# norm at [#]": "L# 范数的一半，[#] 处",
        },
    ),
)
@subjects(
    attention_scale,
    half_dropped=variant(attention_scale, l1_norm=lambda s, alpha: 2 * attention_scale.l1_norm(s, alpha)),
    off_diagonal_sign_flipped=variant(attention_scale, jacobian=off_diagonal_sign_flipped),
    factor_alpha_forgotten=variant(attention_scale, jacobian=lambda s, alpha: attention_scale.jacobian(alpha * s, torch.ones_like(alpha))),
    operator_one_norm=variant(attention_scale, l1_norm=lambda s, alpha: attention_scale.jacobian(s, alpha).abs().sum(-2).amax(-1)),
    frobenius_norm=variant(attention_scale, l1_norm=lambda s, alpha: attention_scale.jacobian(s, alpha).square().sum((-2, -1)).sqrt()),
    maximum_not_subtracted=variant(attention_scale, jacobian=maximum_not_subtracted),
    softmax_over_the_batch=variant(attention_scale, l1_norm=lambda s, alpha: alpha * (1 - (alpha * s).softmax(0).square().sum(-1))),
)
@example(case=stepped(1, 3, step=1, alpha=1.0))  # e^127 overflows in float32
@example(case=stepped(3, 9, step=37, alpha=0.34375))  # more entries than usual, hardly two alike: a rare corruption hits some of them
@example(case=stepped(3, 9, step=29, alpha=0.34375))
@given(case=scores())
def test_softmax_jacobian_and_its_l1_norm(subject, case, executors):
    s, alpha = case.s, case.alpha
    # Stored on the longest path: logit, difference from the maximum, exponential (twice: its errors e_i reach p_i as
    # e_i - sum_k p_k e_k), quotient, product of two p's, subtraction, factor alpha, half. Summed: n terms of the softmax, and
    # for the norm n more.
    b, n = s.shape
    both = certified(softmax_jacobian_and_half_l1, (s, alpha), roundings=9, sums=n)
    # The conditioning pays for a rounded logit alpha s_i, offset included: a program may scale before it subtracts. It does
    # not pay for what follows, because the claim is a formula whose terms cancel: a difference x_i that is rounded moves p_i by
    # p_i (|x_i| + sum_k p_k |x_k|) u, any later rounding by p_i u, and p_i delta_ij - p_i p_j by as much times its terms.
    x = alpha * (s - s.amax(-1, keepdim=True))
    p = torch.softmax(x, -1)
    moved = p * (1 + abs(x) + (p * abs(x)).sum(-1, keepdim=True))
    crossed = moved[:, :, None] * p[:, None, :]
    terms = alpha * (torch.diag_embed(moved) + crossed + crossed.mT)
    truth, scale = both.truth, both.scale
    jacobian = replace(both, truth=truth[:, 1:].reshape(b, n, n), scale=scale[:, 1:].reshape(b, n, n) + terms)
    norm = replace(both, truth=truth[:, 0], scale=scale[:, 0] + alpha * (1 + 2 * (p * moved).sum(-1)), sums=2 * n)
    executors.hold("Jacobian", subject.jacobian, (s, alpha), jacobian)
    executors.hold("half L1 norm", subject.l1_norm, (s, alpha), norm)


def norm_of(function):
    """Another value in the place of the gradient's size: function(s, alpha) -> ()."""
    return variant(attention_scale, l1_norm=function)


@claim(
    POST,
    "gradient-vanishes-at-both-ends",
    section="Introduction, computing the gradient",
    kind=Kind.LIMIT,
    finding=Finding.HOLDS_IN_SCOPE,
    says=r"$J = \alpha \left(1 - \sum_i p_i^2\right) \to 0$ for $\alpha \to 0$, and for $\alpha \to \infty$ if the largest score is "
    r"unique; between the two there is a best $\alpha$.",
    scope="A unique maximum, as stated, and given scores; the post then goes on to random ones.",
    found=r"With a gap $g$ below the largest of $n \ge 2$ scores and a range $R$, $J$ lies below $\alpha (1 - \frac1n)$ and "
    r"$2 \alpha (n - 1) e^{-\alpha g}$, above $\alpha (n - 1) / (n - 1 + e^{\alpha R})$ and $2 \alpha x / ((1 + x)(1 + (n - 1) x))$ with "
    r"$x = e^{-\alpha g}$. It fails where the maximum is tied, and for the mean over random scores, which need not tend to 0 (for "
    "standard normal scores it tends to the expected maximum): the limit holds for each vector, not for their mean.",
    limits=r"Up to 12 scores, $10^{-6} \le \alpha g \le 100$; beyond, the bounds say it.",
    if_fails=r"the maximum is tied, or the gradient is averaged over scores before the limit",
    zh=dict(
        says=r"当 $\alpha \to 0$ 时 $J = \alpha \left(1 - \sum_i p_i^2\right) \to 0$；若最大得分唯一，则 $\alpha \to \infty$ 时也有 "
        r"$J \to 0$，因此其间存在使梯度最大的 $\alpha$。",
        scope="如文中所述，最大值唯一，且得分是给定的；文中随后转向随机的得分。",
        found=r"设 $n \ge 2$ 个得分中最大者与次大者之差为 $g$，极差为 $R$，则 $J$ 不超过 $\alpha (1 - \frac1n)$ 与 "
        r"$2 \alpha (n - 1) e^{-\alpha g}$，不低于 $\alpha (n - 1) / (n - 1 + e^{\alpha R})$ 与 "
        r"$2 \alpha x / ((1 + x)(1 + (n - 1) x))$，其中 $x = e^{-\alpha g}$。最大值并列时它不成立；对随机得分取平均时也不成立，"
        "平均值未必趋于零（对标准正态得分，它趋于最大得分的期望）：极限对每个向量成立，对它们的平均不成立。",
        limits=r"至多 12 个得分，$10^{-6} \le \alpha g \le 100$；在此之外由上述界说明。",
        if_fails="最大值并列，或在取极限之前先对得分取了平均",
    ),
)
@subjects(
    attention_scale,
    mean_over_random_draws=norm_of(lambda s, alpha: s.new_tensor(mean_gradient.gradient(min(max(float(alpha), 1 / 64), 64), len(s)))),
    factor_alpha_forgotten=norm_of(lambda s, alpha: attention_scale.l1_norm(s, alpha) / alpha),
    softmax_not_scaled=norm_of(lambda s, alpha: alpha * attention_scale.l1_norm(s, torch.ones_like(alpha))),
    temperature_in_place_of_scale=norm_of(lambda s, alpha: attention_scale.l1_norm(s, 1 / alpha)),
    half_dropped=norm_of(lambda s, alpha: 2 * attention_scale.l1_norm(s, alpha)),
    operator_one_norm=norm_of(lambda s, alpha: attention_scale.jacobian(s, alpha).abs().sum(-2).amax(-1)),
    frobenius_norm=norm_of(lambda s, alpha: attention_scale.jacobian(s, alpha).square().sum((-2, -1)).sqrt()),
    one_minus_the_largest=norm_of(lambda s, alpha: alpha * (1 - attention_scale.probabilities(s, alpha).amax(-1))),
    zero=norm_of(lambda s, alpha: s.sum() * 0),
)
@counterexample(
    "two tied maxima: the softmax tends to one half on each, and J grows like alpha / 2, to 50 at alpha = 100",
    r"两个最大值并列：softmax 在两者上各趋于二分之一，$J$ 像 $\alpha / 2$ 那样增长，$\alpha = 100$ 时达到 50",
    case=Separated((1.0, 1.0, 0.0, -1.0)),
)
@counterexample(
    "random scores: J of 0 and -g vanishes for every g, but its mean over g uniform on (0, 1) is tanh(alpha / 2) and tends to 1",
    r"随机得分：对每个 $g$，得分 0 与 $-g$ 的 $J$ 都趋于零，但对 (0, 1) 上均匀分布的 $g$ 取平均，得 $\tanh(\alpha / 2)$，趋于 1",
    case=Averaged(tuple(Separated((0.0, -(k + 0.5) / 1000)) for k in range(1000))),
)
@given(case=separated())
def test_the_gradient_vanishes_at_both_ends(subject, case):
    s, gap, spread = torch.tensor(case.s, dtype=torch.float64), case.gap, case.spread
    n = s.shape[-1]
    excess, why = -math.inf, ""
    for tenths in range(-60, 21, 5):
        alpha = 10 ** (tenths / 10) / gap
        got = float(subject.l1_norm(s, torch.tensor(alpha, dtype=torch.float64)).mean())  # of the one vector that is drawn
        # p_1 is the largest of n >= 2 probabilities, the next p_1 e^(-alpha g): 1 - p_1 lies between x / (1 + x) and
        # (n - 1) x / (1 + (n - 1) x) with x = e^(-alpha g), and is at least the latter with x = e^(-alpha R). Both 1 - p_1 and
        # 2 p_1 (1 - p_1) are at most 1 - sum p_i^2, which is at most 2 (1 - p_1).
        x, least = math.exp(-alpha * gap), (n - 1) * math.exp(-alpha * spread)
        high = alpha * min(1 - 1 / n, 2 * (n - 1) * x)
        low = alpha * max(least / (1 + least), 2 * x / ((1 + x) * (1 + (n - 1) * x)))
        # Rounding, in units of alpha u: a weight is off by 2 alpha R + 2, their sum by n more, the quotient by 1, all of it twice in p_i^2
        # (+ 1); sum (n), difference and product: 8 alpha R + 3 n + 13. In the bounds, exponent (2 alpha R), exponential and a few products.
        rounding = 2.0**-53 * alpha * (10 * alpha * spread + 3 * n + 25)
        beyond = max(got - high, low - got) - rounding
        if not beyond <= excess:  # NaN too
            excess, why = beyond, f"J = {got:.6g} at alpha = {alpha:.6g}, not between {low:.3g} and {high:.3g}"
    require(excess <= 0, f"{case}: {why}", comparisons=34, arithmetic="float64", strength=Strength.BUDGET)
