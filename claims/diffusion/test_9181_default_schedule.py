"""Talks on diffusion models (4), part "Differential equations" (post 9181): DDPM's default schedule in closed form.

The exact sums are taken in ball arithmetic at every t, so a strict inequality is certified however small its margin.
"""

import numpy as np
import torch
from hypothesis import example, given

from claims import Finding, Kind, claim, subjects, variant
from claims.diffusion.test_9181_ddim import FLOAT64, POST, TINY
from impls.diffusion import default_schedule
from oracles import schedules
from oracles.ball import balls, rounded
from oracles.budget import Bound
from oracles.evidence import measured
from oracles.identity import below, vanishes
from strategies.diffusion.ode import lengths


def post_schedule(T):
    """t = 1..T and log abar_t of the schedule alpha_t^2 = 1 - 0.02 t/T, in balls."""
    return balls(torch.arange(1, T + 1, dtype=torch.float64)), np.log(schedules.amplitudes("post", T)[1:])


def next_term(t, T):
    """Bounds -log(1 - x) / x - 1 for every x up to 0.02 t/T: the series x/2 + x^2/3 + .. is below x/2 + x^2/2 + .."""
    x = t / (50 * T)
    return x / (1 - x) / 2


def sum_of_first_terms(t, T):
    """The first term of the series of every logarithm, added up: -0.01 k/T for k = 1..t."""
    return -np.cumsum(t) / (100 * T)


def with_sum(terms):
    return variant(default_schedule, log_amplitudes=lambda t, T: torch.cumsum(terms(t, T), dim=0))


@claim(
    POST,
    "log-alpha-bar-upper-bound",
    section="Differential equations",
    kind=Kind.INEQUALITY,
    finding=Finding.HOLDS,
    effort=0.08,
    says=r"$\log\bar\alpha_t = \frac12 \sum_{k \le t} \log\big(1 - \frac{0.02 k}{T}\big) < -\frac{0.005\, t (t + 1)}{T}$, and the bound is a very "
    r"good approximation.",
    scope=r"$\alpha_t^2 = 1 - 0.02 t/T$, $1 \le t \le T$.",
    found=r"Strict at every $t$. The logarithm over the bound is at most $1 + \frac{x}{2(1-x)}$, $x = 0.02 t/T$: at most 1/98 more "
    r"than 1 for every $T$, in fact 0.67% more at $t = T$ for long schedules. The sum as printed in the post carries a misprinted index.",
    limits=r"$T$ up to 4000, every $t$.",
    if_fails=r"the factor $\frac12$ of the amplitude is lost, or the sum ends at $t - 1$",
    zh=dict(
        says=r"$\log\bar\alpha_t = \frac12 \sum_{k \le t} \log\big(1 - \frac{0.02 k}{T}\big) < -\frac{0.005\, t (t + 1)}{T}$，"
        "并且这个上界是很好的近似。",
        scope=r"$\alpha_t^2 = 1 - 0.02 t/T$，其中 $1 \le t \le T$。",
        found=r"对每个 $t$ 都是严格的。对数与上界之比至多为 $1 + \frac{x}{2(1-x)}$，$x = 0.02 t/T$：对任何 $T$ 至多比 1 大 1/98，"
        "对长的噪声调度实际在 $t = T$ 处大 0.67%。文中印出的求和式下标有误。",
        limits="$T$ 最大为 4000，检验每个 $t$。",
        if_fails=r"漏了 $\bar\alpha_t$ 开方带来的因子 $\frac12$，或求和只到 $t - 1$",
        names={
            "log abar at [#]": r"$\log\bar\alpha_t$，位置 [#]",
            "log abar_T over its bound, less #": r"$\log\bar\alpha_T$ 与其上界之比减 #",
        },
    ),
)
@subjects(
    default_schedule,
    bound_with_the_next_term=variant(default_schedule, log_bound=lambda t, T: default_schedule.log_bound(t, T) * (1 + next_term(t, T))),
    t_squared_for_t_times_t_plus_1=variant(default_schedule, log_bound=default_schedule.log_by_steps),
    half_of_the_logarithm_dropped=variant(default_schedule, log_bound=lambda t, T: -t * (t + 1) / (100 * T)),
    bound_of_1000_steps_at_every_T=variant(default_schedule, log_bound=lambda t, T: default_schedule.log_bound(t, 1000)),
    bound_off_in_digit_20=variant(default_schedule, log_bound=lambda t, T: default_schedule.log_bound(t, T) * (1 + t * 0 + TINY)),
    sum_up_to_the_step_before=variant(default_schedule, log_bound=lambda t, T: -t * (t - 1) / (200 * T)),
    logarithm_of_the_squared_amplitude=with_sum(lambda t, T: torch.log1p(-0.02 * t / T)),
    sum_that_begins_at_0=with_sum(lambda t, T: torch.log1p(-0.02 * (t - 1) / T) / 2),
    sum_of_the_first_terms_of_the_series=with_sum(lambda t, T: -0.02 * t / T / 2),
    printed_to_three_digits=with_sum(lambda t, T: torch.log1p((-0.02 * t / T).float()).double() / 2),
)
@example(T=20)
@example(T=1000)
@given(T=lengths())
def test_the_bound_on_log_abar(subject, T):
    t, log_abar = post_schedule(T)
    bound = subject.log_bound(t, T)
    below(f"log abar_t and its bound, T = {T}", log_abar, bound)
    below(f"the bound with the next term and log abar_t, T = {T}", bound * (1 + next_term(t, T)), log_abar)
    vanishes(f"bound, less the first terms of all logarithms, T = {T}", bound - sum_of_first_terms(t, T), abs(bound))
    measured("log abar_T over its bound, less 1", float((log_abar / bound)[-1].mid()) - 1)

    # 0.02 as a float, times t, over T, the logarithm (two), the half; and T terms of one sign are added. log(1 - x) has the
    # condition x / (1 - x) / -log(1 - x) <= 1 / (1 - x) <= 50/49.
    value = rounded(log_abar)
    times = torch.arange(1, T + 1, dtype=torch.float64)
    FLOAT64.hold("log abar", lambda t: subject.log_amplitudes(t, T), (times,), Bound(value, abs(value) * 50 / 49, roundings=6, sums=T))


