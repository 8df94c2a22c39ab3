"""Talks on diffusion models (4): DDIM = DDPM seen from above (post 9181).

A step is affine in the state, the predicted noise and the injected noise: it is read at zero and at the unit vectors, on
exact numbers, and Gaussians are pushed through it in closed form. Marginals alone do not fix it: they hold for every sigma,
for both signs of the root, and with the dense chain's sigma on a subsequence. So the deviation of the noise and the sign of
the root are compared too.
"""

from functools import cache, partial

import numpy as np
import torch
from hypothesis import given

from claims import Finding, Kind, Post, claim, subjects, variant
from impls.diffusion import ddim, forms, kernel, non_preserving
from oracles import ddim as truth
from oracles import schedules
from oracles.ball import rounded
from oracles.budget import Bound
from oracles.ddim import admitting, read, same_law
from oracles.evidence import equal, measured
from oracles.executors import FLOAT64
from oracles.figure import Figure
from oracles.gaussian import Affine, Gaussian, posterior
from oracles.surd import exact, same
from strategies.diffusion.levels import free, preserving
from strategies.diffusion.steps import steps

POST = Post(
    9181,
    date="2022-07-27",
    topic="diffusion",
    title="Talks on generative diffusion models (4): DDIM = DDPM seen from above",
    sections={
        "Undetermined coefficients": "待定系数",
        "Business as usual": "一如既往",
        "Some examples": "几个例子",
        "Accelerating generation": "加速生成",
        "Experimental results": "实验结果",
        "Differential equations": "微分方程",
    },
    stands=r"The family stands. Given the true $x_0$ its kernels keep the marginals exactly for all $0 \le \sigma_t \le \bar\beta_{t-1}$, "
    "a bound that the post omits; jumps along subsequences stand too, and DDPM is a member where "
    r"$\bar\alpha_t^2 + \bar\beta_t^2 = 1$. Even with the exact predictor, the estimate in the place of $x_0$ loses the variance "
    r"$\lambda_t^2\, \mathbb E[\mathrm{Var}(x_0|x_t)]$ in a step; $\bar\alpha_t = e^{-5 t^2/T^2}$ approximates DDPM's schedule at "
    r"$T = 1000$ only, with $\bar\alpha_T$ 3.9% too large. At $\sigma_t = 0$ a step is exactly Euler's method in "
    r"$\bar\beta/\bar\alpha$; the limit needs small steps of $\arccos\bar\alpha_t$, not just large $T$. Refuted are that DDPM's "
    r"iteration is Euler's method (its noise stays and its weight of $\epsilon$ tends to twice Euler's) and that DDIM's "
    r"experiments ran the family's $\sigma_t = \beta_t$ (they keep DDPM's mean, outside the family). What is said of images is not "
    "checked.",
    zh=dict(
        title="生成扩散模型漫谈（四）：DDIM = 高观点DDPM",
        stands=r"关于这一族采样器的结果成立：给定真实的 $x_0$，只要 $0 \le \sigma_t \le \bar\beta_{t-1}$（文中没有写出这一约束），"
        r"其核就严格保持边缘分布；沿子序列的跳步同样成立，而在 $\bar\alpha_t^2 + \bar\beta_t^2 = 1$ 时 DDPM 是其中一员。以估计代替 "
        r"$x_0$，即便预测器是精确的，一步也会损失方差 $\lambda_t^2\, \mathbb E[\mathrm{Var}(x_0|x_t)]$；"
        r"$\bar\alpha_t = e^{-5 t^2/T^2}$ 只在 $T = 1000$ 时近似 DDPM 的噪声调度，此时 $\bar\alpha_T$ 偏大 3.9%。取 $\sigma_t = 0$，"
        r"一步严格等于以 $\bar\beta/\bar\alpha$ 为变量的欧拉法；但要趋于微分方程，需要 $\arccos\bar\alpha_t$ 的每一步都小，"
        r"光有大的 $T$ 还不够。被推翻的说法，一是 DDPM 的迭代也是欧拉法，其实它的噪声不会消失，$\epsilon$ 的系数趋于欧拉法的两倍；"
        r"二是 DDIM 的实验用的是这一族中 $\sigma_t = \beta_t$ 的成员，其实那个采样器沿用 DDPM 的均值，不属于这一族。"
        "关于图像的说法未作检验。",
    ),
)
TINY = 10.0**-20  # relative errors of this size are nothing on executors: only the exact half of a check can see them
LAW = {  # the names of what `same_law` compares
    "mean given x_# = #": "给定 x_# = # 时的均值",
    "variance given x_#": "给定 x_# 时的方差",
    "deviation of the injected noise": "注入的噪声的标准差",
    "deviation of the kept noise": "保留的噪声的标准差",
}


def with_step(step):
    """The sampler with another single step, in the chain and in the jump too."""
    return variant(ddim, step=step, jump=partial(ddim.jump, step=step), flow=partial(ddim.flow, step=step))


