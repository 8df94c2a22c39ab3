"""Talks on diffusion models (4), experimental results (post 9181): what noise, fewer steps and another start do to the samples.

The post looks at images; here the data are Gaussian and the predictor exact, hence affine: a chain is read step by step, in ball
arithmetic, and its output has a known law. No samples are drawn.
"""

import math
from functools import partial
from itertools import pairwise

import torch
from hypothesis import example, given

from claims import Finding, Kind, claim, counterexample, not_checkable, subjects, variant
from claims.diffusion.test_9181_ddim import POST
from impls.diffusion import ddim, interpolation, memory
from oracles import rotation, schedules
from oracles.ball import balls
from oracles.chain import by_probing, marginal, of_the_family
from oracles.ddim import admitting
from oracles.evidence import Strength, equal, measured, require
from oracles.figure import Figure
from oracles.gaussian import posterior
from oracles.identity import vanishes
from strategies.diffusion.chains import Chains, Correlated, Start, betweens, chains, starts
from strategies.tensors import dyadic

TINY = 10.0**-20  # a relative error that float64 cannot tell
ONES = torch.ones(3, 1, dtype=torch.float64)


def with_step(step):
    return variant(ddim, jump=partial(ddim.jump, step=step))


def ddpm_mean(x_t, eps, z, abar_t, bbar_t, abar_prev, bbar_prev, sigma):
    alpha = abar_t / abar_prev
    return (x_t - (1 - alpha**2) / bbar_t * eps) / alpha


def mean_of_sigma_zero(*given):
    return ddim.step(*given[:-1], 0 * given[-1]) + given[-1] * given[2]


def noise_of_eta_one_left_in(*given):
    return ddim.jump(*given[:-1], 1.0)


def sigma_ignored(*given):
    return ddim.jump(*given[:-1], 0.0)


def eta_scales_the_variance(*given):
    return ddim.jump(*given[:-1], given[-1] ** 0.5)


def noise_in_the_last_step(x_t, eps, z, abar, bbar, now, then, eta):
    beta_1 = (1 - (abar[now] / abar[then]) ** 2) ** 0.5
    return ddim.jump(x_t, eps, z, abar, bbar, now, then, eta) + eta * beta_1 * ((then == 0) * 1) * z


VARIANCE = Figure(
    title="Share of the variance of the data that the samples have, against the number of steps",
    x="steps $N$",
    y=r"$\mathrm{Var}(x_0) / s^2$",
    log="x",
)
CURVE = [Chains("exp5", steps, (1.0, 0.5, 2.0), (0.0, 0.5, 1.0)) for steps in ((5, 10), (20, 40), (100, 200), (500, 1000))]


