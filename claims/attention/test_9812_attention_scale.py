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
    en="Choosing the scale of attention by maximising the gradient",
    zh="从梯度最大化看Attention的Scale操作",
    topic="attention",
)


@claim(
    POST,
    "dot-product-variance-is-d",
    section="Existing results",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    says=r"For $q, k \in \mathbb R^d$ with independent components of mean 0 and variance 1, $q \cdot k$ has mean 0 and variance $d$, "
    r"so that division by $\sqrt d$ makes its variance 1.",
    zh=r"若 $q, k \in \mathbb R^d$ 的各分量独立且均值为 0、方差为 1，则 $q \cdot k$ 的均值为 0、方差为 $d$，除以 $\sqrt d$ 后方差为 1。",
    scope="Mean 0 and variance 1; the law of the components is left open, and so it is here.",
    found="Exact, whatever the laws of the components, skewed ones and unequal ones included.",
    limits="Up to four components, each with a law on two points: the variance depends on first and second moments alone.",
    if_fails="the components are correlated or have another mean: mean 3/5 and variance 16/25 give the score a mean of 9 d / 25",
    effort=0.5,
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
    zh=r"通常的解释是：不除以 $\sqrt d$ 时，初始阶段的 Attention 接近 one-hot，梯度消失；文中还指出很少有人定量说明除以 $\sqrt d$ 能改善多少。",
    scope=r"Initialisation: scores of variance $d$, here $\sqrt d$ times independent standard normal ones.",
    found="Concentrated, not one-hot, and only one of two gradients shrinks. For $d$ from 64 to 128 and $n$ from 64 to 4096, the mean "
    r"gradient with respect to the logits, $1 - \sum p_i^2$, is 2 to 5 times smaller than after the division; with respect to $s$ (hence "
    r"to $q$ and $k$) it is $\alpha$ times that and larger than after the division. Neither $\max_i p_i > 0.99$ nor $\max_i p_i < \frac12$ nor a "
    "smaller gradient with respect to $s$ is seen in most draws.",
    limits=r"Independent normal scores stand for $q \cdot k_i / \sqrt d$, which share one query. The shares of draws are tested against "
    "one half: the closest ones lie at it.",
    if_fails=r"the variance of the scores is not $d$, or the other gradient is meant",
    effort=0.3,
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
    zh=r"对 $p = \mathrm{softmax}(\alpha s)$，偏导数为 $\alpha (p_i \delta_{ij} - p_i p_j)$，其全部元素绝对值之和的一半等于 "
    r"$\alpha \left(1 - \sum_i p_i^2\right)$。",
    scope=r"None stated; the derivative is taken with respect to $s$, not $\alpha s$.",
    found=r"Holds to precision for $\alpha \ge 0$, with ties, a single score, $\alpha = 0$ and large offsets. "
    "The formula subtracts nearly equal numbers where the softmax is nearly one-hot: only its absolute error is small there.",
    limits=r"Up to 9 scores whose logits differ by at most 36, so that no product of probabilities underflows in "
    r"float32. Negative $\alpha$, for which the right side would need $|\alpha|$, is not drawn.",
    if_fails=r"the derivative is with respect to the logits $\alpha s$, or another matrix norm is meant",
    effort=0.5,
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
    zh=r"当 $\alpha \to 0$ 时 $J = \alpha \left(1 - \sum_i p_i^2\right) \to 0$；若最大得分唯一，则 $\alpha \to \infty$ 时也有 $J \to 0$，"
    r"因此其间存在使梯度最大的 $\alpha$。",
    scope="A unique maximum, as stated, and given scores; the post then goes on to random ones.",
    found=r"With a gap $g$ below the largest of $n \ge 2$ scores and a range $R$, $J$ lies below $\alpha (1 - \frac1n)$ and "
    r"$2 \alpha (n - 1) e^{-\alpha g}$, above $\alpha (n - 1) / (n - 1 + e^{\alpha R})$ and $2 \alpha x / ((1 + x)(1 + (n - 1) x))$ with "
    r"$x = e^{-\alpha g}$. It fails where the maximum is tied, and for the mean over random scores, which tends to the expected maximum: "
    "the limit holds for each vector, not for their mean.",
    limits=r"Up to 12 scores, $10^{-6} \le \alpha g \le 100$; beyond, the bounds say it.",
    if_fails=r"the maximum is tied, or the gradient is averaged over scores before the limit",
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
    case=Separated((1.0, 1.0, 0.0, -1.0)),
)
@counterexample(
    "random scores: J of 0 and -g vanishes for every g, but its mean over g uniform on (0, 1) is tanh(alpha / 2) and tends to 1",
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
