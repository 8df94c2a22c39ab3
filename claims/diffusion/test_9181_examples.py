"""Talks on diffusion models (4), its examples of sigma (post 9181): DDPM's, its multiples, and beta.

Identities that have to hold at all levels are decided on exact numbers, what belongs to a schedule in ball arithmetic.
"""

from fractions import Fraction
from functools import cache

import numpy as np
import torch
from hypothesis import example, given

from claims import Finding, Kind, claim, counterexample, subjects, variant
from claims.diffusion.test_9181_ddim import FLOAT64, LAW, POST, TINY, mean_of_sigma_zero, pythagorean, with_root, with_step
from impls.diffusion import ddim, ddpm, enlarged_noise
from oracles import ddim as truth
from oracles import schedules
from oracles.ball import balls, rounded
from oracles.budget import Bound
from oracles.ddim import admitting, check_law, read, same_law
from oracles.evidence import Strength, Unsettled, equal, measured, require
from oracles.figure import Figure
from oracles.gaussian import Gaussian, posterior
from oracles.identity import below, vanishes
from oracles.surd import POINTS, exact, same
from strategies.diffusion.levels import preserving
from strategies.diffusion.steps import SECOND_EXAMPLES, SecondExample, second_examples, shares
from strategies.tensors import dyadic


def ddpm_by_conditioning(at):
    """(gain on x_t, variance) of x_prev given x_t and x_0, from the joint Gaussian of the Markov chain about its means."""
    nothing, alpha = exact([0]), at.abar_t / at.abar_prev
    later = Gaussian(nothing, (alpha * at.bbar_prev, (1 - alpha**2) ** 0.5))
    return posterior(Gaussian(nothing, (at.bbar_prev, nothing)), later)


def with_sigma(sigma):
    """DDPM's posterior with another deviation, sigma(alpha, beta, bbar_t, bbar_prev)."""

    def deviation(abar_t, bbar_t, abar_prev, bbar_prev):
        return sigma(abar_t / abar_prev, ddpm.step_deviation(abar_t, abar_prev), bbar_t, bbar_prev)

    return variant(ddpm, posterior=lambda *levels: (*ddpm.posterior(*levels)[:2], deviation(*levels)))


def with_weights(kappa=None, lambda_t=None):
    """DDPM's posterior with another kappa(alpha, beta, bbar_t, bbar_prev), or another lambda(abar_prev, beta, bbar_t)."""

    def posterior(abar_t, bbar_t, abar_prev, bbar_prev):
        right, beta = ddpm.posterior(abar_t, bbar_t, abar_prev, bbar_prev), ddpm.step_deviation(abar_t, abar_prev)
        return (
            kappa(abar_t / abar_prev, beta, bbar_t, bbar_prev) if kappa else right[0],
            lambda_t(abar_prev, beta, bbar_t) if lambda_t else right[1],
            right[2],
        )

    return variant(ddpm, posterior=posterior)


def with_weight_of_noise(weight):
    """DDPM's step with another weight(beta, bbar_t, bbar_prev) of eps."""

    def step(x_t, eps, z, abar_t, bbar_t, abar_prev, bbar_prev, sigma):
        return (x_t - weight(ddpm.step_deviation(abar_t, abar_prev), bbar_t, bbar_prev) * eps) / (abar_t / abar_prev) + sigma * z

    return variant(ddpm, step=step)


def member_with(step):
    return variant(ddpm, member=lambda *given: step(*given, ddim.posterior_deviation(*given[3:])))