def with_root(root, noise=lambda sigma: sigma):
    """The step with another weight of the noise in x_prev, root(bbar_prev, sigma, alpha, bbar_t), and another deviation of z."""

    def step(x_t, eps, z, abar_t, bbar_t, abar_prev, bbar_prev, sigma):
        alpha = abar_t / abar_prev
        return (x_t - (bbar_t - alpha * root(bbar_prev, sigma, alpha, bbar_t)) * eps) / alpha + noise(sigma) * z

    return step


def pythagorean(bbar_prev, sigma, *_):
    return (bbar_prev**2 - sigma**2) ** 0.5


def ddpm_mean(x_t, eps, z, abar_t, bbar_t, abar_prev, bbar_prev, sigma):
    alpha = abar_t / abar_prev
    return (x_t - (1 - alpha**2) / bbar_t * eps) / alpha + sigma * z


def leading_factor_dropped(x_t, eps, z, abar_t, bbar_t, abar_prev, bbar_prev, sigma):
    return abar_t / abar_prev * (ddim.step(x_t, eps, z, abar_t, bbar_t, abar_prev, bbar_prev, sigma) - sigma * z) + sigma * z


def mean_off_in_digit_20(x_t, eps, z, abar_t, bbar_t, *levels):
    return ddim.step(x_t, eps, z, abar_t, bbar_t, *levels) + TINY * (x_t - bbar_t * eps)


mean_of_sigma_zero = with_root(lambda bbar_prev, *_: bbar_prev)


@claim(
    POST,
    "ddim-kernel-preserves-conditional-marginal",
    section="Undetermined coefficients",
    kind=Kind.DISTRIBUTION,
    finding=Finding.HOLDS,
    headline=True,
    effort=0.3,
    says=r"With $\kappa_t = \sqrt{\bar\beta_{t-1}^2 - \sigma_t^2} / \bar\beta_t$ and $\lambda_t = \bar\alpha_{t-1} - \bar\alpha_t "
    r"\kappa_t$ the kernel $\mathcal N(\kappa_t x_t + \lambda_t x_0, \sigma_t^2 I)$ takes $p(x_t|x_0)$ to $p(x_{t-1}|x_0)$, whatever "
    r"$\sigma_t$.",
    scope=r"Isotropic Gaussians, a mean linear in both arguments; the post does not ask for a variance-preserving schedule. It omits "
    r"$\sigma_t \le \bar\beta_{t-1}$, without which there is no such root: see sigma-must-not-exceed-previous-beta-bar.",
    found=r"Certified on exact numbers for every admissible $\sigma_t$, $0 \le \sigma_t \le \bar\beta_{t-1}$, and any levels, given the true $x_0$. Marginals alone cannot "
    r"tell whether $\sigma_t$ is used at all, nor the sign of the root; both are checked besides.",
    limits="One step given the true $x_0$; for what the estimate of $x_0$ costs see plug-in-x0-estimate-loses-variance. Forms that go through $\\kappa_t x_t$ may "
    "exceed the error budget off variance-preserving schedules.",
    if_fails="the mean and the injected noise belong to different values of sigma",
    zh=dict(
        says=r"取 $\kappa_t = \sqrt{\bar\beta_{t-1}^2 - \sigma_t^2} / \bar\beta_t$、"
        r"$\lambda_t = \bar\alpha_{t-1} - \bar\alpha_t \kappa_t$，则不论 $\sigma_t$ 为何，"
        r"$\mathcal N(\kappa_t x_t + \lambda_t x_0, \sigma_t^2 I)$ 都把 $p(x_t|x_0)$ 变为 $p(x_{t-1}|x_0)$。",
        scope=r"各向同性的高斯分布，均值关于两个变量都是线性的；文中不要求噪声调度保持方差，也没有写出 $\sigma_t \le \bar\beta_{t-1}$，"
        "而没有它根式就不存在，见 sigma-must-not-exceed-previous-beta-bar。",
        found=r"对一切允许的 $\sigma_t$，即 $0 \le \sigma_t \le \bar\beta_{t-1}$，以及任意噪声水平，在给定真实 $x_0$ 时已用精确运算验证（误判概率有界）。仅凭边缘分布看不出 "
        r"$\sigma_t$ 到底用了没有，也看不出根号的符号；这两点另行检验。",
        limits=r"只看给定真实 $x_0$ 的一步；用估计代替 $x_0$ 的代价见 plug-in-x0-estimate-loses-variance。若噪声调度不保持方差，经由 $\kappa_t x_t$ "
        "计算的写法可能超出误差预算。",
        if_fails=r"均值与注入的噪声对应于不同的 $\sigma_t$",
        names=LAW | {"step at [#]": "采样步，位置 [#]"},
    ),
)
@subjects(
    ddim,
    mean_of_sigma_zero=with_step(mean_of_sigma_zero),
    ddpm_mean_with_any_sigma=with_step(ddpm_mean),
    alpha_before_the_root_dropped=with_step(with_root(lambda bbar_prev, sigma, alpha, _: pythagorean(bbar_prev, sigma) / alpha)),
    sigma_not_squared=with_step(with_root(lambda bbar_prev, sigma, *_: abs(bbar_prev**2 - sigma) ** 0.5)),  # abs: wrong, but a number
    variance_used_as_deviation=with_step(with_root(pythagorean, noise=lambda sigma: sigma**2)),
    leading_factor_dropped=with_step(leading_factor_dropped),
    sigma_ignored=with_step(lambda *given: ddim.step(*given[:-1], 0 * given[-1])),
    root_of_the_other_sign=with_step(with_root(lambda *given: -pythagorean(*given))),
    weight_of_x_0_off_in_digit_20=with_step(mean_off_in_digit_20),
    kept_noise_off_in_digit_20=with_step(with_root(lambda *given: pythagorean(*given) - TINY * pythagorean(*given))),
    sigma_off_in_digit_20=with_step(lambda *given: ddim.step(*given[:-1], given[-1] - TINY * given[-1])),
)
@given(case=steps(), at=free())
def test_kernel_preserves_the_marginal(subject, case, at, executors):
    step = admitting(subject.step)
    executors.hold("step", step, case.tensors, truth.step(*case.tensors))  # first: a step of tensors only gets this far
    same_law(read(step, at.state, *at.levels, at.sigma), *at.levels, at.sigma, at.kept)


