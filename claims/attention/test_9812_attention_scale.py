"""Choosing the attention scale by maximising the softmax gradient (post 9812).

The post measures the softmax gradient by J = alpha (1 - sum p_i^2), replaces sum p_i^2 for standard normal scores by a
ratio of expectations, and maximises the result A. The formula for J is right, and A has a maximiser in closed form. But
it is a maximiser of A alone: the mean of J over the scores has none, and J of a typical draw peaks much further out.
"""

import math
from dataclasses import replace
from itertools import pairwise

import mpmath
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import wrightomega

from claims import Finding, Kind, Post, claim, counterexample, subjects, variant
from impls.attention import annealed_scale, attention_scale, mean_gradient
from oracles.annealed import closed_form, peaks, stationary
from oracles.ball import certified
from oracles.dual import softmax_jacobian_and_half_l1
from oracles.evidence import Strength, measured, require
from oracles.normal_scores import attended_score, expected_maximum
from oracles.statistics import proportion_at_most
from strategies.attention.scores import SIZES, astronomical, counts, normal_scores, scores

POST = Post(
    9812,
    date="2023-10-22",
    en="Choosing the scale of attention by maximising the gradient",
    zh="从梯度最大化看Attention的Scale操作",
    topic="attention",
)


def off_diagonal_sign_flipped(s, alpha):
    p = attention_scale.probabilities(s, alpha)
    return alpha * (torch.diag_embed(p - 2 * p * p) + p[..., :, None] * p[..., None, :])


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
    zh=r"对 $p = \mathrm{softmax}(\alpha s)$，偏导数为 $\alpha (p_i \delta_{ij} - p_i p_j)$，"
    r"其全部元素绝对值之和的一半等于 $\alpha \left(1 - \sum_i p_i^2\right)$。",
    scope=r"None stated; the derivative is taken with respect to $s$, not $\alpha s$.",
    found=r"Holds to precision for $\alpha \ge 0$, with ties, a single score, $\alpha = 0$ and large offsets. "
    "The formula subtracts nearly equal numbers where the softmax is nearly one-hot: only its absolute error is small there.",
    limits=r"Up to 16 scores whose logits differ by at most 36, so that no product of probabilities underflows in "
    r"float32. Negative $\alpha$, for which the right side would need $|\alpha|$, is not drawn.",
    if_fails=r"the derivative is with respect to the logits $\alpha s$, or another matrix norm is meant",
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
@given(case=scores())
def test_softmax_jacobian_and_its_l1_norm(subject, case, executors):
    s, alpha = case.s, case.alpha
    # Stored on the longest path: difference from the maximum, logit, exponential, its layer for the maximum (see
    # oracles.budget), quotient, product of two p's (counts twice), subtraction, factor alpha, half. Summed: n terms of the
    # softmax, and for the norm n more.
    b, n = s.shape
    both = certified(softmax_jacobian_and_half_l1, (s, alpha), roundings=10, sums=n)
    # The claim is a formula, and its terms cancel: a relative error u of every p moves p_i delta_ij - p_i p_j by
    # (p_i delta_ij + 2 p_i p_j) u however small the difference is. Conditioning sees the difference only.
    p = torch.softmax(alpha * (s - s.amax(-1, keepdim=True)), -1)
    terms = alpha * (torch.diag_embed(p) + 2 * p[:, :, None] * p[:, None, :])
    truth, scale = both.truth, both.scale
    jacobian = replace(both, truth=truth[:, 1:].reshape(b, n, n), scale=scale[:, 1:].reshape(b, n, n) + terms)
    norm = replace(both, truth=truth[:, 0], scale=scale[:, 0] + alpha * (1 + 2 * (p * p).sum(-1)), sums=2 * n)
    executors.hold("Jacobian", subject.jacobian, (s, alpha), jacobian)
    executors.hold("half L1 norm", subject.l1_norm, (s, alpha), norm)


def stationary_at(inverse):
    """The objective's maximiser taken from a wrong stationarity condition: inverse(log n) = alpha^2."""
    return variant(annealed_scale, optimum=lambda log_n: math.sqrt(max(inverse(log_n), 0.0)))