@claim(
    POST,
    "eta-one-is-ddpm-posterior",
    section="Some examples",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    effort=0.05,
    says=r"With $\sigma_t = \bar\beta_{t-1} \beta_t / \bar\beta_t$ the kernel is the posterior of DDPM's chain $x_t = \alpha_t x_{t-1} + "
    r"\beta_t \varepsilon_t$, and the step $\frac{1}{\alpha_t} \big(x_t - \frac{\beta_t^2}{\bar\beta_t} \epsilon\big) + \sigma_t z$.",
    scope=r"$\beta_t^2 = 1 - \alpha_t^2$, which needs $\bar\alpha_t^2 + \bar\beta_t^2 = 1$.",
    found=r"Certified on exact numbers, with $\kappa_t = \alpha_t \bar\beta_{t-1}^2 / \bar\beta_t^2$ and $\lambda_t = \bar\alpha_{t-1} "
    r"\beta_t^2 / \bar\beta_t^2$; the first step, $\kappa_1 = 0$, $\lambda_1 = 1$, $\sigma_1 = 0$, is included.",
    limits="Amplitudes at which both deviations are rational, which are dense. For rounding see eps-form-equals-x0-form and subsequence-step-uses-bar-quantities.",
    if_fails=r"$\bar\beta_t$ and $\bar\beta_{t-1}$ are exchanged, or a square is missing",
    zh=dict(
        says=r"取 $\sigma_t = \bar\beta_{t-1} \beta_t / \bar\beta_t$，该核就是 DDPM 的链 $x_t = \alpha_t x_{t-1} + \beta_t \varepsilon_t$ "
        r"的后验，采样步为 $\frac{1}{\alpha_t} \big(x_t - \frac{\beta_t^2}{\bar\beta_t} \epsilon\big) + \sigma_t z$。",
        scope=r"$\beta_t^2 = 1 - \alpha_t^2$，这需要 $\bar\alpha_t^2 + \bar\beta_t^2 = 1$。",
        found=r"已用精确运算验证（误判概率有界），其中 $\kappa_t = \alpha_t \bar\beta_{t-1}^2 / \bar\beta_t^2$，"
        r"$\lambda_t = \bar\alpha_{t-1} \beta_t^2 / \bar\beta_t^2$；第一步即 $\kappa_1 = 0$、$\lambda_1 = 1$、$\sigma_1 = 0$ "
        "也包括在内。",
        limits=r"只取使两个标准差都是有理数的 $\bar\alpha$，它们是稠密的。舍入误差见 eps-form-equals-x0-form 与 subsequence-step-uses-bar-quantities。",
        if_fails=r"$\bar\beta_t$ 与 $\bar\beta_{t-1}$ 互换了，或漏了一个平方",
        names=LAW | {"kappa": r"$\kappa_t$", "lambda": r"$\lambda_t$", "deviation of the posterior": "后验的标准差"},
    ),
)
@subjects(
    ddpm,
    sigma_is_beta=with_sigma(lambda alpha, beta, *_: beta),
    deviations_swapped_in_sigma=with_sigma(lambda alpha, beta, bbar_t, bbar_prev: bbar_t * beta / (bbar_prev + (bbar_prev == 0))),
    sigma_of_the_other_sign=with_sigma(lambda alpha, beta, bbar_t, bbar_prev: -bbar_prev * beta / bbar_t),
    sigma_without_beta=with_sigma(lambda alpha, beta, bbar_t, bbar_prev: bbar_prev / bbar_t),
    deviations_not_squared_in_kappa=with_weights(kappa=lambda alpha, beta, bbar_t, bbar_prev: alpha * bbar_prev / bbar_t),
    alpha_dropped_in_kappa=with_weights(kappa=lambda alpha, beta, bbar_t, bbar_prev: bbar_prev**2 / bbar_t**2),
    beta_not_squared_in_lambda=with_weights(lambda_t=lambda abar_prev, beta, bbar_t: abar_prev * beta / bbar_t),
    beta_not_squared_in_the_step=with_weight_of_noise(lambda beta, bbar_t, _: beta / bbar_t),
    deviation_of_the_step_before=with_weight_of_noise(lambda beta, bbar_t, bbar_prev: beta**2 / (bbar_prev + (bbar_prev == 0))),
    half_the_weight=with_weight_of_noise(lambda beta, bbar_t, _: beta**2 / (2 * bbar_t)),
    member_with_the_mean_of_sigma_zero=member_with(mean_of_sigma_zero),
    member_without_noise=member_with(lambda *given: ddim.step(*given[:-1], 0 * given[-1])),
    member_off_in_digit_20=member_with(lambda *given: ddim.step(*given[:-1], given[-1] - TINY * given[-1])),
)
@given(at=preserving())
def test_ddpm_is_a_member_of_the_family(subject, at):
    gain, variance = ddpm_by_conditioning(at)
    kappa, lambda_t, sigma = subject.posterior(*at.levels)
    same("kappa", kappa, gain)
    same("lambda", lambda_t, at.abar_prev - gain * at.abar_t)
    same("deviation of the posterior", sigma, variance**0.5)
    for step, given_levels in ((subject.step, (*at.levels, sigma)), (admitting(subject.member), at.levels)):
        same_law(read(step, at.state, *given_levels), *at.levels, variance**0.5, gain * at.bbar_t)


@cache
def multiples_of_ddpm():
    """abar and bbar (t, schedule, 1) at T = 1000 in float64, eta, and eta times DDPM's deviation, with its error budget."""
    abar = np.stack([schedules.amplitudes(name, 1000) for name in schedules.NAMES], 1)[:, :, None]
    bbar = schedules.deviations(abar)
    beta, eta = schedules.step_deviations(abar), torch.tensor([0, 0.5, 1], dtype=torch.float64)
    sigma = eta * rounded(bbar[:-1] * beta / bbar[1:])
    # S of oracles/budget.py: with sigma ~ sqrt(1 - alpha^2) bbar_prev eta / bbar_t each amplitude counts alpha^2 / beta^2, the
    # other three factors and sigma itself 1 each, and 2 alpha^2 / beta^2 + 4 <= 4 / beta^2. Stored: the levels, alpha, its
    # square, the difference, the root, the ratio and two products.
    return rounded(abar), rounded(bbar), eta, Bound(sigma, 4 * sigma / rounded(beta) ** 2, roundings=8)


@cache
def largest_eta(name):
    """Up to which eta every step t >= 2 of the schedule at T = 1000 is admissible, and the t that sets it."""
    abar = schedules.amplitudes(name, 1000)
    bounds = rounded(schedules.deviations(abar)[2:] / schedules.step_deviations(abar)[1:])
    return float(bounds.min()), int(bounds.argmin()) + 2


