"""Talks on diffusion models (4), from the family to a sampler (post 9181): an estimate in the place of x_0, no noise, fewer steps.

On Gaussian data the exact predictor is affine, so a step, read in ball arithmetic, has an output of known law: no samples are
drawn. Other data are mixtures, for one step by quadrature, or for a chain without noise point by point.
"""

import random
from fractions import Fraction
from functools import cache, partial
from itertools import accumulate, pairwise
from operator import mul

import numpy as np
import torch
from hypothesis import example, given

from claims import Finding, Kind, claim, counterexample, subjects, variant
from claims.diffusion.test_9181_ddim import POST
from impls.diffusion import ddim, plug_in, sampler, training
from oracles import ddim as truth
from oracles import denoiser, schedules
from oracles.ball import balls
from oracles.ddim import admitting, check_law, read
from oracles.evidence import Strength, equal, measured, require
from oracles.gaussian import Gaussian, chained, posterior
from oracles.identity import vanishes
from oracles.mixture import Mixture
from strategies.diffusion.chains import Model, mixtures, models, paths
from strategies.diffusion.steps import DataStep, data_steps, jumps, subsequences
from strategies.tensors import dyadic

TINY = 10.0**-20  # relative errors of this size are nothing on executors: only the 50-digit half of a check can see them
ONES = torch.ones(3, 1, dtype=torch.float64)


def between(abar, bbar, now, then):
    """The levels of a step, in the order of its arguments."""
    return abar[now], bbar[now], abar[then], bbar[then]


def mean_of_sigma_zero(*given):
    return ddim.step(*given[:-1], 0 * given[-1]) + given[-1] * given[2]


def lost(weight):
    """The loss of variance with another weight of Var(x_0 | x_t): weight(kappa, lambda, sigma, sigma - the posterior's sigma)."""

    def lost_variance(abar_t, bbar_t, abar_prev, bbar_prev, sigma, uncertainty):
        kappa = (bbar_prev**2 - sigma**2) ** 0.5 / bbar_t
        lambda_t = abar_prev - abar_t * kappa
        excess = sigma - ddim.posterior_deviation(abar_t, bbar_t, abar_prev, bbar_prev)
        return weight(kappa, lambda_t, sigma, excess) * uncertainty

    return variant(plug_in, lost_variance=lost_variance)