@claim(
    POST,
    "annealed-optimum-closed-form",
    section="Normal distribution",
    kind=Kind.OPTIMUM,
    finding=Finding.HOLDS,
    headline=True,
    says=r"The post maximises $A(\alpha) = \alpha \left(1 - e^{\alpha^2} / n\right)$ numerically. "
    r"Stated in full: it has one maximum for $\alpha \ge 0$, where $e^{\alpha^2} (1 + 2 \alpha^2) = n$, "
    r"that is, at $\alpha^* = \sqrt{W(n \sqrt e / 2) - \frac12}$ with Lambert's $W$.",
    zh=r"文中数值求解 $A(\alpha) = \alpha \left(1 - e^{\alpha^2} / n\right)$ 的最大值点。"
    r"事实上它有闭式解：驻点条件为 $e^{\alpha^2} (1 + 2 \alpha^2) = n$，"
    r"即 $\alpha^* = \sqrt{W(n \sqrt e / 2) - \frac12}$，其中 $W$ 为 Lambert 函数。",
    scope=r"$n \ge 1$; at $n = 1$ the maximum is at the end $\alpha = 0$.",
    found=r"Holds for $n$ from 1 to $10^{1000}$: the closed form, the stationarity condition and "
    "the definition of a maximum agree to 30 digits, a program in float64 to its rounding.",
    limits=r"About the surrogate $A$ only; what it says about the softmax gradient is the refuted claim of this post.",
    if_fails=r"the factor $1 + 2 \alpha^2$ comes from differentiating $\alpha e^{\alpha^2}$ with the chain rule",
)
@subjects(
    annealed_scale,
    chain_rule_without_the_two=stationary_at(lambda log_n: float(wrightomega(log_n + 1)) - 1),
    exponent_doubled=stationary_at(lambda log_n: annealed_scale.optimum(log_n) ** 2 / 2),
    zero_of_the_objective=stationary_at(lambda log_n: log_n),
    fit_of_the_post=stationary_at(lambda log_n: 0.84**2 * log_n),
    half_forgotten_in_the_argument=stationary_at(lambda log_n: float(wrightomega(log_n + 0.5)) - 0.5),
)
@given(n=astronomical())
def test_annealed_optimum_has_a_closed_form(subject, n):
    log_n = math.log(n)  # from here on n is e^log_n with this very float, so that the program's input is exact
    got = subject.optimum(log_n)
    x, closed = mpmath.fmul(got, got, exact=True), closed_form(log_n)
    # In float64 alpha^2 = omega(log n + 1/2 - log 2) - 1/2 is the end of 12 roundings of numbers of at most log n + 1: the
    # constant and the sum (2), Wright's omega, whose residual x - w - log w has three terms and is not amplified
    # (omega' < 1), and its result (7), the subtraction of 1/2 (1), a square root, squared here (2).
    rounding = 12 * 2.0**-53 * (log_n + 1)
    share = float(abs(x - closed)) / rounding
    measured("error of alpha*^2 / its rounding", share)
    if n in SIZES:
        measured(f"alpha* for n = {n}", got)
        measured(f"alpha* / sqrt(log n) for n = {n}", got / math.sqrt(log_n))
    # Within its rounding a program passes; the enclosures are twice as wide, so that one at their end is inside.
    by_values = peaks(log_n, closed, mpmath.mpf("1e-30")) and peaks(log_n, x, 2 * rounding)
    by_condition = stationary(log_n, closed, mpmath.mpf("1e-30")) and stationary(log_n, x, 2 * rounding)
    require(
        share <= 1 and by_values and by_condition,
        f"log n = {log_n:.6g}: alpha = {got:.15g} {'maximises' if by_values else 'does not maximise'} A "
        f"and {'is' if by_condition else 'is not'} stationary; the closed form is {float(mpmath.sqrt(closed)):.15g}",
        comparisons=5,
        arithmetic="mpmath, two precisions",
        strength=Strength.BUDGET,
    )


PROMISED = 1e-8  # the interface of impls/attention/mean_gradient.py: eight decimals


def two_scores_with_the_fitting_gap(alpha, n):
    """The gradient of one draw, not a mean: of two scores with gap d it is largest at 1.543.../d, u tanh(u) = 1/2 with u = alpha d / 2."""
    root = 0.7717023191527 / annealed_scale.optimum(math.log(n))
    return alpha / 2 / math.cosh(alpha * root) ** 2