def sigma_by(sigma):
    """The jump with another deviation, sigma(eta, abar_t, bbar_t, abar_prev, bbar_prev)."""

    def jump(x_t, eps, z, abar, bbar, now, then, eta):
        levels = abar[now], bbar[now], abar[then], bbar[then]
        return ddim.step(x_t, eps, z, *levels, sigma(eta, *levels))

    return variant(ddim, jump=jump)


def jump_if(admissible):
    """The jump with another test, admissible(eta, sigma, bbar_prev), and a number where the root does not exist."""

    def jump(x_t, eps, z, abar, bbar, now, then, eta):
        levels = abar[now], bbar[now], abar[then], bbar[then]
        sigma = eta * ddim.posterior_deviation(*levels)
        if not torch.as_tensor(admissible(eta, sigma, levels[-1])).all():
            raise ValueError("eta too large")
        return with_root(lambda bbar_prev, sigma, *_: abs(bbar_prev**2 - sigma**2) ** 0.5)(x_t, eps, z, *levels, sigma)

    return variant(ddim, jump=jump)


@claim(
    POST,
    "eta-family-always-admissible",
    section="Some examples",
    kind=Kind.INEQUALITY,
    finding=Finding.HOLDS,
    effort=0.03,
    says=r"$\sigma_t = \eta\, \bar\beta_{t-1} \beta_t / \bar\beta_t$ with $\eta \in [0, 1]$ is a legitimate choice at every step.",
    scope=r"$\bar\alpha_t^2 + \bar\beta_t^2 = 1$.",
    found=r"Certified on exact numbers: at $\eta = 1$ the root is $\alpha_t \bar\beta_{t-1}^2 / \bar\beta_t \ge 0$. The largest admissible "
    r"$\eta$ is exactly $\bar\beta_t / \beta_t > 1$ for $t \ge 2$, and at $t = 1$ every $\eta$ gives $\sigma_1 = 0$. For a chain of 1000 "
    r"steps $\eta$ may go up to 1.2247 on the post's schedule, 1.3542 on the linear, 1.4120 on the scaled-linear, 1.1547 on the "
    r"exponential one ($t = 2$ decides on all four), but only to 1.0005 on the cosine one ($t = 1000$ decides).",
    limits="In float64 five schedules of 1000 steps are looked at.",
    if_fails=r"$\eta$ multiplies a variance, or $\beta_t$ stands for the deviation of DDPM's posterior",
    zh=dict(
        says=r"每一步都可取 $\sigma_t = \eta\, \bar\beta_{t-1} \beta_t / \bar\beta_t$，其中 $\eta \in [0, 1]$。",
        scope=r"方差保持：$\bar\alpha_t^2 + \bar\beta_t^2 = 1$。",
        found=r"已用精确运算验证（误判概率有界）：$\eta = 1$ 时根式等于 $\alpha_t \bar\beta_{t-1}^2 / \bar\beta_t \ge 0$。当 $t \ge 2$ 时，允许的最大 "
        r"$\eta$ 恰为 $\bar\beta_t / \beta_t > 1$；当 $t = 1$ 时，任何 $\eta$ 都给出 $\sigma_1 = 0$。对 1000 步的链，$\eta$ "
        "在文中的噪声调度上最大可取 1.2247，在 linear 噪声调度上为 1.3542，在 scaled-linear 噪声调度上为 1.4120，在指数噪声调度上为 "
        "1.1547（以上四者均由 $t = 2$ 决定），而在 cosine 噪声调度上只到 1.0005（由 $t = 1000$ 决定）。",
        limits="float64 部分只看五个 1000 步的噪声调度。",
        if_fails=r"$\eta$ 乘在了方差上，或把 $\beta_t$ 当成了 DDPM 后验的标准差",
        names=LAW
        | {
            "square of the largest eta": r"最大 $\eta$ 的平方",
            "square of the root at eta = #": r"根式的平方（$\eta = #$）",
            "noise by t - #, schedule and eta at [#, #, #]": r"注入的噪声（依次按 $t$ - #、噪声调度、$\eta$），位置 [#, #, #]",
            "largest eta on the post schedule, set by t = #": r"文中噪声调度上最大的 $\eta$，由 $t = #$ 决定",
            "largest eta on the linear schedule, set by t = #": r"linear 噪声调度上最大的 $\eta$，由 $t = #$ 决定",
            "largest eta on the scaled-linear schedule, set by t = #": r"scaled-linear 噪声调度上最大的 $\eta$，由 $t = #$ 决定",
            "largest eta on the cosine schedule, set by t = #": r"cosine 噪声调度上最大的 $\eta$，由 $t = #$ 决定",
            "largest eta on the exp# schedule, set by t = #": r"exp# 噪声调度上最大的 $\eta$，由 $t = #$ 决定",
        },
    ),
)
@subjects(
    ddim,
    eta_scales_the_variance=sigma_by(lambda eta, *levels: eta**0.5 * ddim.posterior_deviation(*levels)),
    eta_scales_beta=sigma_by(lambda eta, abar_t, bbar_t, abar_prev, _: eta * ddpm.step_deviation(abar_t, abar_prev)),
    eta_ignored=sigma_by(lambda eta, *levels: ddim.posterior_deviation(*levels)),
    ratio_of_deviations_dropped=sigma_by(
        lambda eta, abar_t, bbar_t, abar_prev, bbar_prev: eta * bbar_prev * ddpm.step_deviation(abar_t, abar_prev)
    ),
    at_most_one=jump_if(lambda eta, sigma, bbar_prev: eta <= 1),
    no_bound=jump_if(lambda eta, sigma, bbar_prev: True),
    bound_strict=jump_if(lambda eta, sigma, bbar_prev: (sigma < bbar_prev) | (bbar_prev == 0)),
    bound_with_a_tolerance=jump_if(lambda eta, sigma, bbar_prev: sigma - bbar_prev <= TINY * bbar_prev),
)
@given(at=preserving())
def test_every_multiple_of_ddpm_is_admissible(subject, at):
    jump, now = admitting(subject.jump), torch.arange(1, 1001)
    abar, bbar, eta, sigma = multiples_of_ddpm()
    z = torch.ones_like(sigma.truth)
    FLOAT64.hold("noise by t - 1, schedule and eta", jump, (0 * z, 0 * z, z, abar, bbar, now, now - 1, eta), sigma)
    for name in schedules.NAMES:
        measured("largest eta on the {} schedule, set by t = {}".format(name, *largest_eta(name)[1:]), largest_eta(name)[0])

    def between(case, eta, jump=jump):
        levels = np.stack([case.abar_prev, case.abar_t]), np.stack([case.bbar_prev, case.bbar_t])
        return read(jump, case.state, *levels, 1, 0, eta)

    first, later = at.where(at.bbar_prev == 0), at.where(at.bbar_prev != 0)
    gain, variance = ddpm_by_conditioning(later)
    largest = later.bbar_prev / variance**0.5
    same("square of the largest eta", largest**2, later.bbar_t**2 / (1 - (later.abar_t / later.abar_prev) ** 2))
    same("square of the root at eta = 1", later.bbar_prev**2 - variance, (gain * later.bbar_t) ** 2)
    # Any eta from 0 to the largest, both included (members 4 and 5), and a large one in the first step.
    same_law(between(later, later.sigma / variance**0.5), *later.levels, later.sigma, later.kept)
    same_law(between(first, 10), *first.levels, 0 * first.sigma, 0 * first.kept)
    for i in range(POINTS):
        beyond = later.where(np.arange(len(largest)) == i)
        try:
            affine = between(beyond, largest[i : i + 1] * (1 + Fraction(1, 2**100)), subject.jump)
        except ValueError:
            require(True, "refused")
        else:  # it may reduce sigma instead
            same_law(affine, *beyond.levels, beyond.bbar_prev, 0 * beyond.kept)