@claim(
    POST,
    "plug-in-x0-estimate-loses-variance",
    section="Business as usual",
    kind=Kind.APPROXIMATION,
    finding=Finding.APPROXIMATE,
    says=r"With $x_0$ replaced by its estimate $\bar\mu(x_t)$, $p(x_{t-1}|x_t) \approx p(x_{t-1}|x_t, x_0 = \bar\mu(x_t))$.",
    scope="A good predictor; the post states no size of the error.",
    found=r"With the exact predictor one step from the true $p(x_t)$ keeps the mean and loses exactly the variance $\lambda_t^2\, \mathbb "
    r"E[\mathrm{Var}(x_0|x_t)]$: on data $\mathcal N(m, s^2 I)$ this is $\lambda_t^2 s^2 \bar\beta_t^2 / (\bar\alpha_t^2 s^2 + "
    r"\bar\beta_t^2)$, checked to 50 digits, and nothing for a point mass. On narrow data much is lost at the end: at $t = 1$, where $\lambda_1 = 1$, the share $\bar\beta_1^2 / "
    r"(\bar\alpha_1^2 s^2 + \bar\beta_1^2)$ of the variance, 67% for $s = \frac1{32}$ on the post's schedule with 10 steps.",
    limits="Gaussian data to 50 digits, mixtures of two by an integral that is right to six or more. One step, not the chain. "
    "How large the measured shares are depends on which steps were drawn.",
    if_fails=r"$\kappa_t$ and $\lambda_t$ are exchanged, or the loss is taken to vanish at some $\sigma_t$",
    zh=dict(
        says=r"把 $x_0$ 换成它的估计 $\bar\mu(x_t)$，有 $p(x_{t-1}|x_t) \approx p(x_{t-1}|x_t, x_0 = \bar\mu(x_t))$。",
        scope="预测器足够好；文中没有说明误差的大小。",
        found=r"若预测器精确，则从真实的 $p(x_t)$ 出发的一步保持均值，并恰好损失方差 $\lambda_t^2\, \mathbb E[\mathrm{Var}(x_0|x_t)]$："
        r"对数据 $\mathcal N(m, s^2 I)$ 即 $\lambda_t^2 s^2 \bar\beta_t^2 / (\bar\alpha_t^2 s^2 + \bar\beta_t^2)$，已检验到 50 位；"
        "对单点分布则没有损失。数据很窄时，最后一步损失很大：在 $t = 1$ 处 "
        r"$\lambda_1 = 1$，损失占方差的 $\bar\beta_1^2 / (\bar\alpha_1^2 s^2 + \bar\beta_1^2)$；在 10 步的文中噪声调度上取 $s = \frac1{32}$，就是 67%。",
        limits="高斯数据检验到 50 位；两个高斯的混合用积分，准确到六位或更多。只看一步，不看整条链。实测的比例有多大，取决于抽到的是哪些步。",
        if_fails=r"$\kappa_t$ 与 $\lambda_t$ 互换了，或认为在某个 $\sigma_t$ 处没有损失",
        names={"share of the variance lost in one of # steps": "# 步中的一步所损失的方差的比例"},
    ),
)
@subjects(
    plug_in,
    kappa_for_lambda=lost(lambda kappa, lambda_t, *_: kappa**2),
    lambda_not_squared=lost(lambda kappa, lambda_t, *_: lambda_t),
    nothing_lost=lost(lambda kappa, *_: 0 * kappa),
    nothing_lost_without_noise=lost(lambda kappa, lambda_t, sigma, _: lambda_t**2 * (sigma > 0)),
    nothing_lost_by_ddpm=lost(lambda kappa, lambda_t, _, excess: lambda_t**2 * (abs(excess) > 2.0**-80)),
    step_with_the_mean_of_sigma_zero=variant(plug_in, step=mean_of_sigma_zero),
    noise_not_centred=variant(plug_in, step=lambda x_t, eps, z, *levels: ddim.step(x_t, eps, z + 1, *levels)),
)
@example(case=DataStep("exp5", T=10, t=5, mean=0.0, s=1.0, eta=1.0), mixture=Mixture((3.0, 7.0), (-1.0, 0.75), (0.25, 0.5)), state=ONES)
@example(case=DataStep("exp5", T=10, t=1, mean=0.0, s=1.0, eta=1.0), mixture=Mixture((3.0, 7.0), (-1.0, 0.75), (0.25, 0.5)), state=ONES)
@given(case=data_steps(), mixture=mixtures(), state=dyadic(3, 1))
def test_plugging_in_the_estimate_loses_variance(subject, case, mixture, state):
    abar = schedules.amplitudes(case.schedule, case.T)
    bbar, beta = schedules.deviations(abar), schedules.step_deviations(abar)
    levels = abar_t, bbar_t, abar_prev, bbar_prev = tuple(level[t : t + 1] for t in (case.t, case.t - 1) for level in (abar, bbar))
    sigma = case.eta * bbar_prev * beta[case.t - 1 : case.t] / bbar_t
    affine = read(admitting(subject.step), tuple(map(balls, state)), *levels, sigma)

    one, nothing = balls(torch.ones(1)), balls(torch.zeros(1))
    x_0 = Gaussian(one * case.mean, (one * case.s, nothing, nothing))  # by x_0, the noise in x_t, and z
    x_t = Gaussian(abar_t * case.mean, (abar_t * case.s, bbar_t, nothing))
    gain, _ = posterior(Gaussian(nothing, (nothing, one, nothing)), x_t)
    eps = Gaussian(nothing, tuple(gain * loading for loading in x_t.loadings))
    got = affine.push(x_t, eps, Gaussian(nothing, (nothing, nothing, one)))
    mean, variance = abar_prev * case.mean, abar_prev**2 * case.s**2 + bbar_prev**2
    vanishes("mean", got.mean - mean, 1 + abs(mean))
    stated = subject.lost_variance(*levels, sigma, posterior(x_0, x_t)[1])
    vanishes("variance that one step loses", variance - got.variance - stated, variance + one * 2.0**-80)
    if case.s:
        measured(f"share of the variance lost in one of {case.T} steps", float(((variance - got.variance) / variance)[0].mid()))

    A_x, A_e, A_n = affine.coefficients

    def of(x, given):
        moved = affine.offset + A_x * x + A_e * (x - abar_t * given.mean) / bbar_t
        return [moved, moved**2, given.variance]

    first, second, uncertainty = denoiser.expectations(mixture, abar_t[0], bbar_t[0], of)
    data = denoiser.denoised(mixture, nothing, nothing, one)  # x_t is all noise and says nothing of x_0
    residual = (
        abar_prev**2 * data.variance + bbar_prev**2 - (second - first**2 + A_n**2) - subject.lost_variance(*levels, sigma, uncertainty)
    )
    for what, off in (("mean", first - abar_prev * data.mean), ("variance that one step loses", residual)):
        sentence = f"{what}, for {mixture}: off by {float(off[0].mid()):.3g}"
        require(bool(off[0].contains(0)), sentence, arithmetic="50 digits", strength=Strength.BUDGET)