def law(kappa, lambda_t, sigma, abar_t, bbar_t):
    """p(x_prev | x_0 = 1) when x_t ~ N(abar_t, bbar_t^2) goes through the kernel N(kappa x_t + lambda x_0, sigma^2)."""
    one, nothing = exact([1]), exact([0])
    given_x0 = (Gaussian(abar_t, (bbar_t, nothing)), Gaussian(one, (nothing, nothing)), Gaussian(nothing, (nothing, one)))
    return Affine(nothing, (kappa, lambda_t, sigma)).push(*given_x0)


def solving(solution):
    """The two solutions from solution(kappa, abar_t, abar_prev) -> (kappa, lambda) with kappa of either sign."""

    def solutions(abar_t, bbar_t, abar_prev, bbar_prev, sigma):
        kappa = pythagorean(bbar_prev, sigma) / bbar_t
        return solution(kappa, abar_t, abar_prev), solution(-kappa, abar_t, abar_prev)

    return variant(kernel, solutions=solutions)


@claim(
    POST,
    "marginal-constraint-two-equations-two-branches",
    section="Undetermined coefficients",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    effort=0.05,
    says=r"For a kernel $\mathcal N(\kappa_t x_t + \lambda_t x_0, \sigma_t^2 I)$ the condition on the marginals amounts to "
    r"$\bar\alpha_{t-1} = \kappa_t \bar\alpha_t + \lambda_t$ and $\bar\beta_{t-1}^2 = \kappa_t^2 \bar\beta_t^2 + \sigma_t^2$: three "
    r"unknowns, two equations, one parameter left.",
    scope=r"Isotropic Gaussians and a mean linear in both arguments; that $\kappa_t \ge 0$ is chosen goes unsaid.",
    found=r"Certified on exact numbers; but for every $\sigma_t < \bar\beta_{t-1}$ the equations have two solutions, $\kappa_t = "
    r"\pm\sqrt{\bar\beta_{t-1}^2 - \sigma_t^2} / \bar\beta_t$, each with its own $\lambda_t$. The post's is the one with $+$; no test of "
    r"marginals can tell it from the other.",
    limits=r"$x_0 \ne 0$: at $x_0 = 0$ every $\lambda_t$ keeps the marginals. Kernels of another form are not considered.",
    if_fails=r"$\lambda_t$ does not belong to the sign of $\kappa_t$, or $\bar\alpha_{t-1}$ and $\bar\alpha_t$ are exchanged",
    zh=dict(
        says=r"对核 $\mathcal N(\kappa_t x_t + \lambda_t x_0, \sigma_t^2 I)$，边缘分布的条件化为 "
        r"$\bar\alpha_{t-1} = \kappa_t \bar\alpha_t + \lambda_t$ 与 $\bar\beta_{t-1}^2 = \kappa_t^2 \bar\beta_t^2 + \sigma_t^2$："
        "三个未知数、两个方程，余一个自由参数。",
        scope=r"各向同性的高斯分布，均值关于两个变量都是线性的；文中没有说明取的是 $\kappa_t \ge 0$。",
        found=r"已用精确运算验证（误判概率有界）；但对每个 $\sigma_t < \bar\beta_{t-1}$，方程组都有两组解 "
        r"$\kappa_t = \pm\sqrt{\bar\beta_{t-1}^2 - \sigma_t^2} / \bar\beta_t$，各有自己的 $\lambda_t$。文中的解是取 $+$ 的那一组；"
        "任何关于边缘分布的检验都无法把两者区分开。",
        limits=r"$x_0 \ne 0$：若 $x_0 = 0$，则任何 $\lambda_t$ 都保持边缘分布。不考虑其他形式的核。",
        if_fails=r"$\lambda_t$ 与 $\kappa_t$ 的符号不相配，或 $\bar\alpha_{t-1}$ 与 $\bar\alpha_t$ 互换了",
        names={
            "mean of any kernel given x_# = #": "任意核给定 x_# = # 时的均值",
            "variance of any kernel given x_#": "任意核给定 x_# 时的方差",
            "mean of a solution given x_# = #": "一组解给定 x_# = # 时的均值",
            "variance of a solution given x_#": "一组解给定 x_# 时的方差",
            "kappa bbar_t of one solution, then of the other": r"先后两组解的 $\kappa_t \bar\beta_t$",
        },
    ),
)
@subjects(
    kernel,
    kappa_off_by_a_percent=solving(lambda kappa, abar_t, abar_prev: (1.01 * kappa, abar_prev - abar_t * (1.01 * kappa))),
    sigma_off_by_a_percent=variant(kernel, solutions=lambda *given: kernel.solutions(*given[:-1], 0.99 * given[-1])),
    lambda_off_by_a_percent=solving(lambda kappa, abar_t, abar_prev: (kappa, 1.01 * (abar_prev - abar_t * kappa))),
    amplitudes_exchanged_in_lambda=solving(lambda kappa, abar_t, abar_prev: (kappa, abar_t - abar_prev * kappa)),
    one_lambda_for_both_signs=solving(lambda kappa, abar_t, abar_prev: (kappa, abar_prev - abar_t * abs(kappa))),
    one_branch_twice=solving(lambda kappa, abar_t, abar_prev: (abs(kappa), abar_prev - abar_t * abs(kappa))),
    other_branch_first=solving(lambda kappa, abar_t, abar_prev: (-kappa, abar_prev + abar_t * kappa)),
    mean_without_lambda=variant(kernel, marginal=lambda k, w, sigma, abar_t, bbar_t: (k * abar_t, k**2 * bbar_t**2 + sigma**2)),
    kappa_not_squared=variant(kernel, marginal=lambda k, w, sigma, abar_t, bbar_t: (k * abar_t + w, k * bbar_t**2 + sigma**2)),
    deviations_added=variant(kernel, marginal=lambda k, w, sigma, abar_t, bbar_t: (k * abar_t + w, (k * bbar_t + sigma) ** 2)),
)
@given(case=free())
def test_the_marginal_condition_is_two_equations(subject, case):
    # First any kernel at all: the drawn states serve as its kappa, lambda and sigma.
    pushed = law(*case.state, case.abar_t, case.bbar_t)
    mean, variance = subject.marginal(*case.state, case.abar_t, case.bbar_t)
    same("mean of any kernel given x_0 = 1", mean, pushed.mean)
    same("variance of any kernel given x_0", variance, pushed.variance)
    # The second equation is quadratic in kappa: besides the two there is no third.
    for (kappa, lambda_t), kept in zip(subject.solutions(*case.levels, case.sigma), (case.kept, -case.kept), strict=True):
        solved = law(kappa, lambda_t, case.sigma, case.abar_t, case.bbar_t)
        same("mean of a solution given x_0 = 1", solved.mean, case.abar_prev)
        same("variance of a solution given x_0", solved.variance, case.bbar_prev**2)
        same("kappa bbar_t of one solution, then of the other", kappa * case.bbar_t, kept)