unguarded = with_root(pythagorean)


def refusing(beyond):
    """The step with another test of the bound, beyond(abar_t, bbar_t, abar_prev, bbar_prev, sigma)."""

    def step(*given):
        if beyond(*given[3:]).any():
            raise ValueError("sigma too large")
        return unguarded(*given)

    return with_step(step)


def negative(margin):
    """The t at which margin_1, margin_2, .. is below zero, each decided by a ball."""
    if undecided := [t for t, ball in enumerate(margin, start=1) if ball.contains(0)]:
        raise Unsettled(f"which of the two is larger is not decided at t = {undecided}")
    return [t for t, ball in enumerate(margin, start=1) if ball < 0]


@cache
def second_example(name, T, stride):
    """abar, bbar, beta as balls, and the t at which beta_t > bbar_{t-1}: by these deviations, and by the amplitudes."""
    abar = schedules.amplitudes(name, T, stride)
    bbar, beta = schedules.deviations(abar), schedules.step_deviations(abar)
    return abar, bbar, beta, negative(bbar[:-1] ** 2 - beta**2), negative(abar[1:] - abar[:-1] ** 2)


def some_of(inside, picked):
    """Steps next to the bound, the last ones, and some between by the drawn shares: all of them would cost a second."""
    return sorted({*inside[:4], *inside[-2:], *(inside[round(float(share) * (len(inside) - 1))] for share in picked)})


def too_large_by_the_finding(case):
    """The steps at which `found` says that beta_t is too large."""
    if case.schedule == "cosine":
        return {1: [1, 2], 10: [1, 2, 100], 50: [1, 2, 3, 20], 100: [1, 2, 3, 10]}[case.stride]
    early = case.schedule == "scaled-linear" or (case.schedule == "linear" and case.stride == 1)
    return [1, 2] if early else [1, 2, 3]