def with_jump(jump):
    """The sampler with another step between two times."""
    return variant(sampler, jump=jump, sample=partial(sampler.sample, jump=jump))


def with_step(step):
    return with_jump(partial(ddim.jump, step=step))


def swapped(x_t, eps, z, abar_t, bbar_t, abar_prev, bbar_prev, sigma):
    alpha = abar_t / abar_prev
    return (x_t - (bbar_prev - alpha * bbar_t) * eps) / alpha + sigma * z


def ddpm_mean(x_t, eps, z, abar_t, bbar_t, abar_prev, bbar_prev, sigma):
    alpha = abar_t / abar_prev
    return (x_t - (1 - alpha**2) / bbar_t * eps) / alpha


def root_of_the_other_sign(x_t, eps, z, abar_t, bbar_t, abar_prev, bbar_prev, sigma):
    return ddim.step(x_t, eps, z, abar_t, bbar_t, abar_prev, bbar_prev, sigma) - 2 * (bbar_prev**2 - sigma**2) ** 0.5 * eps


def told(change):
    """The sampler that tells the predictor of another time: change(t, tau)."""

    def sample(x, predictor, noise, abar, bbar, tau, eta):
        return sampler.sample(x, lambda x, t: predictor(x, change(t, tau)), noise, abar, bbar, tau, eta)

    return variant(sampler, sample=sample)


