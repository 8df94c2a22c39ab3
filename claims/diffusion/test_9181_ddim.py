"""Talks on diffusion models (4): DDIM = DDPM seen from above (post 9181).

A step is affine in the state, the predicted noise and the injected noise: it is read at zero and at the unit vectors, in
ball arithmetic, and Gaussians are pushed through it in closed form. Marginals alone do not fix it: they hold for every
sigma, for both signs of the root, and with the dense chain's sigma on a subsequence. So the deviation of the noise is
compared too, and the step itself with the only one of the right sign, on executors: there a wrong sign is never small.
"""

import math
from dataclasses import replace
from functools import partial
from itertools import pairwise

import torch
from hypothesis import given

from claims import Finding, Kind, Post, Refuted, claim, counterexample, subjects, variant
from impls.diffusion import ddim, plug_in
from oracles import ddim as truth
from oracles import schedules
from oracles.ball import balls, rounded
from oracles.evidence import Strength, Unsettled, equal, measured, require
from oracles.executors import Executor, Executors
from oracles.gaussian import Gaussian, chained, posterior, probe
from oracles.identity import vanishes
from oracles.mixture import Mixture
from strategies.diffusion.steps import Flow, SecondExample, Steps, data_steps, flows, jumps, second_examples, shares, steps, subsequences
from strategies.tensors import dyadic

POST = Post(
    9181,
    date="2022-07-27",
    en="Talks on generative diffusion models (4): DDIM = DDPM seen from above",
    zh="生成扩散模型漫谈（四）：DDIM = 高观点DDPM",
    topic="diffusion",
)
FLOAT64 = Executors((Executor("cpu", torch.float64),))
TINY = 10.0**-20  # relative errors of this size are nothing on executors: only the 50-digit half of a check can see them


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


def admitting(step):
    """The step, where the statement says that it exists: refusing it there is a refutation, not an error of the caller."""

    def admitted(*given):
        try:
            return step(*given)
        except ValueError as error:
            raise Refuted(f"refuses an admissible step: {error}") from error

    return admitted


def read(step, at, *levels):
    """The coefficients of (x_t, eps, z) in the step between these levels; `at` is the point that shows it to be affine."""
    return probe(lambda *state: step(*state, *levels), at)


def check_law(affine, abar_t, bbar_t, abar_prev, bbar_prev, sigma):
    """Mean and variance given x_0 = 1, and the noise that is injected. A constant term would show in the mean."""
    A_x, A_e, A_n = affine.coefficients
    one, nothing = A_x * 0 + 1, A_x * 0
    given_x0 = (Gaussian(abar_t, (bbar_t, nothing)), Gaussian(nothing, (one, nothing)), Gaussian(nothing, (nothing, one)))
    got = affine.push(*given_x0)
    terms = abs(A_x * bbar_t) + abs(A_e)
    vanishes("mean given x_0 = 1", got.mean - abar_prev, abar_prev)
    vanishes("variance given x_0", got.variance - bbar_prev**2, terms**2 + bbar_prev**2)
    vanishes("deviation of the injected noise", A_n - sigma, one)