@claim(
    POST,
    "true-expected-gradient-has-no-finite-optimum",
    section="Normal distribution, summary",
    kind=Kind.OPTIMUM,
    finding=Finding.REFUTED,
    headline=True,
    says=r"For standard normal scores the softmax gradient is largest at (or near) the maximiser "
    r"$\alpha^* \approx 0.84 \sqrt{\log n}$ of the annealed objective.",
    zh=r"当得分服从标准正态分布时，softmax 的梯度在退火近似的最大值点 $\alpha^* \approx 0.84 \sqrt{\log n}$ 处（附近）最大。",
    scope=r"Independent scores from $N(0, 1)$; the mean over the scores stands for the post's unspecified average.",
    found=r"False for every $n \ge 2$ tried: the mean gradient is already larger at $2 \alpha^*$, and has no maximiser at all. "
    r"What is true: $\alpha^*$ maximises the surrogate, see the claim on its closed form.",
    corrected=r"The mean softmax gradient is $\mathbb E \sum_i p_i s_i$ and increases with $\alpha$ to its supremum "
    r"$\mathbb E \max_i s_i$; at the maximiser of the annealed objective it has reached 60 to 65 % of it ($n$ = 64 to 20000).",
    corrected_by="mean-gradient-increases-to-expected-maximum",
    limits="The mean over scores; what happens in a typical draw is a claim of its own. Gradient size is not training speed.",
    if_fails="the objective is the annealed one, not the mean over the scores",
)
@subjects(
    mean_gradient,
    annealed_objective=variant(mean_gradient, gradient=annealed_scale.gradient),
    one_draw_of_two_scores=variant(mean_gradient, gradient=two_scores_with_the_fitting_gap),
    infinite_scale=variant(mean_gradient, optimum=lambda log_n: math.inf),
)
@counterexample("64 scores: the mean gradient is 1.406 at alpha* = 1.549, but 2.042 at twice that", n=64)
@counterexample("two scores are enough", n=2)
@given(n=counts(least=2))
def test_annealed_optimum_maximises_the_gradient(subject, n):
    best, scale = subject.optimum(math.log(n)), annealed_scale.optimum(math.log(n))
    there = subject.gradient(best, n)
    elsewhere = {factor * scale: subject.gradient(factor * scale, n) for factor in (0.25, 0.5, 0.8, 1.25, 2)}
    larger = max(elsewhere, key=elsewhere.get)
    require(
        elsewhere[larger] <= there + 2 * PROMISED,
        f"n = {n}: the gradient is {there:.6f} at {best:.6g}, but {elsewhere[larger]:.6f} at {larger:.6g}",
        comparisons=len(elsewhere),
        arithmetic="float64",
        strength=Strength.BUDGET,
    )


def annealed_beyond_freezing(alpha, n):
    """The random-energy model: E sum p_i^2 = 0 below alpha = sqrt(2 log n), 1 - sqrt(2 log n) / alpha above; a limit, used at finite n."""
    return min(alpha, math.sqrt(2 * math.log(n)))


@claim(
    POST,
    "mean-gradient-increases-to-expected-maximum",
    section="Normal distribution",
    kind=Kind.EXPECTATION,
    finding=Finding.HOLDS,
    says=r"In place of the post's conclusion: for independent standard normal scores "
    r"$\mathbb E\left[\alpha \left(1 - \sum_i p_i^2\right)\right] "
    r"= \mathbb E \sum_i p_i s_i$, which increases strictly with $\alpha$ "
    r"to $n (n - 1) \int \varphi^2 \Phi^{n-2} dx = \mathbb E \max_i s_i$.",
    zh=r"修正后的结论：对独立标准正态得分，$\mathbb E\left[\alpha \left(1 - \sum_i p_i^2\right)\right] = \mathbb E \sum_i p_i s_i$，"
    r"它随 $\alpha$ 严格递增，极限为 $n (n - 1) \int \varphi^2 \Phi^{n-2} dx = \mathbb E \max_i s_i$，因此没有有限的最大值点。",
    scope="Independent scores from $N(0, 1)$, $n \\ge 2$. The identity is Gaussian integration by parts, "
    "the derivative $\\mathbb E\\,\\mathrm{Var}_p(s) > 0$.",
    found=r"Holds to the eight decimals asked for by two routes of quadrature. "
    r"The gap to the supremum shrinks like $\alpha^{-2}$ (near ties of the two largest scores).",
    limits="n up to 20000. The finding is about normal scores, not about others.",
    if_fails=r"a factor $\alpha$ is missing, or the limit is that of infinitely many scores",
)
@subjects(
    mean_gradient,
    annealed_objective=variant(mean_gradient, gradient=lambda alpha, n: annealed_scale.gradient(min(alpha, 16), n)),  # overflows beyond
    plateau_zero=variant(mean_gradient, supremum=lambda n: 0.0),
    plateau_of_infinitely_many=variant(mean_gradient, supremum=lambda n: math.sqrt(2 * math.log(n))),
    alpha_forgotten=variant(mean_gradient, gradient=lambda alpha, n: mean_gradient.gradient(alpha, n) / alpha),
    freezing_formula_at_finite_n=variant(mean_gradient, gradient=annealed_beyond_freezing),
)
@given(n=counts(least=2), alpha=st.integers(1, 80).map(lambda k: k / 8))
def test_mean_gradient_increases_to_the_expected_maximum(subject, n, alpha):
    points = sorted({alpha, alpha + 0.125, annealed_scale.optimum(math.log(n)), 32.0})
    true = [attended_score(point, n) for point in points]
    plateau, plateau_error = expected_maximum(n)
    supremum = subject.supremum(n)
    got = {point: subject.gradient(point, n) for point in (*points, 64.0)}
    errors = [(abs(got[point] - value) - error, f"alpha = {point:.6g}") for point, (value, error) in zip(points, true, strict=True)]
    excess, where = max(*errors, (abs(supremum - plateau) - plateau_error, "the supremum"))
    along = [*got.values(), supremum]
    rising = all(b - a > 2 * PROMISED for a, b in pairwise(along))
    gaps = [supremum - got[point] for point in (32.0, 64.0)]
    order = math.log2(gaps[0] / gaps[1]) if min(gaps) > 0 else 0.0  # 0: no limit is approached
    measured("difference of the two routes", max(excess, 0.0))
    measured("order of the gap between alpha = 32 and 64", order)
    if n in SIZES:
        reached = got[annealed_scale.optimum(math.log(n))]
        measured(f"E max for n = {n}", supremum)
        measured(f"mean gradient at alpha* for n = {n}", reached)
        measured(f"share of the supremum at alpha* for n = {n}", reached / plateau)
    require(
        excess <= PROMISED and rising and abs(order - 2) <= 0.1,
        f"n = {n}: off by {excess:.3g} at {where}; {'rising' if rising else 'not rising'} along "
        f"{', '.join(f'{value:.6g}' for value in along)}; gap of order {order:.3g}",
        comparisons=2 * len(points) + 3,
        arithmetic="float64",
        strength=Strength.BUDGET,
    )