@claim(
    POST,
    "sigma-zero-is-deterministic-and-monotone",
    section="Some examples",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    effort=0.6,
    says=r"At $\sigma_t = 0$ the step $x_{t-1} = \frac{1}{\alpha_t} (x_t - (\bar\beta_t - \alpha_t \bar\beta_{t-1}) \epsilon(x_t, t))$ "
    r"has no randomness left: sampling is a fixed map from $x_T$ to $x_0$, as in a GAN.",
    scope="None stated; the post does not say whether the map is one-to-one.",
    found=r"Two runs agree to 50 digits, also along subsequences. With the exact predictor a step has the slope $\kappa_t + \lambda_t "
    r"\bar\alpha_t \mathrm{Var}(x_0|x_t) / \bar\beta_t^2 > \kappa_t$ and keeps the order of points. At $t = 1$, where $\kappa_1 = 0$, the variance alone "
    r"keeps them apart. Nothing holds for a learned predictor: $\epsilon = x_t / (\bar\beta_t - \alpha_t \bar\beta_{t-1})$ sends every start to 0.",
    limits="Mixtures of two Gaussians on the line.",
    if_fails="noise of another schedule is left in, or the two deviations in front of the predictor are exchanged",
    zh=dict(
        says=r"取 $\sigma_t = 0$ 时，$x_{t-1} = \frac{1}{\alpha_t} (x_t - (\bar\beta_t - \alpha_t \bar\beta_{t-1}) \epsilon(x_t, t))$ "
        "不再含随机性，采样成为从 $x_T$ 到 $x_0$ 的固定映射，如同 GAN。",
        scope="文中没有说明，也没有说这个映射是不是一一的。",
        found="两次运行在 50 位上一致，沿子序列也是如此。若预测器精确，则一步的斜率为 "
        r"$\kappa_t + \lambda_t \bar\alpha_t \mathrm{Var}(x_0|x_t) / \bar\beta_t^2 > \kappa_t$，点的次序不变。在 $t = 1$ 处 "
        r"$\kappa_1 = 0$，只有方差使它们彼此分开。对学到的预测器则没有任何保证："
        r"$\epsilon = x_t / (\bar\beta_t - \alpha_t \bar\beta_{t-1})$ 把所有起点都送到 0。",
        limits="直线上两个高斯的混合。",
        if_fails="残留了另一个噪声调度的噪声，或预测器前面的两个标准差互换了",
        names={"slope of a step minus kappa": r"一步的斜率减 $\kappa_t$"},
    ),
)
@subjects(
    sampler,
    noise_of_eta_one_left_in=with_jump(lambda *given: ddim.jump(*given[:-1], 1.0)),
    noise_added_with_the_mean_of_sigma_zero=with_jump(
        lambda *given: ddim.jump(*given) + ddim.posterior_deviation(*between(*given[3:-1])) * given[2]
    ),
    draws_noise_of_its_own=with_jump(lambda *given: ddim.jump(*given) + random.gauss() / 1024),
    deviations_swapped=with_step(swapped),
    ddpm_mean=with_step(ddpm_mean),
    root_of_the_other_sign=with_step(root_of_the_other_sign),
    noise_in_the_single_jump=variant(sampler, jump=lambda x_t, eps, z, *given: ddim.jump(x_t, eps, z, *given) + TINY * z),
    predictor_told_the_index=told(lambda t, tau: tau.index(t)),
    predictor_told_the_earlier_time=told(lambda t, tau: tau[tau.index(t) - 1] or t),
    step_off_in_digit_20=with_step(lambda *given: ddim.step(*given) + TINY * given[0]),
)
@given(case=paths(), streams=dyadic(2, 13), state=dyadic(3, 1))
def test_without_noise_sampling_is_a_fixed_increasing_map(subject, case, streams, state):
    abar = schedules.amplitudes(case.schedule, case.T)
    bbar = schedules.deviations(abar)
    starts = balls(torch.tensor(case.states, dtype=torch.float64))
    predictor = lambda x, t: denoiser.noise(case.mixture, x, abar[t], bbar[t])
    one, other = (admitting(subject.sample)(starts, predictor, balls(stream), abar, bbar, case.tau, 0.0) for stream in streams)
    expected = truth.without_noise(starts, predictor, abar, bbar, case.tau)
    vanishes("difference between two runs", one - other, 1 + abs(expected))
    vanishes("output of the chain", one - expected, 1 + abs(expected))
    for left, right in pairwise(one):
        sentence = f"two starts, the smaller one first, end at {float(left.mid()):.6g} and {float(right.mid()):.6g}"
        require(bool(right > left), sentence, arithmetic="50 digits", strength=Strength.CERTIFIED)

    at = tuple(map(balls, state))
    for then, now in pairwise(case.tau):
        affine = read(subject.jump, at, abar, bbar, now, then, 0.0)
        A_x, A_e, A_n = affine.coefficients
        vanishes(f"what else is in the step from {now} to {then}", abs(A_n) + abs(affine.offset), A_x)
        kappa = bbar[then] / bbar[now]
        lambda_t = abar[then] - abar[now] * kappa
        slopes = A_x + A_e * denoiser.slope_of_noise(case.mixture, starts, abar[now], bbar[now])
        spread = denoiser.denoised(case.mixture, starts, abar[now], bbar[now]).variance
        vanishes(f"slope from {now} to {then}", slopes - kappa - lambda_t * abar[now] / bbar[now] ** 2 * spread, slopes)
        vanishes("what the collapsing predictor leaves", A_x + A_e / (bbar[now] - abar[now] / abar[then] * bbar[then]), A_x)
        for slope in slopes:
            measured("slope of a step minus kappa", float((slope - kappa).mid()))
            require(
                bool(slope > kappa),
                f"the slope {float(slope.mid()):.6g} is not above kappa",
                arithmetic="50 digits",
                strength=Strength.CERTIFIED,
            )