def without_preserved_variance(deviation):
    """deviation(alpha, bbar_t, bbar_prev) in the place of DDPM's sigma."""
    return variant(
        non_preserving,
        posterior_deviation=lambda abar_t, bbar_t, abar_prev, bbar_prev: deviation(abar_t / abar_prev, bbar_t, bbar_prev),
    )


@claim(
    POST,
    "marginal-result-does-not-need-variance-preserving",
    section="Undetermined coefficients",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    effort=0.05,
    says=r"The result of the undetermined coefficients needs no $\bar\alpha_t^2 + \bar\beta_t^2 = 1$.",
    scope="Any schedule.",
    found=r"Certified on exact numbers. What is said with $\beta_t = \sqrt{1 - \alpha_t^2}$ does need it: in general $x_t = \alpha_t x_{t-1} "
    r"+ \beta_t \varepsilon_t$ has $\beta_t^2 = \bar\beta_t^2 - \alpha_t^2 \bar\beta_{t-1}^2$, and $\sigma_t = \bar\beta_{t-1} \beta_t / "
    r"\bar\beta_t$ with that $\beta_t$ gives its posterior. Where $\bar\alpha_t = 1$ throughout, $\sqrt{1 - \alpha_t^2} = 0$ turns DDPM "
    r"into a sampler without noise.",
    limits=r"DDPM's part needs $\bar\beta_t > \alpha_t \bar\beta_{t-1}$: otherwise no Markov chain has these marginals.",
    if_fails=r"$1 - \alpha_t^2$ or $1 - \bar\alpha_t^2$ stands where a variance should",
    zh=dict(
        says=r"待定系数法的结果并不依赖 $\bar\alpha_t^2 + \bar\beta_t^2 = 1$。",
        scope="任意噪声调度。",
        found=r"已用精确运算验证（误判概率有界）。但凡用到 $\beta_t = \sqrt{1 - \alpha_t^2}$ 的说法则需要它：一般地，"
        r"$x_t = \alpha_t x_{t-1} + \beta_t \varepsilon_t$ 中 $\beta_t^2 = \bar\beta_t^2 - \alpha_t^2 \bar\beta_{t-1}^2$，以这个 "
        r"$\beta_t$ 取 $\sigma_t = \bar\beta_{t-1} \beta_t / \bar\beta_t$ 才得到它的后验。若始终有 $\bar\alpha_t = 1$，则 "
        r"$\sqrt{1 - \alpha_t^2} = 0$，DDPM 就成了没有噪声的采样器。",
        limits=r"关于 DDPM 的部分要求 $\bar\beta_t > \alpha_t \bar\beta_{t-1}$：否则没有马尔可夫链具有这样的边缘分布。",
        if_fails=r"本该是方差的地方写成了 $1 - \alpha_t^2$ 或 $1 - \bar\alpha_t^2$",
        names=LAW | {"deviation of the posterior": "后验的标准差"},
    ),
)
@subjects(
    non_preserving,
    beta_from_the_amplitudes_alone=without_preserved_variance(lambda alpha, bbar_t, bbar_prev: bbar_prev / bbar_t * (1 - alpha**2) ** 0.5),
    alpha_dropped_from_beta=without_preserved_variance(
        lambda _, bbar_t, bbar_prev: bbar_prev / bbar_t * abs(bbar_t**2 - bbar_prev**2) ** 0.5
    ),
    beta_itself=without_preserved_variance(lambda alpha, bbar_t, bbar_prev: (bbar_t**2 - (alpha * bbar_prev) ** 2) ** 0.5),
    root_of_the_other_sign=without_preserved_variance(
        lambda alpha, bbar_t, bbar_prev: -bbar_prev / bbar_t * (bbar_t**2 - (alpha * bbar_prev) ** 2) ** 0.5
    ),
    variance_for_deviation=without_preserved_variance(
        lambda alpha, bbar_t, bbar_prev: bbar_prev / bbar_t * (bbar_t**2 - (alpha * bbar_prev) ** 2)
    ),
    marginal_by_the_amplitude=variant(non_preserving, step=lambda *given: ddim.step(*given[:4], (1 - given[3] ** 2) ** 0.5, *given[5:])),
    step_of_ddpm=variant(non_preserving, step=ddpm_mean),
)
@given(case=free(markov=True))
def test_the_family_needs_no_preserved_variance(subject, case):
    step, nothing = admitting(subject.step), exact([0])
    same_law(read(step, case.state, *case.levels, case.sigma), *case.levels, case.sigma, case.kept)
    # DDPM: the chain, given x_0 and about its means, conditioned on x_t.
    alpha = case.abar_t / case.abar_prev
    beta = (case.bbar_t**2 - (alpha * case.bbar_prev) ** 2) ** 0.5
    gain, variance = posterior(Gaussian(nothing, (case.bbar_prev, nothing)), Gaussian(nothing, (alpha * case.bbar_prev, beta)))
    deviation = subject.posterior_deviation(*case.levels)
    same("deviation of the posterior", deviation, variance**0.5)
    same_law(read(step, case.state, *case.levels, deviation), *case.levels, variance**0.5, gain * case.bbar_t)