@claim(
    POST,
    "smaller-eta-and-more-steps-keep-more-variance",
    section="Experimental results",
    kind=Kind.INEQUALITY,
    finding=Finding.HOLDS_IN_SCOPE,
    says="Less noise in the steps gives, against intuition, more diverse samples; fewer steps give smoother ones; once sampling is "
    "accelerated, the less noise the better.",
    scope="Trained models of images.",
    found=r"Images are not checked. On data $\mathcal N(0, s^2)$, with the exact predictor and the right start, the variance that comes out "
    r"is below $s^2$, falls with $\eta$, grows when steps are inserted, and approaches $s^2$ like $1/N$. Not so on the cosine schedule for "
    "data much wider than the noise, nor from a start that is too narrow: there some noise keeps more.",
    limits=r"Five schedules of 1000 steps thinned to between 2 and 40 steps, one of them taken with up to 1000; $1/64 \le s \le 64$, on the cosine schedule "
    r"$s \le 1.5$.",
    if_fails="noise is added in the last step, or the mean belongs to another sigma than the noise",
    zh=dict(
        says="与直觉相反，注入的噪声越小，生成结果越多样；步数越少，结果越平滑；加速之后，噪声越小越好。",
        scope="训练好的图像模型。",
        found=r"图像未作检验。对数据 $\mathcal N(0, s^2)$，若预测器精确、起始分布正确，则输出的方差小于 $s^2$，随 $\eta$ 增大而减小，"
        "插入更多的步则增大，并像 $1/N$ 那样趋于 $s^2$。但对 cosine 噪声调度上远宽于噪声的数据，以及对过窄的起始分布，则不然："
        "此时加一些噪声反而保留得更多。",
        limits=r"五个 1000 步的噪声调度，抽稀到 2 至 40 步，其中一个最多取到 1000 步；$1/64 \le s \le 64$，cosine 噪声调度上 $s \le 1.5$。",
        if_fails=r"最后一步也加了噪声，或均值与噪声对应于不同的 $\sigma_t$",
        names={
            "order in #/N at # and # steps": "关于 #/N 的阶（# 步与 # 步）",
            VARIANCE.title: "样本方差占数据方差的比例随步数的变化",
            "steps $N$": "步数 $N$",
            r"$\mathrm{Var}(x_#) / s^#$": "Var(x_#) / s^#",
            "eta = #": r"$\eta = #$",
        },
    ),
)
@subjects(
    ddim,
    ddpm_mean_without_noise=with_step(ddpm_mean),
    noise_in_the_last_step=variant(ddim, jump=noise_in_the_last_step),
    mean_of_sigma_zero=with_step(mean_of_sigma_zero),
    noise_left_out=variant(ddim, jump=lambda x_t, eps, z, *given: ddim.jump(x_t, eps, 0 * z, *given)),
    eta_scales_the_variance=variant(ddim, jump=eta_scales_the_variance),
    sigma_ignored=variant(ddim, jump=sigma_ignored),
    step_off_in_digit_20=variant(ddim, jump=lambda *given: ddim.jump(*given) + TINY * given[0]),
)
@counterexample(
    r"data of deviation 4 on the cosine schedule in five steps: more comes out at $\eta = 3/4$ than without noise",
    r"标准差为 4 的数据，cosine 噪声调度，五步：$\eta = 3/4$ 时输出的方差比没有噪声时更大",
    case=Chains("cosine", (5, 10), (4.0,), (0.0, 0.75)),
    state=ONES,
)
@counterexample(
    "a start of half the variance it should have: without noise about that half comes out, with noise the start is forgotten",
    "起始方差只有应有的一半：没有噪声时输出大约也只有一半，有噪声时起点被忘掉",
    case=Chains("exp5", (100, 200), (1.0,), (0.0, 1.0), start=0.5),
    state=ONES,
)
@example(case=CURVE[0], state=ONES)
@example(case=CURVE[1], state=ONES)
@example(case=CURVE[2], state=ONES)
@example(case=CURVE[3], state=ONES)
@given(case=chains(), state=dyadic(3, 1))
def test_less_noise_and_more_steps_keep_more_variance(subject, case, state):
    whole, at = schedules.amplitudes(case.schedule, 1000), tuple(map(balls, state))
    s2 = balls(torch.tensor(case.spreads, dtype=torch.float64)) ** 2
    kept, expected = {}, {}
    for N in case.steps:
        abar = whole[:: 1000 // N]
        bbar = schedules.deviations(abar)
        start = case.start * marginal(abar[-1], bbar[-1], s2).variance
        for eta in case.etas:
            kept[N, eta] = by_probing(admitting(subject.jump), at, abar, bbar, eta, s2).variance(start) / s2
            expected[N, eta] = of_the_family(abar, bbar, eta, s2).variance(start) / s2

    def require_more(more, than, less):
        """At (N, eta) = more a larger share of the variance comes out than at `than`, where it is `less`."""
        for s, a, b in zip(case.spreads, kept[more], less, strict=True):
            sentence = (
                f"share of the variance of data with s = {s:g}: {float(a.mid()):.6g} at (N, eta) = {more}, {float(b.mid()):.6g} at {than}"
            )
            require(bool(a > b), sentence, arithmetic="50 digits", strength=Strength.CERTIFIED)

    few, many = case.steps
    for N in case.steps:
        for low, high in pairwise(case.etas):
            require_more((N, low), (N, high), kept[N, high])
    for eta in case.etas:
        require_more((many, eta), (few, eta), kept[few, eta])
    for key, share in kept.items():
        for s, a in zip(case.spreads, share, strict=True):
            sentence = f"share of the variance of data with s = {s:g} at (N, eta) = {key}: {float(a.mid()):.6g}"
            require(bool(a < 1), sentence, arithmetic="50 digits", strength=Strength.CERTIFIED)
        vanishes(f"share of the variance at (N, eta) = {key}", share - expected[key], share)
    if case in CURVE:
        for (N, eta), share in kept.items():
            VARIANCE.point(f"eta = {eta:g}", N, float(share[0].mid()))
    if case == CURVE[-1]:
        for eta in case.etas:
            for coarse, fine in zip(kept[few, eta], kept[many, eta], strict=True):
                order = math.log2((1 - coarse) / (1 - fine))
                measured("order in 1/N at 500 and 1000 steps", order)
                sentence = f"order {order:.3f} in 1/N instead of 1 at eta = {eta}"
                require(abs(order - 1) <= 0.1, sentence, arithmetic="50 digits", strength=Strength.BUDGET)


def remembered(change):
    """The prediction changed: change(C, abar, bbar, eta, s2)."""
    return variant(memory, remembered=lambda *given: change(memory.remembered(*given), *given))


@claim(
    POST,
    "samplers-sensitive-to-start-noise",
    section="Experimental results",
    kind=Kind.DISTRIBUTION,
    finding=Finding.HOLDS_IN_SCOPE,
    effort=0.6,
    says="DDPM and DDIM are both sensitive to the distribution of the noise that they start from.",
    scope="Trained models of images.",
    found=r"Images are not checked. On data $\mathcal N(0, s^2)$ with the exact predictor the variance of the output is affine in that of "
    r"the start, with slope $C^2$. DDIM adds no noise, so a start whose variance is off by a factor leads to an output off by the "
    r"same factor. DDPM forgets the start: $C = \bar\alpha_T s^2 / (\bar\alpha_T^2 s^2 + \bar\beta_T^2)$ exactly, $e^{-5}$ for unit variance and "
    r"$\bar\alpha_T = e^{-5}$.",
    limits="Gaussian data; a learned predictor is not exact away from the noise it was trained on, which may matter more.",
    if_fails=r"$C$ is taken to be the same for every $\eta$",
    zh=dict(
        says="DDPM 和 DDIM 都对起始噪声的分布敏感。",
        scope="训练好的图像模型。",
        found=r"图像未作检验。对数据 $\mathcal N(0, s^2)$ 与精确的预测器，输出的方差是起始方差的仿射函数，斜率为 $C^2$。DDIM 不加噪声，"
        r"所以起始方差差几倍，输出的方差也差几倍。DDPM 则会忘掉起点：$C = \bar\alpha_T s^2 / (\bar\alpha_T^2 s^2 + \bar\beta_T^2)$ "
        r"严格成立，当方差为 1 且 $\bar\alpha_T = e^{-5}$ 时等于 $e^{-5}$。",
        limits="高斯数据；学到的预测器离开了训练时的噪声就不再精确，这一点的影响可能更大。",
        if_fails=r"认为 $C$ 对所有 $\eta$ 都相同",
        names={"C at eta = #, # steps, s = #": r"$C$（$\eta = #$，# 步，$s = #$）"},
    ),
)
@subjects(
    memory,
    everything_remembered=remembered(lambda C, *_: C * 0 + 1),
    nothing_remembered=remembered(lambda C, *_: C * 0),
    slope_for_its_root=remembered(lambda C, *_: C**2),
    ddpm_for_every_eta=remembered(lambda C, abar, bbar, eta, s2: memory.remembered(abar, bbar, 1.0, s2)),
    ddim_for_every_eta=remembered(lambda C, abar, bbar, eta, s2: memory.remembered(abar, bbar, 0.0, s2)),
    data_of_unit_variance=remembered(lambda C, abar, bbar, eta, s2: memory.remembered(abar, bbar, eta, s2 * 0 + 1)),
    amplitude_whatever_the_data=remembered(lambda C, abar, bbar, eta, s2: C if eta < 1 else abar[-1] + 0 * C),
    noise_of_eta_one_left_in=variant(memory, jump=noise_of_eta_one_left_in),
    sigma_ignored=variant(memory, jump=sigma_ignored),
    eta_scales_the_variance=variant(memory, jump=eta_scales_the_variance),
)
@counterexample(
    r"at $\eta = 1$ a start of half its variance changes that of the output from 0.99117 to 0.99115",
    r"$\eta = 1$ 时，起始方差减半使输出的方差从 0.99117 变为 0.99115",
    case=Start("exp5", 1000, s=1.0, share=0.5, eta=1.0),
    state=ONES,
)
@example(case=Start("exp5", 10, s=1.0, share=0.5), state=ONES)
@example(case=Start("exp5", 1000, s=1.0, share=0.5), state=ONES)
@given(case=starts(), state=dyadic(3, 1))
def test_without_noise_the_output_is_off_by_as_much_as_the_start(subject, case, state):
    abar = schedules.amplitudes(case.schedule, case.N)
    bbar = schedules.deviations(abar)
    s2 = balls(torch.tensor([case.s], dtype=torch.float64)) ** 2
    x_T = marginal(abar[-1], bbar[-1], s2)
    steps = {eta: by_probing(admitting(subject.jump), tuple(map(balls, state)), abar, bbar, eta, s2) for eta in (0.0, 0.5, 1.0)}
    for eta, chain in steps.items():
        predicted = subject.remembered(abar, bbar, eta, s2)
        vanishes(f"C at eta = {eta}: what is remembered, less the prediction", chain.remembered - predicted, 1 + abs(predicted))
        vanishes(f"C at eta = {eta}", chain.remembered - of_the_family(abar, bbar, eta, s2).remembered, 1 + abs(predicted))
        if case.N == 1000:
            measured(f"C at eta = {eta}, 1000 steps, s = {case.s:g}", float(predicted[0].mid()))
    gain, _ = posterior(marginal(abar[0], bbar[0], s2), x_T)
    vanishes("C at eta = 1, less the regression of x_0 on x_T", steps[1.0].remembered - gain, gain)

    chain = steps[case.eta]
    right, off = chain.variance(x_T.variance), chain.variance(case.share * x_T.variance)
    sentence = f"a start of {case.share:g} times its variance changes that of the output from {float(right[0].mid()):.6g} to {float(off[0].mid()):.6g}"
    require(bool((off - case.share * right)[0].contains(0)), sentence, arithmetic="50 digits", strength=Strength.CERTIFIED)


def turn(angle):
    """The interpolation with another angle(lam)."""
    return variant(interpolation, spherical=lambda z_1, z_2, lam: z_1 * angle(lam).cos() + z_2 * angle(lam).sin())


CORRELATIONS = (-0.5, 0.5, 1.0)  # -1 would leave nothing in the middle, and no budget to judge it by


def great_circle(z_1, z_2, lam):
    """Of the paper: along the great circle through both vectors, whose angle is only on average a right one."""
    lengths = (z_1.norm(dim=-1, keepdim=True) * z_2.norm(dim=-1, keepdim=True)).clamp(min=0.001)
    angle = torch.arccos((z_1 * z_2).sum(-1, keepdim=True) / lengths)
    return (z_1 * ((1 - lam) * angle).sin() + z_2 * (lam * angle).sin()) / angle.sin()


@claim(
    POST,
    "slerp-keeps-standard-normal-linear-does-not",
    section="Experimental results",
    kind=Kind.DISTRIBUTION,
    finding=Finding.HOLDS_IN_SCOPE,
    effort=0.5,
    says=r"For $z_1, z_2 \sim \mathcal N(0, I)$ the mean $\lambda z_1 + (1 - \lambda) z_2$ is not standard normal in general, while $z_1 \cos "
    r"\frac{\lambda \pi}{2} + z_2 \sin \frac{\lambda \pi}{2}$ is.",
    scope=r"$\lambda \in [0, 1]$; the post does not ask for independence.",
    found=r"Exactly so for independent vectors: the variance is $\cos^2 + \sin^2 = 1$, that of the linear mean $\lambda^2 + (1 - \lambda)^2$, down "
    r"to one half. With correlation $\rho$ it is $1 + \rho \sin \lambda \pi$. The two run in opposite directions: at $\lambda = 0$ one is "
    r"$z_1$ and the other $z_2$.",
    limits="The great circle through the two vectors themselves, as the paper has it, is another curve, and its law is not examined.",
    if_fails="the angle is not a quarter turn at the end, or the weights are not those of a turn",
    zh=dict(
        says=r"设 $z_1, z_2 \sim \mathcal N(0, I)$，则 $\lambda z_1 + (1 - \lambda) z_2$ 一般不再服从标准正态分布，而 "
        r"$z_1 \cos \frac{\lambda \pi}{2} + z_2 \sin \frac{\lambda \pi}{2}$ 服从。",
        scope=r"$\lambda \in [0, 1]$；文中没有要求独立。",
        found=r"对独立的向量严格成立：方差为 $\cos^2 + \sin^2 = 1$，线性平均的方差则为 $\lambda^2 + (1 - \lambda)^2$，最低降到二分之一。"
        r"若相关系数为 $\rho$，则方差为 $1 + \rho \sin \lambda \pi$。两者的方向相反：$\lambda = 0$ 时一个是 $z_1$，另一个是 $z_2$。",
        limits="论文用的是过这两个向量本身的大圆，那是另一条曲线，其分布不在考察之列。",
        if_fails="终点的角度不是四分之一圈，或权重不是一个旋转的权重",
        names={
            "turned vector at [#, #]": "旋转得到的向量，位置 [#, #]",
            "variance of the turned vector at [#, #]": "旋转得到的向量的方差，位置 [#, #]",
            "variance of the linear mean": "线性平均的方差",
        },
    ),
)
@subjects(
    interpolation,
    linear=variant(interpolation, spherical=interpolation.linear),
    half_a_turn=turn(lambda lam: lam * math.pi),
    an_eighth_of_a_turn=turn(lambda lam: lam * (math.pi / 4)),
    right_angle_of_three_digits=turn(lambda lam: lam * 1.57),
    ends_exchanged=variant(interpolation, spherical=lambda z_1, z_2, lam: interpolation.spherical(z_2, z_1, lam)),
    great_circle=variant(interpolation, spherical=great_circle),
    spherical_for_linear=variant(interpolation, linear=interpolation.spherical),
    linear_the_other_way=variant(interpolation, linear=lambda z_1, z_2, lam: interpolation.linear(z_2, z_1, lam)),
)
@counterexample(
    r"with correlation one half the variance in the middle is $1 + \frac12 = 1.5$",
    r"相关系数为二分之一时，正中的方差为 $1 + \frac12 = 1.5$",
    case=Correlated((0.5,), rho=0.5),
    z=ONES[:2].expand(2, 1),
)
@given(case=betweens(), z=dyadic(2, 6, 8))
def test_a_quarter_turn_keeps_the_law(subject, case, z, executors):
    lam = torch.tensor(case.lams, dtype=torch.float64)[:, None]
    executors.hold("turned vector", subject.spherical, (*z, lam), rotation.turned(*z, lam))

    def variance(rho, lam):
        c_1, c_2 = (subject.spherical(0 * lam + a, 0 * lam + b, lam) for a, b in ((1, 0), (0, 1)))
        return c_1 * c_1 + c_2 * c_2 + 2 * rho * c_1 * c_2

    rho = torch.tensor([case.rho, *CORRELATIONS], dtype=torch.float64).expand(len(lam), -1)
    share = lam.expand_as(rho)
    bound = rotation.variance(share, rho)
    bound.truth[:, 0] = 1  # as stated, whatever the correlation
    executors.hold("variance of the turned vector", variance, (rho, share), bound)

    one, nothing = torch.ones_like(lam), torch.zeros_like(lam)
    first, second = (subject.linear(*ends, lam).flatten().tolist() for ends in ((one, nothing), (nothing, one)))  # exact: lam has 7 bits
    equal((first, second), (list(case.lams), [1 - share for share in case.lams]), "weights of z_1 and z_2 in the linear mean")
    for share, a, b in zip(case.lams, first, second, strict=True):
        measured("variance of the linear mean", a * a + b * b)
        require((a * a + b * b < 1) == (0 < share < 1), f"variance {a * a + b * b:g} of the linear mean at lam = {share:g}")


test_reported_images = not_checkable(
    POST,
    "reported-image-experiments",
    section="Experimental results",
    says=r"Noise-free samples look slightly worse than those of all steps; $\sigma_t$, the embedding of the time and the architecture change "
    "the quality of images.",
    found="These are remarks on images of models that would have to be trained, judged by eye; what is known in closed form is the variance of "
    "the output on Gaussian data.",
    proxy="smaller-eta-and-more-steps-keep-more-variance",
    zh=dict(
        says=r"无噪声采样的图像略逊于完整步数的采样；$\sigma_t$、时间的编码方式与网络结构都会影响图像的质量。",
        found="这些说法针对的是图像，要训练相应的模型，并凭肉眼判断；有闭式结果的是高斯数据上输出的方差。",
    ),
)