def with_levels(abar, bbar=lambda given, tau: [given[t] for t in tau], predictor=lambda given, tau: lambda x, i: given(x, tau[i])):
    """The thinned model with other amplitudes, deviations or another predictor, each of what is given and tau."""
    return variant(training, thinned=lambda p, a, b, tau: (predictor(p, tau), abar(a, tau), bbar(b, tau)))


def thinned_out(given, tau):
    return [given[t] for t in tau]


def product_of_the_selected_alphas(abar, tau):
    return list(accumulate((abar[t] / abar[t - 1] for t in tau[1:]), mul, initial=abar[0]))


@claim(
    POST,
    "subsequence-training-objective-is-subset",
    section="Accelerating generation",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    says=r"The objective depends on the schedule through $p(x_t|x_0)$ alone, so that of a model with the parameters $\bar\alpha_{\tau_1}, "
    r"\bar\alpha_{\tau_2}, \dots$ consists of terms of the full one: training for all times trains for every subsequence.",
    scope="A model of enough capacity.",
    found=r"The terms are equal in exact rational arithmetic, if the model is told the time $\tau_i$ and not the index $i$, and what is best "
    r"for all times is best for those of $\tau$ as long as each time can be fitted by itself. For a model that shares one parameter among all "
    "times this fails: that is what the capacity is for.",
    limits=r"Predictors of degree two in $x$, data and noise of three entries. Sampling along $\tau$ from $\mathcal N(0, I)$ needs "
    r"$\bar\alpha \approx 0$ at its last time as well, which training says nothing of.",
    if_fails=r"the model is told the index $i$, or $\bar\alpha$ is built from the selected $\alpha_{\tau_i}$",
    zh=dict(
        says=r"目标函数只通过 $p(x_t|x_0)$ 依赖于噪声调度，因此以 $\bar\alpha_{\tau_1}, \bar\alpha_{\tau_2}, \dots$ "
        "为参数的模型的目标只是完整目标中的若干项：对全部时刻的训练已包含对任意子序列的训练。",
        scope="容量足够的模型。",
        found=r"在精确的有理数运算中各项相等，条件是告诉模型的是时刻 $\tau_i$ 而不是下标 $i$；并且只要每个时刻都能单独拟合，"
        r"对全部时刻最优的，对 $\tau$ 中的时刻也最优。所有时刻共用一个参数的模型则不然：这正是要求容量足够的原因。",
        limits=r"关于 $x$ 是二次的预测器，数据与噪声各有三个分量。从 $\mathcal N(0, I)$ 出发沿 $\tau$ 采样还要求在其最后一个时刻 "
        r"$\bar\alpha \approx 0$，训练并不涉及这一点。",
        if_fails=r"告诉模型的是下标 $i$，或 $\bar\alpha$ 是由选出的 $\alpha_{\tau_i}$ 累乘得到的",
    ),
)
@subjects(
    training,
    index_for_the_time=with_levels(thinned_out, predictor=lambda given, tau: given),
    time_before=with_levels(thinned_out, predictor=lambda given, tau: lambda x, i: given(x, tau[i] - 1)),
    product_of_the_selected_alphas=with_levels(product_of_the_selected_alphas),
    first_levels_kept=with_levels(lambda abar, tau: abar[: len(tau)], lambda bbar, tau: bbar[: len(tau)]),
    deviations_not_thinned=with_levels(thinned_out, lambda bbar, tau: bbar[: len(tau)]),
    amplitude_for_both=variant(training, objective=lambda x_0, noise, p, abar, bbar: training.objective(x_0, noise, p, abar, abar)),
)
@counterexample(
    "outside the stated scope, a model of too little capacity: one slope for all of four times, and the best one for all of them is not the best one for the first and the last",
    "超出原文范围、容量不足的模型：四个时刻共用一个斜率，对全部时刻最优的斜率，对第一个与最后一个时刻并不是最优的",
    case=Model(
        slopes=(Fraction(1),) * 5, curves=(Fraction(0),) * 5, abar=tuple(Fraction(k, 8) for k in (8, 6, 4, 3, 1)),
        bbar=tuple(Fraction(k, 8) for k in (0, 3, 6, 7, 8)), tau=(0, 1, 4), x_0=(Fraction(1),), noise=(Fraction(1),), shared=True,
    ),
)  # fmt: skip
@given(case=models())
def test_the_objective_of_a_subsequence_is_part_of_the_whole(subject, case):
    x_0, noise = (np.array(values, dtype=object) for values in (case.x_0, case.noise))
    given = lambda x, t: case.slopes[t] * x + case.curves[t] * x**2

    def terms(predictor, tau=None):
        model = (predictor, case.abar, case.bbar) if tau is None else subject.thinned(predictor, case.abar, case.bbar, tau)
        return subject.objective(x_0, noise, *model)

    by_hand = {}
    for i, t in enumerate(case.tau[1:], start=1):
        errors = (n - given(case.abar[t] * x + case.bbar[t] * n, t) for x, n in zip(case.x_0, case.noise, strict=True))
        by_hand[i] = sum(error**2 for error in errors)
    full = terms(given)
    equal({i: full[case.tau[i] - 1] for i in by_hand}, by_hand, "terms of the full objective at the times of tau")
    equal(dict(enumerate(terms(given, case.tau), start=1)), by_hand, "terms of the objective with the levels of tau alone")

    # Least squares for predictors c_t x, a parabola in each c_t: the best c_t is where both sides are equally high.
    x_t = [a * x_0 + b * noise for a, b in zip(case.abar, case.bbar, strict=True)]
    products, squares = [(noise * x).sum() for x in x_t], [(x * x).sum() for x in x_t]
    best = [sum(products[1:]) / sum(squares[1:])] * len(x_t) if case.shared else [p / q for p, q in zip(products, squares, strict=True)]
    left, here, right = (terms(lambda x, t, d=d: (best[t] + d) * x, case.tau) for d in (-1, 0, 1))
    if case.shared:
        left, here, right = [sum(left)], [sum(here)], [sum(right)]
    low, middle, high = (", ".join(f"{float(value):.6g}" for value in values) for values in (left, here, right))
    sentence = f"objective {middle} at the parameters that are best for all times, {low} and {high} to both sides of them"
    require(left == right and all(a < b for a, b in zip(here, left, strict=True)), sentence)