@claim(
    POST,
    "ddim-kernel-preserves-conditional-marginal",
    section="Undetermined coefficients",
    kind=Kind.DISTRIBUTION,
    finding=Finding.HOLDS,
    headline=True,
    says=r"With $\kappa_t = \sqrt{\bar\beta_{t-1}^2 - \sigma_t^2} / \bar\beta_t$ and $\lambda_t = \bar\alpha_{t-1} - \bar\alpha_t "
    r"\kappa_t$ the kernel $\mathcal N(\kappa_t x_t + \lambda_t x_0, \sigma_t^2 I)$ takes $p(x_t|x_0)$ to $p(x_{t-1}|x_0)$, whatever "
    r"$\sigma_t$.",
    zh=r"取 $\kappa_t = \sqrt{\bar\beta_{t-1}^2 - \sigma_t^2} / \bar\beta_t$、$\lambda_t = \bar\alpha_{t-1} - \bar\alpha_t \kappa_t$，则不论 "
    r"$\sigma_t$ 为何，$\mathcal N(\kappa_t x_t + \lambda_t x_0, \sigma_t^2 I)$ 都把 $p(x_t|x_0)$ 变为 $p(x_{t-1}|x_0)$。",
    scope="Isotropic Gaussians, a mean linear in both arguments; the post does not ask for a variance-preserving schedule.",
    found=r"Holds to 50 digits for $0 \le \sigma_t \le \bar\beta_{t-1}$ and any levels, given the true $x_0$. Marginals alone cannot tell "
    r"whether $\sigma_t$ is used at all, nor the sign of the root; both are checked besides, the sign to the precision of each executor.",
    limits="One step given the true $x_0$; what the estimate of $x_0$ costs is another claim. Forms that go through $\\kappa_t x_t$ may "
    "exceed the error budget off variance-preserving schedules.",
    if_fails="the mean and the injected noise belong to different values of sigma",
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
@given(case=steps())
def test_kernel_preserves_the_marginal(subject, case, executors):
    step = admitting(subject.step)
    executors.hold("step", step, case.tensors, truth.step(*case.tensors))  # first: a step of tensors only gets this far
    states, given_levels = tuple(map(balls, case.tensors[:3])), tuple(map(balls, case.tensors[3:]))
    check_law(read(step, states, *given_levels), *given_levels)


def dense_alpha(x_t, eps, z, abar, bbar, now, then, eta):
    sigma = eta * ddim.posterior_deviation(abar[now], bbar[now], abar[then], bbar[then])
    return ddim.step(x_t, eps, z, abar[now], bbar[now], abar[now - 1], bbar[then], sigma)


def dense_sigma(x_t, eps, z, abar, bbar, now, then, eta):
    if then == 0:  # no noise in the last step, as samplers usually have it: the bound on sigma must not give this one away
        return ddim.jump(x_t, eps, z, abar, bbar, now, then, eta)
    sigma = eta * ddim.posterior_deviation(abar[now], bbar[now], abar[now - 1], bbar[now - 1])
    return ddim.step(x_t, eps, z, abar[now], bbar[now], abar[then], bbar[then], sigma)


def with_sigma(sigma):
    """The jump with another deviation, sigma(abar_t, bbar_t, abar_prev, bbar_prev, eta)."""

    def jump(x_t, eps, z, abar, bbar, now, then, eta):
        levels = abar[now], bbar[now], abar[then], bbar[then]
        return ddim.step(x_t, eps, z, *levels, sigma(*levels, eta))

    return variant(ddim, jump=jump)


@claim(
    POST,
    "subsequence-step-uses-bar-quantities",
    section="Accelerating generation",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    headline=True,
    says=r"The step from $\tau_i$ to $\tau_{i-1}$ is the same formula with $\alpha_t$ replaced by $\bar\alpha_{\tau_i} / "
    r"\bar\alpha_{\tau_{i-1}}$ and $\tilde\sigma_{\tau_i} = \frac{\bar\beta_{\tau_{i-1}}}{\bar\beta_{\tau_i}} \sqrt{1 - "
    r"\bar\alpha_{\tau_i}^2 / \bar\alpha_{\tau_{i-1}}^2}$: not those of the full chain.",
    zh=r"从 $\tau_i$ 到 $\tau_{i-1}$ 的一步沿用同一公式，只是 $\alpha_t$ 换成 $\bar\alpha_{\tau_i} / \bar\alpha_{\tau_{i-1}}$，且 $\tilde\sigma_{\tau_i} = "
    r"\frac{\bar\beta_{\tau_{i-1}}}{\bar\beta_{\tau_i}} \sqrt{1 - \bar\alpha_{\tau_i}^2 / \bar\alpha_{\tau_{i-1}}^2}$，而不是原链上的量。",
    scope=r"Increasing $\tau$ with $\tau_0 = 0$; $\bar\alpha^2 + \bar\beta^2 = 1$ for the formula of $\tilde\sigma$.",
    found=r"Holds to 50 digits on five schedules: with $\tilde\sigma$ the jump is the posterior $p(x_{\tau_{i-1}}|x_{\tau_i}, x_0)$ of "
    r"the full chain, all its kernels multiplied. With the full chain's $\sigma_{\tau_i}$ every marginal is still right, so no test of "
    r"marginals sees it.",
    limits=r"Levels of up to 1000 steps. Executors are judged in float64 alone: no other type holds levels with $\bar\alpha^2 + "
    r"\bar\beta^2 = 1$ well enough for all forms of $\tilde\sigma$ to agree. Whether a network trained on all times is good at the chosen "
    r"ones is not a statement about the step.",
    if_fails=r"alpha or sigma is that of the full chain at $\tau_i$",
)
@subjects(
    ddim,
    alpha_of_the_full_chain=variant(ddim, jump=dense_alpha),
    sigma_of_the_full_chain=variant(ddim, jump=dense_sigma),
    step_of_the_full_chain=variant(ddim, jump=lambda *given: ddim.jump(*given[:-2], given[-3] - 1, given[-1])),
    eta_scales_the_variance=with_sigma(lambda *given: given[-1] ** 0.5 * ddim.posterior_deviation(*given[:-1])),
    deviations_swapped_in_sigma=with_sigma(lambda a_t, b_t, a, b, eta: eta * b * (1 - (a_t / a) ** 2) ** 0.5 * b_t),
    sigma_ignored=with_sigma(lambda a_t, b_t, a, b, eta: 0 * b),
    sigma_off_in_digit_20=with_sigma(lambda *given: (eta_sigma := given[-1] * ddim.posterior_deviation(*given[:-1])) - TINY * eta_sigma),
)
@given(case=subsequences(), batch=jumps())
def test_a_jump_is_the_posterior_of_the_full_chain(subject, case, batch, executors):
    jump = admitting(subject.jump)
    in_float64 = replace(executors, present=tuple(e for e in executors.present if e.dtype is torch.float64))
    in_float64.hold("jump", jump, batch.arguments, truth.jump(*batch.without_deviations))
    abar = schedules.amplitudes(case.schedule, case.T)
    bbar, beta = schedules.deviations(abar), schedules.step_deviations(abar)
    kernels = list(zip(abar[1:] / abar[:-1], beta**2, strict=True))
    at = tuple(balls(tensor[:1]) for tensor in (batch.x_t, batch.eps, batch.z))
    one, nothing = balls(torch.ones(1)), balls(torch.zeros(1))
    for then, now in pairwise(case.tau):
        _, before2 = chained(kernels[:then])
        alpha, beta2 = chained(kernels[then:now])
        earlier = Gaussian(nothing, (one * before2**0.5, nothing))  # both given x_0, about their means abar x_0
        later = Gaussian(nothing, (alpha * earlier.loadings[0], one * beta2**0.5))
        _, variance = posterior(earlier, later)  # with the marginals and the sign of the root it fixes the gain on x_t
        for eta in {1.0, batch.eta}:
            check_law(read(jump, at, abar, bbar, now, then, eta), abar[now], bbar[now], abar[then], bbar[then], eta * variance**0.5)
        if 0 < then < now - 1:
            dense = bbar[now - 1] * beta[now - 1] / bbar[now]
            measured("sigma of the full chain / sigma of the jump", float((dense / variance[0] ** 0.5).mid()))
            measured("alpha of the jump / alpha of the full chain", float((alpha / kernels[now - 1][0]).mid()))


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
    says=r"In principle there are hardly any constraints on $\sigma_t$; the second example is $\sigma_t = \beta_t$.",
    zh=r"原则上对 $\sigma_t$ 没有太多约束；第二个例子取 $\sigma_t = \beta_t$。",
    scope="The post states none.",
    found=r"The root needs $0 \le \sigma_t \le \bar\beta_{t-1}$. The second example satisfies it exactly where $\bar\alpha_t \ge "
    r"\bar\alpha_{t-1}^2$: never at $t = 1, 2$, nor at $t = 3$ on the post's schedule, and not at the last step of thinned-out cosine "
    r"schedules. There a step must refuse, or take the nearest $\sigma_t$ that is admissible.",
    limits="Five schedules with variance preserved, dense or every 10th, 50th, 100th step; float64 levels. Where an excess of one unit in "
    "the last place leads to a number, it is too small to tell.",
    if_fails="the bound is tested against the deviation at $t$, or in too low a precision",
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
    case=SecondExample("post", 1000, steps=(3,)),
    state=torch.ones(3, dtype=torch.float64),
    picked=torch.zeros(1, dtype=torch.float64),
)
@given(case=second_examples(), state=dyadic(3), picked=shares(8))
def test_sigma_is_bounded_by_the_previous_deviation(subject, case, state, picked):
    abar = schedules.amplitudes(case.schedule, case.T, case.stride)
    bbar, beta = schedules.deviations(abar), schedules.step_deviations(abar)
    outside = negative(bbar[:-1] ** 2 - beta**2)
    equal(outside, negative(abar[1:] - abar[:-1] ** 2), "steps at which beta_t is too large, by the amplitudes")
    equal(outside, too_large_by_the_finding(case), "steps at which beta_t is too large, by the finding")
    measured("steps at which beta_t is too large", len(outside))
    inside = [t for t in range(1, len(abar)) if t not in outside]
    # The steps next to the bound, the last ones, and some between; all of them would cost a second.
    between = {inside[round(float(share) * (len(inside) - 1))] for share in picked}
    looked_at = list(case.steps) or sorted({*inside[:4], *inside[-2:], *between})
    abar, bbar, beta = map(rounded, (abar, bbar, beta))

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