@claim(
    POST,
    "alpha-bar-exp-schedule-approximation",
    section="Differential equations",
    kind=Kind.APPROXIMATION,
    finding=Finding.APPROXIMATE,
    effort=0.04,
    says=r"So one may take $\bar\alpha_t = e^{-0.005 t^2/T} = e^{-5 t^2/T^2}$, hence $\bar\alpha_T \approx e^{-5}$.",
    scope=r"$T = 1000$, the default of DDPM.",
    found=r"The logarithm of $\bar\alpha_t$ is $-\frac{0.005 t^2}{T}$ times a factor between $1 + \frac1t$ and $(1 + \frac1t)(1 + \frac{x}{2(1-x)})$, "
    r"$x = 0.02 t/T$. At $T = 1000$ the new $\bar\alpha_T$ is 3.9% too large, and $\bar\beta_1$ is too small by a factor of 0.707. The two "
    r"exponents are equal at $T = 1000$ alone: $\log\bar\alpha_T$ is $-0.51$ at $T = 100$ and $-10.1$ at $T = 2000$, so $e^{-5t^2/T^2}$ is a "
    r"new schedule there.",
    limits=r"$T$ up to 4000; whether a sampler notices the difference is not asked.",
    if_fails=r"$e^{-5}$ is taken for the end of the schedule at every $T$, or the exponent is that of $\bar\alpha_t^2$",
    zh=dict(
        says=r"于是可取 $\bar\alpha_t = e^{-0.005 t^2/T} = e^{-5 t^2/T^2}$，从而 $\bar\alpha_T \approx e^{-5}$。",
        scope="$T = 1000$，即 DDPM 的默认值。",
        found=r"$\bar\alpha_t$ 的对数等于 $-\frac{0.005 t^2}{T}$ 乘以一个因子，它介于 $1 + \frac1t$ 与 "
        r"$(1 + \frac1t)(1 + \frac{x}{2(1-x)})$ 之间，$x = 0.02 t/T$。$T = 1000$ 时新的 $\bar\alpha_T$ 偏大 3.9%，$\bar\beta_1$ "
        r"则偏小，为原来的 0.707 倍。两个指数只在 $T = 1000$ 时相等：$\log\bar\alpha_T$ 在 $T = 100$ 时为 $-0.51$，在 $T = 2000$ "
        "时为 $-10.1$，所以对这些 $T$，$e^{-5t^2/T^2}$ 是一个新的噪声调度。",
        limits="$T$ 最大为 4000；采样器是否感觉得到这一差别，不在考察之列。",
        if_fails=r"不论 $T$ 为何都把 $e^{-5}$ 当作噪声调度的终点，或用了 $\bar\alpha_t^2$ 的指数",
        names={
            "log abar_T at T = #": r"$\log\bar\alpha_T$（$T = #$）",
            "abar_T of e^(-# t^#/T^#) over that of the post's schedule": (
                r"e^(-# t^#/T^#) 的 $\bar\alpha_T$ 与文中噪声调度的 $\bar\alpha_T$ 之比"
            ),
            "bbar of e^(-# t^#/T^#) over that of the post's schedule at t = #": (
                r"e^(-# t^#/T^#) 的 $\bar\beta_t$ 与文中噪声调度的 $\bar\beta_t$ 之比（$t = #$）"
            ),
            "KL of p(x_T | x_# = #) from N(#, #)": "p(x_T | x_# = #) 与 N(#, #) 的 KL 散度",
        },
    ),
)
@subjects(
    default_schedule,
    the_same_end_at_every_T=variant(default_schedule, log_by_steps=default_schedule.log_by_time),
    square_of_the_amplitude=variant(default_schedule, log_by_time=lambda t, T: -10 * t * t / (T * T)),
    t_times_t_plus_1=variant(default_schedule, log_by_steps=default_schedule.log_bound),
    half_of_the_logarithm_dropped=variant(default_schedule, log_by_steps=lambda t, T: -t * t / (100 * T)),
    T_not_squared=variant(default_schedule, log_by_time=lambda t, T: -5 * t * t / T),
    both_off_in_digit_20=variant(
        default_schedule,
        log_by_steps=lambda t, T: default_schedule.log_by_steps(t, T) * (1 + t * 0 + TINY),
        log_by_time=lambda t, T: default_schedule.log_by_time(t, T) * (1 + t * 0 + TINY),
    ),
)
@example(T=100)
@example(T=200)
@example(T=500)
@example(T=1000)
@example(T=2000)
@given(T=lengths())
def test_the_exponential_schedule(subject, T):
    t, log_abar = post_schedule(T)
    by_steps, by_time = subject.log_by_steps(t, T), subject.log_by_time(t, T)
    enlarged = by_steps * (1 + 1 / t)
    below(f"log abar_t and -0.005 t^2/T (1 + 1/t), T = {T}", log_abar, enlarged)
    below(f"that with the next term and log abar_t, T = {T}", enlarged * (1 + next_term(t, T)), log_abar)
    vanishes(f"-0.005 t^2/T (1 + 1/t), less the first terms of all logarithms, T = {T}", enlarged - sum_of_first_terms(t, T), abs(enlarged))
    vanishes(f"T times the second exponent less 1000 times the first, T = {T}", by_time * T - by_steps * 1000, abs(by_steps) * T)
    if T in (100, 200, 500, 1000, 2000):
        measured(f"log abar_T at T = {T}", float(log_abar[-1].mid()))
    if T == 1000:
        measured("abar_T of e^(-5 t^2/T^2) over that of the post's schedule", float(np.exp(by_time[-1:] - log_abar[-1:])[0].mid()))
        bbar2, bbar2_new = -np.expm1(2 * log_abar), -np.expm1(2 * by_time)
        for time in (1, 2, 10, 100):
            ratio = bbar2_new[time - 1] / bbar2[time - 1]
            measured(f"bbar of e^(-5 t^2/T^2) over that of the post's schedule at t = {time}", float(ratio.mid()) ** 0.5)
        end = np.exp(2 * log_abar[-1:])[0]
        measured("KL of p(x_T | x_0 = 1) from N(0, 1)", float((-(1 - end).log() / 2).mid()))