FORMS = ("by_noise", "by_data", "by_both")
ROUNDED = Figure(
    title="The weight of the predicted noise in low precision: worst relative error up to each step",
    x="step $t$ of 1000",
    y="relative error",
    log="xy",
)


@cache
def in_low_precision():
    """The post's schedule at T = 1000 in float64, and the weight of eps in its steps with sigma = 0, with its error budget."""
    abar = schedules.amplitudes("post", 1000)
    bbar = schedules.deviations(abar)
    taken = abar[:-1] / abar[1:] * bbar[1:]
    weight = rounded(bbar[:-1] - taken)
    # S of oracles/budget.py: three inputs count as what is taken does, one as the root. Stored: the levels, and the ten of a
    # step but the noise.
    return rounded(abar), rounded(bbar), Bound(weight, rounded(bbar[:-1]) + 3 * rounded(taken) + weight.abs(), roundings=10)


def through_float32(*given):
    if not isinstance(given[0], torch.Tensor):
        return forms.by_noise(*given)
    return forms.by_noise(*(x.float() for x in given)).to(given[0].dtype)


def reciprocal_alpha(x_t, eps, abar_t, bbar_t, abar_prev, bbar_prev, sigma):
    return forms.by_noise(x_t, eps, abar_prev, bbar_t, abar_t, bbar_prev, sigma)