def swapped(x_t, eps, z, abar_t, bbar_t, abar_prev, bbar_prev, sigma):
    alpha = abar_t / abar_prev
    return (x_t - (bbar_prev - alpha * bbar_t) * eps) / alpha + sigma * z


def half_of_ddpm(x_t, eps, z, abar_t, bbar_t, abar_prev, bbar_prev, sigma):
    alpha = abar_t / abar_prev
    return (x_t - (1 - alpha**2) / (2 * bbar_t) * eps) / alpha + sigma * z


def euler_in_log_amplitude(x_t, eps, z, abar_t, bbar_t, abar_prev, bbar_prev, sigma):
    """Euler's method for dx = (x - eps / bbar) d log abar: of first order as well, but another scheme."""
    return x_t + (abar_prev / abar_t - 1) * (x_t - eps / bbar_t) + sigma * z


def noise_of_the_step_before(x, predictor, *levels):
    seen = []

    def late(x, t):
        seen.append(predictor(x, t))
        return seen[-2:][0]

    return ddim.flow(x, late, *levels)


def followed(flow, case, N):
    """Where N steps of the flow take the case's starts with the exact predictor."""
    exponent = 5 * (torch.arange(N + 1, dtype=torch.float64) / N) ** case.power
    abar, bbar = torch.exp(-exponent), torch.sqrt(-torch.expm1(-2 * exponent))
    return flow(torch.tensor(case.starts, dtype=torch.float64), lambda x, t: case.mixture.noise(x, abar[t], bbar[t]), abar, bbar)


