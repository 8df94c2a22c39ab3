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
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.special import wrightomega

from claims import Finding, Kind, Post, claim, counterexample, subjects, variant
from impls.attention import annealed_scale, attention_scale, mean_gradient
from oracles.annealed import closed_form, objective, peaks, stationary
from oracles.ball import certified
from oracles.dual import softmax_jacobian_and_half_l1
from oracles.evidence import Strength, Unsettled, measured, require
from oracles.normal_scores import attended_score, expected_maximum
from oracles.softmax_gradient import half_l1_norms
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
    "the definition of a maximum agree to 30 digits, a program in float64 to its rounding; so does its value of $A$ "
    r"at $\alpha^* / 2$, at $\alpha^*$ and beyond.",
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
    negative_root=variant(annealed_scale, optimum=lambda log_n: -annealed_scale.optimum(log_n)),
    off_by_16_ulp=variant(annealed_scale, optimum=lambda log_n: annealed_scale.optimum(log_n) * (1 + 2.0**-48)),
    nan=variant(annealed_scale, optimum=lambda log_n: math.nan),
    second_moment_not_normalised=variant(annealed_scale, gradient=lambda alpha, n: alpha * (1 - math.exp(2 * alpha**2 - math.log(n)))),
    objective_off_by_32_ulp=variant(annealed_scale, gradient=lambda alpha, n: annealed_scale.gradient(alpha, n) * (1 + 2.0**-47)),
)
@given(n=astronomical())
def test_annealed_optimum_has_a_closed_form(subject, n):
    log_n = math.log(n)  # from here on n is e^log_n with this very float, so that the program's input is exact
    got, closed = subject.optimum(log_n), closed_form(log_n)
    # In float64 alpha^2 = omega(log n + 1/2 - log 2) - 1/2 is the end of 12 roundings of numbers of at most log n + 1: the
    # constant and the sum (2), Wright's omega, whose residual x - w - log w has three terms and is not amplified
    # (omega' < 1), and its result (7), the subtraction of 1/2 (1), a square root, squared here (2).
    share = float(abs(mpmath.fmul(got, got, exact=True) - closed)) / (12 * 2.0**-53 * (log_n + 1))
    require(
        got >= 0 and share <= 1,
        f"log n = {log_n:.6g}: alpha = {got:.15g}, the closed form is {float(mpmath.sqrt(closed)):.15g}",
        comparisons=2,
        arithmetic="mpmath, two precisions",
        strength=Strength.BUDGET,
    )
    off = mpmath.mpf("1e-30")
    by_values, by_condition = peaks(log_n, closed, off), stationary(log_n, closed, off)
    require(
        by_values and by_condition,
        f"log n = {log_n:.6g}: the closed form {'maximises' if by_values else 'does not maximise'} A "
        f"and {'is' if by_condition else 'is not'} stationary",
        comparisons=2,
        arithmetic="mpmath, two precisions",
        strength=Strength.BUDGET,
    )
    for alpha in (got / 2, got, math.hypot(got, 1)):  # at the last one A has fallen below 0
        # alpha (1 - e^d) in float64: alpha^2, log n and their difference d move the exponent by at most 2 (alpha^2 + log n) u,
        # hence e^d relatively; the exponential (2, as one ulp is 2 u), the subtraction and the product add 4.
        value, true = subject.gradient(alpha, n), objective(alpha, n)
        grown = math.exp(alpha**2 - log_n)
        budget = 2.0**-53 * abs(alpha) * (1 + grown) * (2 * (alpha**2 + log_n) + 4)
        require(
            abs(value - true) <= budget,
            f"log n = {log_n:.6g}: A({alpha:.6g}) is {float(true):.15g}, not {value:.15g}",
            arithmetic="mpmath, two precisions",
            strength=Strength.BUDGET,
        )
        measured("error of A / its rounding", float(abs(value - true)) / budget if budget else 0.0)
    measured("error of alpha*^2 / its rounding", share)
    if n in SIZES:
        measured(f"alpha* for n = {n}", got)
        measured(f"alpha* / sqrt(log n) for n = {n}", got / math.sqrt(log_n))


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
    found=r"False for $n$ = 2, 64, 4096 and 20000: the mean gradient is already larger at $2 \alpha^*$, and has no maximiser at all. "
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
@counterexample("4096 scores", n=4096)
@counterexample("20000 scores", n=20000)
@given(n=counts(least=2))
def test_annealed_optimum_maximises_the_gradient(subject, n):
    best, scale = subject.optimum(math.log(n)), math.sqrt(closed_form(math.log(n)))
    there = subject.gradient(best, n)
    elsewhere = {factor * scale: subject.gradient(factor * scale, n) for factor in (0.25, 0.5, 0.8, 1.25, 2)}
    # A refutation must come from the scale that the post means and from numbers: whatever else the subject returns refutes nothing.
    # isclose (1e-9) only tells which scale is meant; how exactly it is computed is judged by the claim on the closed form.
    if not (best == math.inf or math.isclose(best, scale)) or not all(map(math.isfinite, (there, *elsewhere.values()))):
        raise Unsettled(f"n = {n}: {best:.6g} is not the annealed maximiser {scale:.6g}, or a gradient is not finite")
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
    found=r"Holds to the eight decimals asked for by two routes of quadrature, for $\alpha$ from $\frac1{64}$ to 64. "
    r"Measured: the gap to the supremum shrinks like $\alpha^{-2}$ (near ties of the two largest scores).",
    limits=r"n up to 20000; beyond $\alpha$ = 64 one value is only placed between its neighbours. "
    "The finding is about normal scores, not about others.",
    if_fails=r"a factor $\alpha$ is missing, or the limit is that of infinitely many scores",
)
@subjects(
    mean_gradient,
    annealed_objective=variant(mean_gradient, gradient=lambda alpha, n: annealed_scale.gradient(min(alpha, 16), n)),  # overflows beyond
    plateau_zero=variant(mean_gradient, supremum=lambda n: 0.0),
    plateau_of_infinitely_many=variant(mean_gradient, supremum=lambda n: math.sqrt(2 * math.log(n))),
    alpha_forgotten=variant(mean_gradient, gradient=lambda alpha, n: mean_gradient.gradient(alpha, n) / alpha),
    freezing_formula_at_finite_n=variant(mean_gradient, gradient=annealed_beyond_freezing),
    right_to_six_decimals=variant(mean_gradient, gradient=lambda alpha, n: round(mean_gradient.gradient(alpha, n), 6)),
    flat_from_64_on=variant(mean_gradient, gradient=lambda alpha, n: mean_gradient.gradient(min(alpha, 64), n)),
)
@example(n=64, alpha=1 / 64)
@example(n=512, alpha=63.875)
@given(n=counts(least=2), alpha=st.integers(1, 80).map(lambda k: k / 8))
def test_mean_gradient_increases_to_the_expected_maximum(subject, n, alpha):
    points = sorted({alpha, alpha + 0.125, annealed_scale.optimum(math.log(n)), 32.0})
    true = [attended_score(point, n) for point in points]
    plateau, plateau_error = expected_maximum(n)
    supremum = subject.supremum(n)
    far = 1.25 * points[-1]  # without a truth of its own: the gradient still rises to there
    got = {point: subject.gradient(point, n) for point in (*points, far)}
    errors = [(abs(got[point] - value) - error, f"alpha = {point:.6g}") for point, (value, error) in zip(points, true, strict=True)]
    excess, where = max(*errors, (abs(supremum - plateau) - plateau_error, "the supremum"))
    along = [*got.values(), supremum]
    rising = all(b - a > 2 * PROMISED for a, b in pairwise(along))
    require(
        excess <= PROMISED and rising,
        f"n = {n}: off by {excess:.3g} at {where}; {'rising' if rising else 'not rising'} along "
        f"{', '.join(f'{value:.6g}' for value in along)}",
        comparisons=2 * len(points) + 3,
        arithmetic="float64",
        strength=Strength.BUDGET,
    )
    measured("difference of the two routes beyond the error of the oracle", max(excess, 0.0))
    measured("order of the gap beyond alpha = 32", math.log((supremum - got[points[-1]]) / (supremum - got[far]), 1.25))
    if n in SIZES:
        reached = got[annealed_scale.optimum(math.log(n))]
        measured(f"E max for n = {n}", supremum)
        measured(f"mean gradient at alpha* for n = {n}", reached)
        measured(f"share of the supremum at alpha* for n = {n}", reached / plateau)