def reciprocal_factor(x_t, eps, abar_t, bbar_t, abar_prev, *given):
    return (abar_t / abar_prev) ** 2 * forms.by_noise(x_t, eps, abar_t, bbar_t, abar_prev, *given)


def with_estimate(form, estimate):
    """The form of the mean with another estimate(x_t, eps, abar_t, bbar_t, bbar_prev) of x_0."""

    def mean(x_t, eps, abar_t, bbar_t, abar_prev, bbar_prev, sigma):
        off = estimate(x_t, eps, abar_t, bbar_t, bbar_prev) - forms.estimate(x_t, eps, abar_t, bbar_t)
        weight = abar_prev - (abar_t * forms.root(bbar_prev, sigma) / bbar_t if form is forms.by_data else 0)
        return form(x_t, eps, abar_t, bbar_t, abar_prev, bbar_prev, sigma) + weight * off

    return mean


def of_the_step_before(x_t, eps, abar_t, bbar_t, bbar_prev):
    return forms.estimate(x_t, eps, abar_t, bbar_prev)


def clipped(*given):
    return np.clip(forms.estimate(*given[:-1]), *exact([-1, 1]))


@claim(
    POST,
    "eps-form-equals-x0-form",
    section="Business as usual",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    effort=0.05,
    says=r"With $x_0 = \bar\mu(x_t) = (x_t - \bar\beta_t \epsilon) / \bar\alpha_t$ the mean $\kappa_t x_t + \lambda_t x_0$ becomes "
    r"$\frac{1}{\alpha_t} \big(x_t - (\bar\beta_t - \alpha_t \sqrt{\bar\beta_{t-1}^2 - \sigma_t^2})\, \epsilon\big)$.",
    scope=r"Any $\epsilon$, exact or not.",
    found=r"Certified on exact numbers, on any levels; $\bar\alpha_{t-1} \bar\mu + \sqrt{\bar\beta_{t-1}^2 - \sigma_t^2}\, \epsilon$ is a "
    r"third form. The three differ as soon as $\bar\mu$ is clipped. The weight of $\epsilon$ is a difference of nearly equal numbers: on "
    r"the post's 1000 steps at $\sigma_t = 0$ it is off by up to $3.5 \cdot 10^{-5}$ in float32, 19% in float16 and 206% in bfloat16, so "
    r"levels belong in float64.",
    limits=r"In floating point only the weight of $\epsilon$ is looked at, on one schedule, with levels rounded from float64. In float32, float16 "
    "and bfloat16 the formula is really computed in that format, but its error is only measured; it is judged in float64 alone.",
    if_fails=r"$\alpha_t$ is inverted, or the estimate of $x_0$ takes the levels of the step before",
    zh=dict(
        says=r"代入 $x_0 = \bar\mu(x_t) = (x_t - \bar\beta_t \epsilon) / \bar\alpha_t$，均值 $\kappa_t x_t + \lambda_t x_0$ 化为 "
        r"$\frac{1}{\alpha_t} \big(x_t - (\bar\beta_t - \alpha_t \sqrt{\bar\beta_{t-1}^2 - \sigma_t^2})\, \epsilon\big)$。",
        scope=r"任意的 $\epsilon$，精确与否均可。",
        found=r"对任意噪声水平已用精确运算验证（误判概率有界）；$\bar\alpha_{t-1} \bar\mu + \sqrt{\bar\beta_{t-1}^2 - \sigma_t^2}\, \epsilon$ "
        r"是第三种写法。一旦对 $\bar\mu$ 作截断，三者就不再相同。$\epsilon$ 的系数是两个相近的数之差：在文中的 1000 步上取 "
        r"$\sigma_t = 0$，它的误差在 float32 下最大为 $3.5 \cdot 10^{-5}$，float16 下为 19%，bfloat16 下为 206%，所以噪声水平应当用 "
        "float64。",
        limits=r"浮点部分只看 $\epsilon$ 的系数，只看一个噪声调度，噪声水平由 float64 舍入而来。float32、float16 与 bfloat16 下确实以该格式计算，"
        "但误差只作测量，只在 float64 下作判定。",
        if_fails=r"$\alpha_t$ 被取了倒数，或 $x_0$ 的估计用了前一步的噪声水平",
        names={
            "mean by noise": r"用 $\epsilon$ 表示的均值",
            "mean by data": "用 $x_0$ 的估计表示的均值",
            "mean by both": "用两者表示的均值",
            "weight of eps by noise at [#]": r"用 $\epsilon$ 表示时 $\epsilon$ 的系数，位置 [#]",
            "weight of eps by data at [#]": r"用 $x_0$ 的估计表示时 $\epsilon$ 的系数，位置 [#]",
            "weight of eps by both at [#]": r"用两者表示时 $\epsilon$ 的系数，位置 [#]",
            "relative error of the weight of eps in float#, worst of # steps": r"float# 下 $\epsilon$ 的系数的相对误差，# 步中的最大值",
            "relative error of the weight of eps in bfloat#, worst of # steps": r"bfloat# 下 $\epsilon$ 的系数的相对误差，# 步中的最大值",
            ROUNDED.title: "低精度下预测噪声系数的最大相对误差（截至每一步）",
            "step $t$ of #": "第 $t$ 步（共 # 步）",
            "relative error": "相对误差",
            "float#": "float#",
            "bfloat#": "bfloat#",
        },
    ),
)
@subjects(
    forms,
    alpha_inverted=variant(forms, by_noise=reciprocal_alpha),
    alpha_inverted_in_front=variant(forms, by_noise=reciprocal_factor),
    deviation_of_the_step_before_in_data_form=variant(forms, by_data=with_estimate(forms.by_data, of_the_step_before)),
    deviation_of_the_step_before_in_third_form=variant(forms, by_both=with_estimate(forms.by_both, of_the_step_before)),
    estimate_clipped_in_data_form=variant(forms, by_data=with_estimate(forms.by_data, clipped)),
    estimate_clipped_in_third_form=variant(forms, by_both=with_estimate(forms.by_both, clipped)),
    sigma_ignored=variant(forms, by_both=lambda *given: forms.by_both(*given[:-1], 0 * given[-1])),
    weight_by_way_of_float32=variant(forms, by_noise=through_float32),
)
@given(case=free())
def test_three_forms_of_the_mean_are_one(subject, case):
    none = 0 * case.sigma  # of the injected noise in the mean
    mean = truth.only_step(np, *case.state[:2], none, *case.levels, case.sigma, none, (case.kept != 0).astype(int))
    for name in FORMS:
        same(f"mean {name.replace('_', ' ')}", getattr(subject, name)(*case.state[:2], *case.levels, case.sigma), mean)

    abar, bbar, weight = in_low_precision()
    levels = abar[1:], bbar[1:], abar[:-1], bbar[:-1]
    none, one = torch.zeros_like(weight.truth), torch.ones_like(weight.truth)
    for name in FORMS:
        FLOAT64.hold(f"weight of eps {name.replace('_', ' ')}", getattr(subject, name), (none, one, *levels, none), weight)
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        name = str(dtype).removeprefix("torch.")
        coarse = (x.to(dtype) for x in (none, one, *levels, none))
        error = (subject.by_noise(*coarse).double() / weight.truth - 1).abs().cummax(0).values
        measured(f"relative error of the weight of eps in {name}, worst of 1000 steps", error[-1])
        for t in (1, 3, 10, 30, 100, 300, 1000):
            ROUNDED.point(name, t, float(error[t - 1]))