@claim(
    POST,
    "sigma-must-not-exceed-previous-beta-bar",
    section="Some examples",
    kind=Kind.INEQUALITY,
    finding=Finding.HOLDS_IN_SCOPE,
    effort=0.4,
    says=r"In principle there are hardly any constraints on $\sigma_t$; the second example is $\sigma_t = \beta_t$.",
    scope="The post states none.",
    found=r"The root needs $0 \le \sigma_t \le \bar\beta_{t-1}$. The second example satisfies it exactly where $\bar\alpha_t \ge "
    r"\bar\alpha_{t-1}^2$: never at $t = 1$, nor at $t = 2$ on the five schedules here, whose $\alpha_2 < \alpha_1$, nor at the third step "
    r"on the post's and the exponential schedule, on the thinned-out linear one and on the cosine one with every 50th or 100th step, and "
    r"not at the last step of thinned-out cosine schedules. There a step must refuse, or take the nearest $\sigma_t$ "
    r"that is admissible.",
    limits="Five schedules with variance preserved, dense or every 10th, 50th, 100th step; float64 levels. Where an excess of one unit in "
    "the last place leads to a number, it is too small to tell.",
    if_fails="the bound is tested against the deviation at $t$, or in too low a precision",
    zh=dict(
        says=r"原则上对 $\sigma_t$ 没有太多约束；第二个例子取 $\sigma_t = \beta_t$。",
        scope="文中没有说明适用范围。",
        found=r"根式要求 $0 \le \sigma_t \le \bar\beta_{t-1}$。第二个例子恰在 $\bar\alpha_t \ge \bar\alpha_{t-1}^2$ 时满足它：$t = 1$ "
        r"时从不满足；这里的五个噪声调度都有 $\alpha_2 < \alpha_1$，因而 $t = 2$ 时也不满足；文中的噪声调度与指数噪声调度、抽稀后的 linear "
        r"噪声调度、每隔 50 或 100 步取一步的 cosine 噪声调度在第三步也不满足，抽稀后的 cosine 噪声调度在最后一步也不满足。在这些地方，采样步必须拒绝执行，或改取最近的允许的 $\sigma_t$。",
        limits="五个保持方差的噪声调度，完整的，或每隔 10、50、100 步取一步；噪声水平为 float64。如果只超出一个末位单位而仍能算出一个数，"
        "这点超出小到无法分辨。",
        if_fails="用来检验的上界是 $t$ 时刻的标准差，或检验的精度太低",
        names={
            "step with sigma = beta_t at [#]": r"取 $\sigma_t = \beta_t$ 的采样步，位置 [#]",
            "step with sigma = its largest value at [#]": r"$\sigma_t$ 取最大值的采样步，位置 [#]",
            "steps at which beta_t is too large": r"$\beta_t$ 过大的步数",
        },
    ),
)
@subjects(
    ddim,
    bound_at_the_later_time=refusing(lambda abar_t, bbar_t, abar_prev, bbar_prev, sigma: sigma > bbar_t),
    bound_evaluated_in_float32=refusing(lambda abar_t, bbar_t, abar, bbar, sigma: sigma.float() ** 2 > 1 - abar.float() ** 2),
    bound_with_a_tolerance=refusing(lambda *given: (given[-1] > given[-2] * (1 + 1e-9)) | (given[-1] < 0)),
    bound_of_the_squares=refusing(lambda *given: given[-1] ** 2 > given[-2] ** 2),
    one_admissible_entry_is_enough=refusing(lambda *given: (given[-1] > given[-2]).all() | (given[-1] < 0)),
    no_bound=with_step(unguarded),
    root_clamped_at_zero=with_step(with_root(lambda bbar_prev, sigma, *_: (bbar_prev**2 - sigma**2).clamp(min=0) ** 0.5)),
    bound_strict=refusing(lambda abar_t, bbar_t, abar_prev, bbar_prev, sigma: sigma >= bbar_prev),
    accepts_only_the_posterior=refusing(lambda *given: given[-1] > ddim.posterior_deviation(*given[:-1])),
)
@counterexample(
    r"at the third of 1000 steps $\bar\beta_2^2 - \beta_3^2 = -8 \cdot 10^{-10}$, so $\sigma_3 = \beta_3$ leaves no root",
    r"在 1000 步的第三步，$\bar\beta_2^2 - \beta_3^2 = -8 \cdot 10^{-10}$，所以取 $\sigma_3 = \beta_3$ 时根式不存在",
    case=SecondExample("post", 1000, steps=(3,)),
    state=torch.ones(3, dtype=torch.float64),
    picked=torch.zeros(1, dtype=torch.float64),
)
@given(case=second_examples(), state=dyadic(3), picked=shares(8))
def test_sigma_is_bounded_by_the_previous_deviation(subject, case, state, picked):
    for every in SECOND_EXAMPLES:
        *levels, outside, by_amplitudes = second_example(every.schedule, every.T, every.stride)
        equal(outside, by_amplitudes, f"steps at which beta_t is too large, by the amplitudes, in {every}")
        equal(outside, too_large_by_the_finding(every), f"steps at which beta_t is too large, by the finding, in {every}")
    *levels, outside, _ = second_example(case.schedule, case.T, case.stride)
    measured("steps at which beta_t is too large", len(outside))
    looked_at = list(case.steps) or some_of([t for t in range(1, len(levels[0])) if t not in outside], picked)
    abar, bbar, beta = map(rounded, levels)

    def arguments(times, sigma):
        t = torch.tensor(times)
        return *(entry.expand(len(times)) for entry in state), abar[t], bbar[t], abar[t - 1], bbar[t - 1], sigma[t - 1]

    def nearest_admissible(*given):
        return truth.step(*given[:-1], given[-1].clamp(min=0).minimum(given[-2]))

    step = admitting(subject.step)
    for name, sigma in (("beta_t", beta), ("its largest value", bbar)):
        chosen = arguments(looked_at, sigma)
        FLOAT64.hold(f"step with sigma = {name}", step, chosen, nearest_admissible(*chosen))
    next_larger = torch.nextafter(bbar, bbar + 1)  # `arguments` takes sigma by t - 1, as the levels there
    inadmissible = [("beta_t", [t], beta) for t in outside] + [("the bound + 1 ulp", [t], next_larger) for t in looked_at[:2]]
    inadmissible += [("-bbar_prev", looked_at, -bbar), ("-bbar_prev / 10^9", looked_at, -bbar / 10**9)]
    inadmissible += [("beta_t, admissible for all but one", [*looked_at, outside[0]], beta)]
    for name, times, sigma in inadmissible:
        chosen = arguments(times, sigma)
        try:
            subject.step(*chosen)
        except ValueError:
            require(True, "refused", arithmetic="float64", strength=Strength.BUDGET)
        else:
            FLOAT64.hold(f"step with sigma = {name}, t = {times}", subject.step, chosen, nearest_admissible(*chosen))