DRAWS = 1000


def best_by(measure):
    """The scale at which another measure of the gradient is largest."""
    return variant(attention_scale, best_scale=lambda s, alphas: alphas[torch.stack([measure(s, alpha) for alpha in alphas]).argmax(0)])


def frobenius(s, alpha):
    p = attention_scale.probabilities(s, alpha)
    return alpha * ((p * p * (1 - 2 * p)).sum(-1) + (p * p).sum(-1).square()).sqrt()


def found_by(choice):
    """A scale chosen in another way: choice(s, alphas) -> (), (1,) or one scale per draw."""
    return variant(attention_scale, best_scale=lambda s, alphas: choice(s, alphas).expand(len(s)))


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
    found=r"Holds for $n$ from 2 to 256, the largest gradient of every draw being recomputed. Tested with 1000 draws for each $n$: false "
    r"alarms with probability $10^{-12}$, a share of 39 % instead of 25 % on either side noticed with 99 %. "
    r"Measured: at most 5 % below $\alpha^*$, at most 18 % beyond $14.7 \alpha^*$, medians from 1.9 to 2.6 times "
    r"$\sqrt{\log n}$.",
    limits=r"The largest value is sought on 32 scales from $\alpha^* / 16$ to $15 \alpha^*$. "
    r"The place of the maximum has no mean (near ties push it out), only quantiles.",
    if_fails=r"the gradient with respect to $\alpha s$ is meant, or the scores are not of unit variance",
    effort=0.25,
)
@subjects(
    attention_scale,
    factor_alpha_forgotten=best_by(lambda s, alpha: attention_scale.l1_norm(s, alpha) / alpha),
    softmax_not_scaled=best_by(lambda s, alpha: alpha * attention_scale.l1_norm(s, torch.ones_like(alpha))),
    frobenius_norm=best_by(frobenius),
    scores_of_unscaled_dot_products=best_by(lambda s, alpha: attention_scale.l1_norm(8 * s, alpha)),
    scores_halved=best_by(lambda s, alpha: attention_scale.l1_norm(s / 2, alpha)),
    best_of_the_annealed_objective=found_by(lambda s, alphas: alphas[(alphas * (1 - (alphas**2).exp() / s.shape[-1])).argmax()]),
    constant_in_the_middle=found_by(lambda s, alphas: alphas[20]),
    median_of_the_batch=found_by(lambda s, alphas: attention_scale.best_scale(s, alphas).median()),
    argmax_off_by_one=found_by(lambda s, alphas: alphas.roll(1)[torch.searchsorted(alphas, attention_scale.best_scale(s, alphas))]),
    not_on_the_grid=found_by(lambda s, alphas: attention_scale.best_scale(s, alphas) * 1.01),
    nan=found_by(lambda s, alphas: alphas[:1] * math.nan),
    four_times_the_annealed_scale=variant(attention_scale, optimum=lambda log_n: 4 * annealed_scale.optimum(log_n)),
    a_sixth_of_the_annealed_scale=variant(attention_scale, optimum=lambda log_n: annealed_scale.optimum(log_n) / 6),
)
@given(n=counts(least=2, most=256), seed=st.integers(0, 2**32 - 1))
def test_a_typical_draw_peaks_beyond_the_annealed_optimum(subject, n, seed):
    s, scale = normal_scores(seed, DRAWS, n), subject.optimum(math.log(n))
    alphas = scale * 2.0 ** ((torch.arange(-16, 16, dtype=torch.float64) + 0.5) / 4)  # alpha* is half-way between two of them
    best = subject.best_scale(s, alphas)
    sizes, rounding = half_l1_norms(s, alphas)
    # A subject compares alpha (1 - sum p_i^2) with an error of at most alpha u (8 |x| + 3 n + 13), x the widest logit: a weight is
    # off by (2 |x| + 2) u, their sum by n u more, the quotient by u, all of it twice in p_i^2 (+ 1); sum (n), difference, product.
    logits = alphas[-1] * (s.amax(-1) - s.amin(-1))
    own = 2.0**-53 * alphas[-1] * (8 * logits + 3 * n + 13)
    taken = torch.where(best[:, None] == alphas, sizes, -torch.inf).amax(-1)  # -inf: not on the grid
    wrong = ~(sizes.amax(-1) - taken <= 2 * (own + rounding))
    require(
        not wrong.any(),
        f"n = {n}: in {int(wrong.sum())} of {DRAWS} draws the scale is not on the grid or has no largest gradient, "
        f"like {float(best[wrong.byte().argmax()]):.6g} in draw {int(wrong.byte().argmax())}",
        comparisons=DRAWS,
        arithmetic="float64",
        strength=Strength.BUDGET,
    )
    measured("median of the best scale / sqrt(log n)", float(best.median()) / math.sqrt(math.log(n)))
    for what, these in (("below alpha*", best < scale), ("at the far end", best == alphas[-1])):
        measured(f"share of draws with their largest gradient {what}", float(these.double().mean()))
        proportion_at_most(f"P(largest gradient {what}), {DRAWS} draws", int(these.sum()), DRAWS, 0.25)