def backwards(c=None, variance=None):
    """The forward kernel with another coefficient c(abar_t, bbar_t, abar_prev, bbar_prev, sigma) of x_prev, or another variance."""

    def forward(abar_t, bbar_t, abar_prev, bbar_prev, sigma):
        given = abar_t, bbar_t, abar_prev, bbar_prev, sigma
        right, _, spread = kernel.forward(*given)
        weight = c(*given) if c else right
        return weight, abar_t - weight * abar_prev, variance(*given) if variance else spread

    return variant(kernel, forward=forward)


@claim(
    POST,
    "forward-kernel-is-markov-only-at-eta-one",
    section="Business as usual",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    effort=0.05,
    says=r"The forward process is not needed, but Bayes' formula gives it back: $p(x_t|x_{t-1}, x_0) = p(x_{t-1}|x_t, x_0)\, p(x_t|x_0) / "
    r"p(x_{t-1}|x_0)$.",
    scope=r"The post does not say what comes out; $\bar\beta_{t-1} > 0$ is needed, so $t \ge 2$.",
    found=r"Certified on exact numbers: it is $\mathcal N(\bar\alpha_t x_0 + c\, (x_{t-1} - \bar\alpha_{t-1} x_0),\ \bar\beta_t^2 \sigma_t^2 "
    r"/ \bar\beta_{t-1}^2)$ with $c = \kappa_t \bar\beta_t^2 / \bar\beta_{t-1}^2$. Only at $\eta = 1$ is it independent of $x_0$; the "
    r"weight of $x_0$ is negative for smaller $\eta$ and positive for larger. On the post's 1000 steps it is $-0.73$ at $t = 2$, $-0.11$ "
    r"at $t = 10$ and $-0.0016$ at $t = 500$ where $\eta = 0$. The variance is $\eta^2 \beta_t^2$.",
    limits=r"What is said with $\eta$ is verified where variance is preserved.",
    if_fails=r"the process is taken to be Markovian whatever $\eta$, so that $c = \alpha_t$",
    zh=dict(
        says=r"无需给出前向过程，但可由贝叶斯公式反推：$p(x_t|x_{t-1}, x_0) = p(x_{t-1}|x_t, x_0)\, p(x_t|x_0) / p(x_{t-1}|x_0)$。",
        scope=r"文中没有写出结果；需要 $\bar\beta_{t-1} > 0$，即 $t \ge 2$。",
        found=r"已用精确运算验证（误判概率有界）：结果是 $\mathcal N(\bar\alpha_t x_0 + c\, (x_{t-1} - \bar\alpha_{t-1} x_0),\ \bar\beta_t^2 \sigma_t^2 / "
        r"\bar\beta_{t-1}^2)$，其中 $c = \kappa_t \bar\beta_t^2 / \bar\beta_{t-1}^2$。只有 $\eta = 1$ 时它才与 $x_0$ 无关；$\eta$ "
        r"更小时 $x_0$ 的系数为负，更大时为正。在文中的 1000 步上取 $\eta = 0$，该系数在 $t = 2$ 处为 $-0.73$，在 $t = 10$ 处为 "
        r"$-0.11$，在 $t = 500$ 处为 $-0.0016$。方差为 $\eta^2 \beta_t^2$。",
        limits=r"涉及 $\eta$ 的部分是在方差保持的情形下验证的。",
        if_fails=r"不论 $\eta$ 取何值都把它当作马尔可夫过程，于是 $c = \alpha_t$",
        names={
            "weight of x_prev": "$x_{t-1}$ 的系数",
            "weight of x_#": "x_# 的系数",
            "variance": "方差",
            "weight of x_prev at eta = #": r"$x_{t-1}$ 的系数（$\eta = #$）",
            "weight of x_# at eta = #": r"x_# 的系数（$\eta = #$）",
            "variance at eta = #": r"方差（$\eta = #$）",
            "variance, times the posterior's": "方差与后验方差之积",
            "weight of x_# at t = #, eta = #": r"x_# 的系数（$t = #$，$\eta = #$）",
        },
    ),
)
@subjects(
    kernel,
    markov_for_every_sigma=backwards(c=lambda abar_t, bbar_t, abar_prev, *_: abar_t / abar_prev),
    kappa_for_c=backwards(c=lambda abar_t, bbar_t, abar_prev, bbar_prev, sigma: pythagorean(bbar_prev, sigma) / bbar_t),
    ratio_not_squared_in_c=backwards(c=lambda abar_t, bbar_t, abar_prev, bbar_prev, sigma: pythagorean(bbar_prev, sigma) / bbar_prev),
    variance_of_the_markov_chain=backwards(variance=lambda a_t, b_t, a, b, _: b_t**2 - (a_t / a * b) ** 2),
    variance_of_the_step_back=backwards(variance=lambda *given: given[-1] ** 2),
    x_0_forgotten=variant(kernel, forward=lambda *given: (kernel.forward(*given)[0], 0 * given[0], kernel.forward(*given)[2])),
    x_0_of_the_other_sign=variant(
        kernel, forward=lambda *given: (kernel.forward(*given)[0], -kernel.forward(*given)[1], kernel.forward(*given)[2])
    ),
)
@given(case=free(), preserved=preserving())
def test_the_forward_kernel_by_bayes(subject, case, preserved):
    nothing = exact([0])
    case, at = (drawn.where(drawn.bbar_prev != 0) for drawn in (case, preserved))
    for steps_back in (case, at):
        x_t = Gaussian(steps_back.abar_t, (steps_back.bbar_t, nothing))  # given x_0 = 1, by the noise in x_t and z
        x_prev = Gaussian(steps_back.abar_prev, (steps_back.kept, steps_back.sigma))
        gain, variance = posterior(x_t, x_prev)
        c, weight, spread = subject.forward(*steps_back.levels, steps_back.sigma)
        same("weight of x_prev", c, gain)
        same("weight of x_0", weight, x_t.mean - gain * x_prev.mean)
        same("variance", spread, variance)

    alpha, beta2 = at.abar_t / at.abar_prev, 1 - (at.abar_t / at.abar_prev) ** 2
    _, ddpm2 = posterior(Gaussian(nothing, (at.bbar_prev, nothing)), Gaussian(nothing, (alpha * at.bbar_prev, beta2**0.5)))
    c, weight, spread = subject.forward(*at.levels, ddpm2**0.5)
    same("weight of x_0 at eta = 1", weight, nothing)
    same("weight of x_prev at eta = 1", c, alpha)
    same("variance at eta = 1", spread, beta2)
    c, weight, spread = subject.forward(*at.levels, at.sigma)
    equal(
        [w.sign() for w in weight],
        [(sigma**2 - at_one).sign() for sigma, at_one in zip(at.sigma, ddpm2, strict=True)],
        "sign of the weight of x_0",
    )
    same("variance, times the posterior's", spread * ddpm2, at.sigma**2 * beta2)  # eta^2 = sigma^2 / ddpm2

    abar = schedules.amplitudes("post", 1000)
    for t in (2, 10, 500):
        levels = [level[t - i : t - i + 1] for i in (0, 1) for level in (abar, schedules.deviations(abar[: t + 1]))]
        _, weight, _ = subject.forward(*levels, 0 * levels[0])
        measured(f"weight of x_0 at t = {t}, eta = 0", float(weight[0].mid()))