DRAWS = 400


@claim(
    POST,
    "typical-draw-peaks-beyond-annealed-optimum",
    section="Normal distribution",
    kind=Kind.DISTRIBUTION,
    finding=Finding.HOLDS,
    says=r"In place of the post's conclusion, for a single draw of normal scores: at least three draws in four have their largest gradient "
    r"beyond the annealed $\alpha^*$, and as many have it below $15 \alpha^*$.",
    zh=r"修正后的结论：对单次抽取的正态得分，至少四分之三的抽样其梯度最大值点大于退火近似给出的 $\alpha^*$，"
    r"也至少四分之三小于 $15 \alpha^*$。",
    scope="Independent scores from $N(0, 1)$; the post does not say whether it means an average or a draw.",
    found=r"Holds for $n$ from 2 to 256; of 400 draws at most 5 % have their largest gradient below $\alpha^*$, "
    r"at most 20 % beyond $14.7 \alpha^*$; medians lie between 1.9 and 2.6 times $\sqrt{\log n}$.",
    limits=r"The largest value is sought on 32 scales from $\alpha^* / 16$ to $15 \alpha^*$. "
    r"The place of the maximum has no mean (near ties push it out), only quantiles.",
    if_fails=r"the gradient with respect to $\alpha s$ is meant, or the scores are not of unit variance",
    effort=0.25,
)
@subjects(
    attention_scale,
    factor_alpha_forgotten=variant(attention_scale, best_scale=lambda s, alphas: alphas[:1].expand(len(s))),
    softmax_not_scaled=variant(attention_scale, best_scale=lambda s, alphas: alphas[-1:].expand(len(s))),
    scores_of_unscaled_dot_products=variant(attention_scale, best_scale=lambda s, alphas: attention_scale.best_scale(8 * s, alphas)),
    best_of_the_annealed_objective=variant(
        attention_scale,
        best_scale=lambda s, alphas: alphas[(alphas * (1 - (alphas**2).exp() / s.shape[-1])).argmax()].expand(len(s)),
    ),
)
@given(n=counts(least=2, most=256), seed=st.integers(0, 2**32 - 1))
def test_a_typical_draw_peaks_beyond_the_annealed_optimum(subject, n, seed):
    scale = annealed_scale.optimum(math.log(n))
    alphas = scale * 2.0 ** ((torch.arange(-16, 16, dtype=torch.float64) + 0.5) / 4)  # alpha* is half-way between two of them
    best = subject.best_scale(normal_scores(seed, DRAWS, n), alphas)
    measured("median of the best scale / sqrt(log n)", float(best.median()) / math.sqrt(math.log(n)))
    for what, these in (("below alpha*", best < scale), ("at the far end", best == alphas[-1])):
        measured(f"share of draws with their largest gradient {what}", float(these.double().mean()))
        proportion_at_most(f"P(largest gradient {what}), {DRAWS} draws", int(these.sum()), DRAWS, 0.25)