def with_both(step):
    """Where the statement is true: one and the same step(x_t, eps, z, *levels) in the family and in the experiments."""
    return variant(enlarged_noise, in_the_family=step, in_the_experiments=step)


def admissible(case, picked):
    """abar_t, bbar_t, abar_prev, bbar_prev and beta as balls at some steps of the case at which beta_t is admissible."""
    abar, bbar, beta, outside, _ = second_example(case.schedule, case.T, case.stride)
    t = np.array(case.steps or some_of([t for t in range(1, len(abar)) if t not in outside], picked))
    return abar[t], bbar[t], abar[t - 1], bbar[t - 1], beta[t - 1]


@claim(
    POST,
    "sigma-equals-beta-is-two-different-samplers",
    section="Some examples",
    kind=Kind.IDENTITY,
    finding=Finding.REFUTED,
    effort=0.3,
    says=r"The second example, $\sigma_t = \beta_t$ in the family, is the sampler that does well in DDIM's experiments under DDPM's "
    r"standard settings.",
    scope="DDPM's standard settings: 1000 steps.",
    found=r"By its appendix D.3, DDIM's experiments add noise of deviation $\beta_t$ to the mean that belongs to $\eta = 1$. That is "
    r"another kernel: the weights of $x_t$ and of the noise agree, that of $\epsilon$ differs at every step.",
    limits="Which sampler the experiments ran is read in the paper, not checked; nor is how well it does. For the family's member the "
    "paper reports nothing.",
    if_fails=r"both kernels have the mean that belongs to one $\sigma_t$",
    corrected=r"The sampler in the experiments keeps DDPM's mean and is outside the family: each step adds $\bar\alpha_{t-1}^2 \beta_t^4 / "
    r"\bar\beta_t^2$ to the variance given $x_0$, while data $\mathcal N(0, 1)$ keep theirs.",
    corrected_by="enlarged-noise-leaves-the-family",
    zh=dict(
        says=r"第二个例子，即该族中 $\sigma_t = \beta_t$ 的成员，就是 DDIM 的实验中在 DDPM 标准设置下表现良好的采样器。",
        scope="DDPM 的标准设置：1000 步。",
        found=r"据 DDIM 论文附录 D.3，其实验是在 $\eta = 1$ 所对应的均值上加标准差为 $\beta_t$ 的噪声。那是另一个核：$x_t$ "
        r"与噪声的系数相同，$\epsilon$ 的系数则在每一步都不同。",
        limits="实验用的是哪一个采样器，是从论文中读出的，未作检验；它的效果如何也未检验。对于该族的成员，论文没有报告任何结果。",
        if_fails=r"两个核的均值都对应于同一个 $\sigma_t$",
        corrected="实验中的采样器沿用 DDPM 的均值，不属于该族：每一步使给定 $x_0$ 的方差多出 "
        r"$\bar\alpha_{t-1}^2 \beta_t^4 / \bar\beta_t^2$，而数据 $\mathcal N(0, 1)$ 的方差不变。",
    ),
)
@subjects(
    enlarged_noise,
    member_of_the_family_in_both=with_both(enlarged_noise.in_the_family),
    mean_of_ddpm_in_both=with_both(enlarged_noise.in_the_experiments),
    ddpm_in_both=variant(
        enlarged_noise,
        in_the_family=ddpm.member,
        in_the_experiments=lambda x_t, eps, z, *levels: ddpm.step(x_t, eps, z, *levels, ddpm.posterior(*levels)[-1]),
    ),
)
@counterexample(
    r"at the fourth of 1000 steps of the post's schedule, the first at which $\beta_t$ is admissible",
    r"在文中噪声调度的 1000 步的第四步，即第一个允许 $\beta_t$ 的步",
    case=SecondExample("post", 1000, steps=(4,)),
    state=torch.ones(3, 1, dtype=torch.float64),
    picked=torch.zeros(1, dtype=torch.float64),
)
@given(case=second_examples(), state=dyadic(3, 1), picked=shares(4))
def test_sigma_equal_to_beta_is_one_sampler(subject, case, state, picked):
    *levels, _ = admissible(case, picked)
    at = tuple(np.resize(entry, len(levels[0])) for entry in map(balls, state))
    ours, theirs = (read(step, at, *levels) for step in (admitting(subject.in_the_family), subject.in_the_experiments))
    for name, one, other in zip(("x_t", "epsilon", "the noise"), ours.coefficients, theirs.coefficients, strict=True):
        vanishes(f"weight of {name} in the family minus in the experiments", one - other, 1 + levels[2] / levels[0])