@cache
def kernels(schedule, T):
    """(alpha_t, beta_t^2) of every step of the full chain."""
    abar = schedules.amplitudes(schedule, T)
    return list(zip(abar[1:] / abar[:-1], schedules.step_deviations(abar) ** 2, strict=True))


def dense_alpha(x_t, eps, z, abar, bbar, now, then, eta):
    sigma = eta * ddim.posterior_deviation(*between(abar, bbar, now, then))
    return ddim.step(x_t, eps, z, abar[now], bbar[now], abar[now - 1], bbar[then], sigma)


def dense_sigma(x_t, eps, z, abar, bbar, now, then, eta):
    sigma, right = (eta * ddim.posterior_deviation(*between(abar, bbar, now, before)) for before in (now - 1, then))
    fits = (sigma <= bbar[then]) * 1  # where it leaves no root it would give itself away
    return ddim.step(x_t, eps, z, *between(abar, bbar, now, then), fits * sigma + (1 - fits) * right)


def with_sigma(sigma):
    """The jump with another deviation, sigma(abar_t, bbar_t, abar_prev, bbar_prev, eta)."""

    def jump(x_t, eps, z, abar, bbar, now, then, eta):
        levels = between(abar, bbar, now, then)
        return ddim.step(x_t, eps, z, *levels, sigma(*levels, eta))

    return variant(ddim, jump=jump)