@claim(
    POST,
    "ddim-step-is-first-order-ode-solver",
    section="Differential equations",
    kind=Kind.LIMIT,
    finding=Finding.HOLDS_IN_SCOPE,
    headline=True,
    effort=0.12,
    says=r"At $\sigma_t = 0$ the step reads $\frac{x_t}{\bar\alpha_t} - \frac{x_{t-1}}{\bar\alpha_{t-1}} = "
    r"\Big(\frac{\bar\beta_t}{\bar\alpha_t} - \frac{\bar\beta_{t-1}}{\bar\alpha_{t-1}}\Big) \epsilon(x_t, t)$: Euler's method for an "
    r"ordinary differential equation, whose flow it approaches.",
    zh=r"取 $\sigma_t = 0$ 时，一步可写成 $\frac{x_t}{\bar\alpha_t} - \frac{x_{t-1}}{\bar\alpha_{t-1}} = \Big(\frac{\bar\beta_t}{\bar\alpha_t} - "
    r"\frac{\bar\beta_{t-1}}{\bar\alpha_{t-1}}\Big) \epsilon(x_t, t)$，即常微分方程的欧拉法，步数增多时趋于其流。",
    scope=r"$\sigma_t = 0$ and many steps.",
    found=r"The rewriting is exact in one step, and along short chains to float64, with $\epsilon$ taken at the later time. On times "
    r"uniform in $t$, with a smooth density and the exact $\epsilon$, the error halves with the step (order 0.98 to 1.00). On times "
    r"uniform in $t^2$ the order is only 0.7 at 200 steps.",
    limits="One-dimensional mixtures with deviations of at least a quarter, 100 to 400 steps; a learned predictor adds its own error.",
    if_fails=r"$\bar\beta_t$ and $\bar\beta_{t-1}$ are exchanged, or $\epsilon$ is taken at the wrong time",
)
@subjects(
    ddim,
    deviations_swapped=with_step(swapped),
    ddpm_mean=with_step(ddpm_mean),
    half_of_the_ddpm_coefficient=with_step(half_of_ddpm),
    euler_in_another_variable=with_step(euler_in_log_amplitude),
    predictor_at_the_earlier_time=variant(ddim, flow=lambda x, predictor, *given: ddim.flow(x, lambda x, t: predictor(x, t - 1), *given)),
    chain_with_deviations_swapped=variant(ddim, flow=partial(ddim.flow, step=swapped)),
    chain_with_the_ddpm_mean=variant(ddim, flow=partial(ddim.flow, step=ddpm_mean)),
    noise_of_the_step_before=variant(ddim, flow=noise_of_the_step_before),
    step_off_in_digit_20=variant(ddim, step=mean_off_in_digit_20),
)
@counterexample(
    r"on times uniform in $t^2$ the local errors in $\bar\beta/\bar\alpha$ add up to about $\log N / N$, and the order is still below 0.9",
    case=Flow(Mixture((0.3, 0.7), (-1.0, 0.8), (0.3, 0.5)), power=1),
    batch=Steps(*torch.tensor([[1.0], [0.5], [0.0], [0.5], [0.75], [0.75], [0.5], [0.0]], dtype=torch.float64).expand(8, 4)),
)
@given(case=flows(), batch=steps())
def test_ddim_is_eulers_method(subject, case, batch):
    x, eps, z, abar_t, bbar_t, abar_prev, bbar_prev, _ = map(balls, batch.tensors)
    step = admitting(subject.step)
    affine = read(step, (x, eps, z), abar_t, bbar_t, abar_prev, bbar_prev, 0 * bbar_prev)
    u, u_prev = bbar_t / abar_t, bbar_prev / abar_prev
    residual = x / abar_t - affine(x, eps, z) / abar_prev - (u - u_prev) * eps
    vanishes("one step as Euler's", residual, 1 + abs(x) / abar_t + (u + u_prev) * abs(eps))

    # A chain of three steps with the predictor eps_t + z_t x: the levels of single steps, of which nothing more is needed.
    eps, z, abar, bbar = (tensor.reshape(4, -1) for tensor in (batch.eps, batch.z, batch.abar_t, batch.bbar_t))
    x = batch.x_t[: len(batch.x_t) // 4]
    chain = lambda *given: admitting(subject.flow)(given[0], lambda x, t: given[1][t] + given[2][t] * x, *given[3:])
    FLOAT64.hold("chain", chain, (x, eps, z, abar, bbar), truth.eulers_chain(x, eps, z, abar, bbar))

    reference = case.mixture.origin(case.starts, -5)
    errors = []
    for N in (100, 200, 400):
        errors.append(float((followed(subject.flow, case, N) - reference).norm()))
    # Errors of 1e-3 and more: rounding, 400 steps of some 2^-53, is nine orders of magnitude below. The norm over several
    # starts cannot vanish by a change of sign as that of one start can.
    for coarse, fine in pairwise(errors):
        order = math.log2(coarse / fine)
        measured("order of convergence", order)
        sentence = f"order {order:.3f} instead of 1: errors {coarse:.3g} and {fine:.3g} with twice the steps"
        require(abs(order - 1) <= 0.1, sentence, arithmetic="float64", strength=Strength.BUDGET)


def lost(weight):
    """The loss of variance with another weight of Var(x_0 | x_t): weight(kappa, lambda, sigma, sigma - the posterior's sigma)."""

    def lost_variance(abar_t, bbar_t, abar_prev, bbar_prev, sigma, s2):
        kappa = (bbar_prev**2 - sigma**2) ** 0.5 / bbar_t
        lambda_t = abar_prev - abar_t * kappa
        excess = sigma - ddim.posterior_deviation(abar_t, bbar_t, abar_prev, bbar_prev)
        return weight(kappa, lambda_t, sigma, excess) * s2 * bbar_t**2 / (abar_t**2 * s2 + bbar_t**2)

    return variant(plug_in, lost_variance=lost_variance)


@claim(
    POST,
    "plug-in-x0-estimate-loses-variance",
    section="Business as usual",
    kind=Kind.APPROXIMATION,
    finding=Finding.APPROXIMATE,
    says=r"With $x_0$ replaced by its estimate $\bar\mu(x_t)$, $p(x_{t-1}|x_t) \approx p(x_{t-1}|x_t, x_0 = \bar\mu(x_t))$.",
    zh=r"把 $x_0$ 换成它的估计 $\bar\mu(x_t)$，有 $p(x_{t-1}|x_t) \approx p(x_{t-1}|x_t, x_0 = \bar\mu(x_t))$。",
    scope="A good predictor; the post states no size of the error.",
    found=r"With the exact predictor one step from the true $p(x_t)$ keeps the mean and loses exactly the variance $\lambda_t^2\, \mathbb "
    r"E[\mathrm{Var}(x_0|x_t)]$: on data $\mathcal N(m, s^2 I)$, where it was checked, $\lambda_t^2 s^2 \bar\beta_t^2 / "
    r"(\bar\alpha_t^2 s^2 + \bar\beta_t^2)$, and nothing for a point mass.",
    limits="Gaussian data alone, where the exact predictor is affine; for others the loss follows from the law of total variance and is "
    "not checked. One step, not the chain.",
    if_fails=r"$\kappa_t$ and $\lambda_t$ are exchanged, or the loss is taken to vanish at some $\sigma_t$",
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
@given(case=data_steps(), state=dyadic(3, 1))
def test_plugging_in_the_estimate_loses_variance(subject, case, state):
    abar = schedules.amplitudes(case.schedule, case.T)
    bbar, beta = schedules.deviations(abar), schedules.step_deviations(abar)
    abar_t, bbar_t, abar_prev, bbar_prev = (level[t : t + 1] for t in (case.t, case.t - 1) for level in (abar, bbar))
    sigma = case.eta * bbar_prev * beta[case.t - 1 : case.t] / bbar_t
    affine = read(subject.step, tuple(map(balls, state)), abar_t, bbar_t, abar_prev, bbar_prev, sigma)

    one, nothing = balls(torch.ones(1)), balls(torch.zeros(1))
    x_t = Gaussian(abar_t * case.mean, (abar_t * case.s, bbar_t, nothing))  # by x_0, the noise in x_t, and z
    gain, _ = posterior(Gaussian(nothing, (nothing, one, nothing)), x_t)
    eps = Gaussian(nothing, tuple(gain * loading for loading in x_t.loadings))
    got = affine.push(x_t, eps, Gaussian(nothing, (nothing, nothing, one)))
    marginal = Gaussian(abar_prev * case.mean, (abar_prev * case.s, bbar_prev, nothing))

    deficit = marginal.variance - got.variance
    vanishes("mean", got.mean - marginal.mean, 1 + abs(marginal.mean))
    stated = subject.lost_variance(abar_t, bbar_t, abar_prev, bbar_prev, sigma, one * case.s**2)
    vanishes("variance that one step loses", deficit - stated, marginal.variance + one * 2.0**-80)
    if case.s:
        measured(f"share of the variance lost in one of {case.T} steps", float((deficit / marginal.variance)[0].mid()))