def family_where_it_exists(*given):
    """The family's member with sigma = beta, and DDPM's mean only at the steps where the family has none."""

    def root(bbar_prev, sigma, alpha, bbar_t):
        return np.where(sigma <= bbar_prev, abs(bbar_prev**2 - sigma**2) ** 0.5, alpha * bbar_prev**2 / bbar_t)

    return with_root(root)(*given, ddpm.step_deviation(given[3], given[5]))


ENLARGED = Figure(
    title="Noise of deviation beta with DDPM's mean: relative excess of the variance given the data over the marginal's, on the post's schedule",
    x="step $t$ of 1000",
    y=r"$\mathrm{Var}(x_t|x_0) / \bar\beta_t^2 - 1$",
    log="xy",
)


def on_unit_data(affine, bbar_t):
    """Var(x_prev) of one step from x_t ~ N(0, 1), data N(0, 1), whose exact predictor is bbar_t x_t."""
    A_x, A_e, A_n = affine.coefficients
    return (A_x + A_e * bbar_t) ** 2 + A_n**2


def accumulated(affine, bbar, beta):
    """Var(x_t | x_0) / bbar_t^2 for t = 1..T-1 along the chain with the true noise, from the marginal at T."""
    A_x, A_e, _ = affine.coefficients
    kappa, variance, ratios = A_x + A_e / bbar[1:], bbar[-1] ** 2, []
    for t in range(len(kappa) - 1, 0, -1):
        variance = kappa[t] ** 2 * variance + beta[t] ** 2
        ratios.append(variance / bbar[t] ** 2)
    return ratios[::-1]