eta_scales_the_variance = with_sigma(lambda *given: given[-1] ** 0.5 * ddim.posterior_deviation(*given[:-1]))
sigma_ignored = with_sigma(lambda *given: 0 * ddim.posterior_deviation(*given[:-1]))


@claim(
    POST,
    "subsequence-step-uses-bar-quantities",
    section="Accelerating generation",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    headline=True,
    effort=0.5,
    says=r"The step from $\tau_i$ to $\tau_{i-1}$ is the same formula with $\alpha_t$ replaced by $\bar\alpha_{\tau_i} / "
    r"\bar\alpha_{\tau_{i-1}}$ and $\tilde\sigma_{\tau_i} = \frac{\bar\beta_{\tau_{i-1}}}{\bar\beta_{\tau_i}} \sqrt{1 - "
    r"\bar\alpha_{\tau_i}^2 / \bar\alpha_{\tau_{i-1}}^2}$: not those of the full chain.",
    scope=r"Increasing $\tau$ with $\tau_0 = 0$; $\bar\alpha^2 + \bar\beta^2 = 1$ for the formula of $\tilde\sigma$.",
    found=r"Holds to 50 digits on five schedules: with $\tilde\sigma$ the jump is the posterior $p(x_{\tau_{i-1}}|x_{\tau_i}, x_0)$ of "
    r"the full chain, all its kernels multiplied. The full chain's $\sigma_{\tau_i}$ can be too small or too large; as long as it leaves a "
    r"root, every marginal is still right, so no test of marginals sees it.",
    limits=r"Levels of up to 1000 steps. Executors are judged in float64 alone: no other type holds levels with $\bar\alpha^2 + "
    r"\bar\beta^2 = 1$ well enough for all forms of $\tilde\sigma$ to agree. Whether a network trained on all times is good at the chosen "
    r"ones is not a statement about the step.",
    if_fails=r"alpha or sigma is that of the full chain at $\tau_i$",
    zh=dict(
        says=r"从 $\tau_i$ 到 $\tau_{i-1}$ 的一步沿用同一公式，只是 $\alpha_t$ 换成 $\bar\alpha_{\tau_i} / \bar\alpha_{\tau_{i-1}}$，且 "
        r"$\tilde\sigma_{\tau_i} = \frac{\bar\beta_{\tau_{i-1}}}{\bar\beta_{\tau_i}} \sqrt{1 - \bar\alpha_{\tau_i}^2 / "
        r"\bar\alpha_{\tau_{i-1}}^2}$，而不是原链上的量。",
        scope=r"$\tau$ 递增且 $\tau_0 = 0$；$\tilde\sigma$ 的公式需要 $\bar\alpha^2 + \bar\beta^2 = 1$。",
        found=r"在五个噪声调度上以 50 位精度成立：取 $\tilde\sigma$ 时，跳步就是原链的后验 $p(x_{\tau_{i-1}}|x_{\tau_i}, x_0)$，"
        r"由原链的各个核全部相乘得到。原链的 $\sigma_{\tau_i}$ 可能过小，也可能过大；只要根式还存在，每个边缘分布就仍然正确，"
        "所以关于边缘分布的检验都看不出来。",
        limits=r"至多 1000 步的噪声水平。浮点部分只在 float64 下判定：其他类型都不能足够准确地满足 $\bar\alpha^2 + \bar\beta^2 = 1$，使 "
        r"$\tilde\sigma$ 的各种写法一致。用全部时刻训练的网络在所选的时刻上好不好，不是关于这一步的论断。",
        if_fails=r"$\alpha$ 或 $\sigma$ 用的是原链在 $\tau_i$ 处的值",
        names={
            "jump at [#]": "跳步，位置 [#]",
            "sigma of the full chain / sigma of the jump": r"原链的 $\sigma$ / 跳步的 $\sigma$",
            "alpha of the jump / alpha of the full chain": r"跳步的 $\alpha$ / 原链的 $\alpha$",
        },
    ),
)
@subjects(
    ddim,
    alpha_of_the_full_chain=variant(ddim, jump=dense_alpha),
    sigma_of_the_full_chain=variant(ddim, jump=dense_sigma),
    step_of_the_full_chain=variant(ddim, jump=lambda *given: ddim.jump(*given[:-2], given[-3] - 1, given[-1])),
    root_of_the_other_sign=variant(ddim, jump=partial(ddim.jump, step=root_of_the_other_sign)),
    eta_scales_the_variance=eta_scales_the_variance,
    small_eta_taken_for_0=variant(ddim, jump=lambda *given: ddim.jump(*given[:-1], given[-1] * (given[-1] > 0.1))),
    deviations_swapped_in_sigma=with_sigma(lambda a_t, b_t, a, b, eta: eta * b * (1 - (a_t / a) ** 2) ** 0.5 * b_t),
    sigma_ignored=sigma_ignored,
    sigma_off_in_digit_20=with_sigma(lambda *given: (sigma := given[-1] * ddim.posterior_deviation(*given[:-1])) - TINY * sigma),
)
@given(case=subsequences(), batch=jumps())
def test_a_jump_is_the_posterior_of_the_full_chain(subject, case, batch, executors):
    jump = admitting(subject.jump)
    abar = schedules.amplitudes(case.schedule, case.T)
    bbar = schedules.deviations(abar)
    jumped = [chained(kernels(case.schedule, case.T)[then:now]) for then, now in pairwise(case.tau)]
    variances = accumulate(jumped, lambda variance, kernel: kernel[0] ** 2 * variance + kernel[1], initial=0 * abar[0])
    before2 = np.array([variance for variance, _ in zip(variances, jumped, strict=False)], dtype=object)
    alpha, beta2 = (np.array(column, dtype=object) for column in zip(*jumped, strict=True))
    earlier = Gaussian(0 * alpha, (before2**0.5, 0 * alpha))  # both given x_0, about their means abar x_0
    later = Gaussian(0 * alpha, (alpha * earlier.loadings[0], beta2**0.5))
    _, variance = posterior(earlier, later)  # with the marginals and the sign of the noise kept it fixes the gain on x_t

    now, then = np.array(case.tau[1:]), np.array(case.tau[:-1])
    at = tuple(balls(tensor[:1]) for tensor in (batch.x_t, batch.eps, batch.z))
    for eta in {1.0, batch.eta}:
        check_law(read(jump, at, abar, bbar, now, then, eta), *between(abar, bbar, now, then), eta * variance**0.5)
    executors.only(torch.float64).hold("jump", jump, batch.arguments, truth.jump(*batch.without_deviations))

    alpha_of_the_chain = abar[now] / abar[now - 1]
    sigma_of_the_chain = bbar[now - 1] * (1 - alpha_of_the_chain**2) ** 0.5 / bbar[now]
    for i in np.flatnonzero((then > 0) & (then < now - 1)):
        measured("sigma of the full chain / sigma of the jump", float((sigma_of_the_chain[i] / variance[i] ** 0.5).mid()))
        measured("alpha of the jump / alpha of the full chain", float((alpha[i] / alpha_of_the_chain[i]).mid()))