@claim(
    POST,
    "enlarged-noise-leaves-the-family",
    part_of="sigma-equals-beta-is-two-different-samplers",
    section="Some examples",
    ours=True,
    kind=Kind.DISTRIBUTION,
    finding=Finding.HOLDS,
    effort=0.15,
    says=r"DDPM's mean with noise of deviation $\beta_t$ is outside the family: a step adds $\bar\alpha_{t-1}^2 \beta_t^4 / "
    r"\bar\beta_t^2$ to the variance given $x_0$, while data $\mathcal N(0, 1)$ keep theirs.",
    scope=r"$\bar\alpha_t^2 + \bar\beta_t^2 = 1$, the exact predictor.",
    found=r"Holds to 50 digits on five schedules. On the post's 1000 steps the step to $t = 1$ leaves 2.33 times the variance of the "
    r"marginal, the whole chain 2.58; at $t = 500$ the chain makes 1.0005. The step to $t = 0$ leaves the variance $\beta_1^2$ around the "
    r"data. The family's member with $\sigma_t = \beta_t$ keeps the marginals given $x_0$ wherever it exists, and loses variance on "
    r"$\mathcal N(0, 1)$ instead.",
    limits="The chain's variance is computed with the true noise of its $x_0$, not with a predictor.",
    if_fails="the mean and the noise of the two samplers are mixed up",
    zh=dict(
        says=r"DDPM 的均值加上标准差为 $\beta_t$ 的噪声不属于该族：给定 $x_0$ 时一步使方差多出 "
        r"$\bar\alpha_{t-1}^2 \beta_t^4 / \bar\beta_t^2$，而数据 $\mathcal N(0, 1)$ 的方差不变。",
        scope=r"$\bar\alpha_t^2 + \bar\beta_t^2 = 1$，且预测器精确。",
        found="在五个噪声调度上以 50 位精度成立。在文中的 1000 步上，走到 $t = 1$ 的那一步使方差变为边缘分布的 2.33 倍，整条链则变为 2.58 "
        r"倍；在 $t = 500$ 处，整条链给出 1.0005 倍。走到 $t = 0$ 的那一步在数据周围留下方差 $\beta_1^2$。该族中 "
        r"$\sigma_t = \beta_t$ 的成员，凡存在之处都保持给定 $x_0$ 的边缘分布，但会在 $\mathcal N(0, 1)$ 上损失方差。",
        limits="整条链的方差是用其 $x_0$ 的真实噪声、而不是用预测器计算的。",
        if_fails="把两个采样器的均值与噪声弄混了",
        names={
            "smallest variance of N(#, #) after a step of the family": "N(#, #) 经该族的一步之后的最小方差",
            "Var(x_# | x_#) / bbar_#^# after one step": "Var(x_# | x_#) / bbar_#^#，一步之后",
            "Var(x_# | x_#) / bbar_#^# after the whole chain": "Var(x_# | x_#) / bbar_#^#，整条链之后",
            ENLARGED.title: "以 DDPM 的均值加标准差为 beta 的噪声：给定数据时的方差相对于边缘分布方差的超出比例（文中的噪声调度）",
            "step $t$ of #": "第 $t$ 步（共 # 步）",
            r"$\mathrm{Var}(x_t|x_#) / \bar\beta_t^# - #$": "Var(x_t | x_#) / bbar_t^# - #",
            "one step": "一步",
            "whole chain": "整条链",
        },
    ),
)
@subjects(
    enlarged_noise,
    samplers_exchanged=variant(
        enlarged_noise, in_the_family=enlarged_noise.in_the_experiments, in_the_experiments=enlarged_noise.in_the_family
    ),
    family_in_both=with_both(enlarged_noise.in_the_family),
    family_where_it_exists_in_the_experiments=variant(enlarged_noise, in_the_experiments=family_where_it_exists),
    experiments_in_both=with_both(enlarged_noise.in_the_experiments),
    ddpm_in_the_experiments=variant(enlarged_noise, in_the_experiments=ddpm.member),
    mean_of_sigma_zero=variant(
        enlarged_noise, in_the_experiments=lambda *given: mean_of_sigma_zero(*given, ddpm.step_deviation(given[3], given[5]))
    ),
    nothing_added=variant(enlarged_noise, excess=lambda *levels: 0 * levels[0]),
    beta_squared_in_the_excess=variant(
        enlarged_noise, excess=lambda *levels: enlarged_noise.excess(*levels) ** 0.5 * levels[2] / levels[1]
    ),
    whole_noise_as_the_excess=variant(enlarged_noise, excess=lambda abar_t, _, abar_prev, __: ddpm.step_deviation(abar_t, abar_prev) ** 2),
)
@example(case=SecondExample("post", 1000), state=torch.ones(3, 1, dtype=torch.float64), picked=torch.zeros(1, dtype=torch.float64))
@given(case=second_examples(), state=dyadic(3, 1), picked=shares(4))
def test_enlarged_noise_is_outside_the_family(subject, case, state, picked):
    *levels, sigma = admissible(case, picked)
    at = lambda levels: tuple(np.resize(entry, len(levels[0])) for entry in map(balls, state))
    member = read(admitting(subject.in_the_family), at(levels), *levels)
    check_law(member, *levels, sigma)
    kept = on_unit_data(member, levels[1])
    below("variance of N(0, 1) after a step of the family", kept, 0 * kept + 1)
    measured("smallest variance of N(0, 1) after a step of the family", min(float(ball.mid()) for ball in kept))

    abar, bbar, beta, *_ = second_example(case.schedule, case.T, case.stride)
    every = case == SecondExample("post", 1000)
    t = np.arange(1, 1001) if every else np.array(some_of(range(1, len(abar)), picked))
    levels = abar[t], bbar[t], abar[t - 1], bbar[t - 1]
    reported = read(admitting(subject.in_the_experiments), at(levels), *levels)
    A_x, A_e, A_n = reported.coefficients
    kept = A_x * bbar[t] + A_e  # 0 at t = 1, where a ball's own square is not a number
    excess = kept * kept + A_n**2 - bbar[t - 1] ** 2
    size = A_x**2
    vanishes("mean given x_0 = 1", A_x * abar[t] - abar[t - 1], abar[t - 1])
    vanishes("deviation of the injected noise", A_n - beta[t - 1], 1)
    vanishes("variance of N(0, 1) after a step of the experiments", on_unit_data(reported, bbar[t]) - 1, size)
    below("nothing, and what a step adds to the variance", 0 * excess, excess)
    vanishes("what a step adds to the variance given x_0", excess - subject.excess(*levels), size)
    if every:
        one, chain = excess[1:] / bbar[1:1000] ** 2, accumulated(reported, bbar, beta)
        for t in (1, 2, 3, 10, 30, 100, 300, 500, 999):
            ENLARGED.point("one step", t, float(one[t - 1].mid()))
            ENLARGED.point("whole chain", t, float(chain[t - 1].mid()) - 1)
        for t in (1, 500):
            measured(f"Var(x_{t} | x_0) / bbar_{t}^2 after one step", 1 + float(one[t - 1].mid()))
            measured(f"Var(x_{t} | x_0) / bbar_{t}^2 after the whole chain", float(chain[t - 1].mid()))
