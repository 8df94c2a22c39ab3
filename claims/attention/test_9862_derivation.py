"""The steps by which Performer becomes a kernel over codes (post 9862), and what its codes are worth as centroids."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from claims import Finding, Kind, claim, counterexample, subjects, variant
from claims.attention.test_9862_performer import POST
from impls.attention import centroids, dirac, linear, mixture, performer_steps, soft_vq
from oracles.ball import balls, certified, rounded
from oracles.budget import Bound, conditioning
from oracles.evidence import Strength, equal, measured, require
from oracles.executors import FLOAT64
from oracles.gauss_hermite import normal
from oracles.integral import against_normal
from oracles.random_codes import distortion, median
from oracles.statistics import proportion_is
from strategies.attention.features import SoftCodes, kernels, untied
from strategies.tensors import gaussian


def column(*entries):
    return torch.tensor(entries, dtype=torch.float64)[:, None]


def kernel_attention(xp, Q, K, V, omega_q, omega_k, ones_q, ones_k, ones_omega):
    """Performer with every rounding's place an input of its own; `ones_omega` 0 leaves |omega|^2 in, 1 subtracts half of it."""
    q = xp.exp(Q @ omega_q.T - (Q * Q).sum(-1)[:, None] / 2 * ones_q)
    k = xp.exp(K @ omega_k.T - (K * K).sum(-1)[:, None] / 2 * ones_k - (omega_k * omega_k).sum(-1) / 2 * ones_omega)
    w = q @ k.T
    return w @ V / (w @ (V[:, :1] * 0 + 1))


def performer_bound(case):
    """Performer's attention as defined, with a budget for any of the post's forms of it."""
    Q, K, V, omega = case.tensors
    n, d, m = *K.shape, len(omega)
    ones = torch.ones(n, m, dtype=torch.float64)
    half = (torch.cat([Q, K]).square().sum(-1).max() + omega.square().sum(-1).max()) / 2
    # Stored: dot, square, half, difference, the same for |omega|^2 (3), exponential (2), sqrt(m) and quotient, for queries and for
    # keys (11 each); product over keys, product over features, quotient. Summed: dot and two squares twice, keys and features twice.
    layers = {"roundings": 25, "sums": 6 * d + 2 * (n + m)}
    layers["exponent"] = float((torch.cat([Q, K]) @ omega.T).abs().max() + half)
    truth = certified(kernel_attention, (Q, K, V, omega, omega, ones, ones, 0 * ones), **layers)
    return replace(truth, scale=conditioning(lambda *x: kernel_attention(torch, *x), (Q, K, V, omega, omega, ones, ones, ones)))


def with_key_features(of_keys):
    """The rewritten attention with other key features: of_keys(K, omega) -> (n, m)."""
    return lambda Q, K, V, omega: linear.attention((Q @ omega.T).exp(), of_keys(K, omega), V)


def key_norm_dropped(K, omega):
    return (K @ omega.T).exp()


def keys_rescaled(K, omega):
    return (1 + K.square().sum(-1, keepdim=True)) * (K @ omega.T - K.square().sum(-1, keepdim=True) / 2).exp()


def dropped_above_the_line_only(Q, K, V, omega):
    q, k = (Q @ omega.T).exp(), (K @ omega.T - K.square().sum(-1, keepdim=True) / 2).exp()
    return (q @ (k.T @ V)) / ((q * (-Q.square().sum(-1, keepdim=True) / 2).exp()) @ k.sum(0)[:, None])


@claim(
    POST,
    "query-only-factors-cancel",
    section="Déjà vu",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    says=r"Performer's features may drop $1/\sqrt m$ and the query's $e^{-|q|^2/2}$: the normalised attention stays the same.",
    scope="Normalised attention, as stated.",
    found=r"Holds to precision: whatever multiplies a query's row of features cancels. The key's $e^{-|k|^2/2}$ does not and must stay.",
    limits="At most 6 keys and 16 features in 4 dimensions.",
    if_fails="a factor of the keys was dropped as well, or numerator and denominator use different features",
    effort=0.3,
    zh=dict(
        says=r"Performer 的特征可以去掉 $1/\sqrt m$ 以及 query 侧的 $e^{-|q|^2/2}$，归一化后的 Attention 不变。",
        scope="归一化后的 Attention，与文中所说一致。",
        found=r"在舍入误差内成立：乘在某个 query 那一行特征上的任何因子都会消去；key 侧的 $e^{-|k|^2/2}$ 不会消去，必须保留。",
        limits="至多 6 个 key、16 个特征，4 维。",
        if_fails="把 key 侧的因子也去掉了，或者分子与分母用了不同的特征",
        names={
            "Performer as defined at [#, #]": "按定义计算的 Performer，[#, #] 处",
            "without factors of the query at [#, #]": "去掉 query 侧因子后，[#, #] 处",
        },
    ),
)
@subjects(
    performer_steps,
    key_factor_dropped_too=variant(performer_steps, query_factors_dropped=with_key_features(key_norm_dropped)),
    keys_rescaled=variant(performer_steps, query_factors_dropped=with_key_features(keys_rescaled)),
    dropped_above_the_line_only=variant(performer_steps, query_factors_dropped=dropped_above_the_line_only),
)
@given(case=kernels())
def test_factors_of_the_query_cancel(subject, case, executors):
    bound = performer_bound(case)
    executors.hold("Performer as defined", subject.performer, case.tensors, bound)
    executors.hold("without factors of the query", subject.query_factors_dropped, case.tensors, bound)


@claim(
    POST,
    "equal-norm-step",
    section="Déjà vu",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS_IN_SCOPE,
    says=r"If all $|\omega_i|$ are equal, subtracting $|\omega_i|^2 / 2$ from the exponent of every key feature changes nothing; the post refers to the Johnson–Lindenstrauss lemma for the assumption.",
    scope=r"All $|\omega_i|$ equal.",
    found=r"Holds to precision for equal norms. Nearly equal is not enough: for standard normal features the subtracted $|\omega|^2 / 2$ has a deviation of $\sqrt{d/2}$, "
    "which grows with the dimension although the norms become relatively equal.",
    limits="At most 6 keys and 16 features in 4 dimensions. For what Gaussian features tend to see gaussian-features-halve-the-logits.",
    if_fails=r"a norm of the keys is missing, or the features are normalised per key",
    effort=0.3,
    zh=dict(
        says=r"若各 $|\omega_i|$ 相等，在 key 特征的指数里再减去 $|\omega_i|^2 / 2$ 不改变结果；关于这一假设，文中让读者参考 JL 引理。",
        scope=r"各 $|\omega_i|$ 相等。",
        found=r"模长相等时在舍入误差内成立。近似相等是不够的：对标准正态分布的特征，被减去的 $|\omega|^2 / 2$ 的标准差为 $\sqrt{d/2}$，"
        "虽然各模长在相对意义下趋于相等，它却随维数增大。",
        limits="至多 6 个 key、16 个特征，4 维。高斯特征的极限见 gaussian-features-halve-the-logits。",
        if_fails="漏了 key 的模长项，或者对每个 key 的特征做了归一化",
        names={"with |omega|^# / # subtracted at [#, #]": "减去 |ω|^# / # 后，[#, #] 处"},
    ),
)
@subjects(
    performer_steps,
    key_norm_dropped=variant(performer_steps, feature_norms_subtracted=with_key_features(key_norm_dropped)),
    distance_not_halved=variant(
        performer_steps, feature_norms_subtracted=with_key_features(lambda K, omega: (-2 * soft_vq.half_distances(K, omega)).exp())
    ),
    normalised_per_key=variant(performer_steps, feature_norms_subtracted=with_key_features(soft_vq.soft_codes)),
)
@counterexample(
    "features 0 and 2 of different norms, keys 0 and 2 with values 0 and 1, query 0: Performer returns 0.79, the rewritten form 0.50",
    "特征 0 和 2 模长不等，key 0 和 2，value 0 和 1，query 0：Performer 返回 0.79，改写后的形式返回 0.50",
    case=SoftCodes(column(0.0, 0.0), column(0.0, 2.0), column(0.0, 1.0), column(0.0, 2.0)),
)
@given(case=kernels(one_norm=True))
def test_features_of_one_norm_may_be_subtracted(subject, case, executors):
    executors.hold("with |omega|^2 / 2 subtracted", subject.feature_norms_subtracted, case.tensors, performer_bound(case))


def mean_weight(q, k):
    """E e^(omega . q) e^(omega . k - |k|^2 / 2 - |omega|^2 / 2) over standard normal omega: a product of integrals on the line."""
    weight = 1
    for a, b in zip(balls(q), balls(k), strict=True):
        weight = weight * against_normal(lambda w, a=a, b=b: (w * a + w * b - b * b / 2 - w * w / 2).exp(), a * 0, a * 0 + 1)
    return weight


def limit_by(logits):
    return variant(performer_steps, gaussian_limit=lambda Q, K: logits(Q, K).exp() / 2 ** (Q.shape[-1] / 2))


@claim(
    POST,
    "gaussian-features-halve-the-logits",
    part_of="equal-norm-step",
    section="Déjà vu",
    ours=True,
    kind=Kind.EXPECTATION,
    finding=Finding.HOLDS,
    says=r"With standard normal features, subtracting $|\omega_i|^2 / 2$ changes what Performer tends to for many features, from $\mathrm{softmax}(q \cdot k)$ to "
    r"$\mathrm{softmax}(\tfrac12 q \cdot k - \tfrac14 |k|^2)$.",
    scope=r"Independent standard normal $\omega_i$, $m \to \infty$.",
    found=r"Holds: the mean weight is $2^{-d/2} e^{|q + k|^2 / 4 - |k|^2 / 2}$, by certified integration, and the exponent that was subtracted has variance $d / 2$.",
    limits=r"Up to three dimensions; the integral over more is a product of integrals on the line. The variance of the estimate with finitely many features is not measured.",
    if_fails=r"the limit is taken to be $\mathrm{softmax}(q \cdot k)$, as if the norms were equal",
    effort=0.3,
    zh=dict(
        says=r"当 $\omega_i$ 服从标准正态分布时，减去 $|\omega_i|^2 / 2$ 会使特征数趋于无穷时的极限从 $\mathrm{softmax}(q \cdot k)$ 变为 "
        r"$\mathrm{softmax}(\tfrac12 q \cdot k - \tfrac14 |k|^2)$。",
        scope=r"$\omega_i$ 独立且服从标准正态分布，$m \to \infty$。",
        found=r"成立：用带严格误差界的积分得到，平均权重为 $2^{-d/2} e^{|q + k|^2 / 4 - |k|^2 / 2}$；指数中被减去的那一项方差为 $d / 2$。",
        limits="至多三维；更高维的积分是一维积分之积。没有考察特征数有限时估计的方差。",
        if_fails=r"把极限当成了 $\mathrm{softmax}(q \cdot k)$，好像各模长相等一样",
        names={
            "mean weight at [#, #]": "平均权重，[#, #] 处",
            "deviation of the subtracted exponent, d = #": "指数中被减去那一项的标准差，$d = #$",
            "change of an attention weight by the subtraction, many features": "特征数趋于无穷时，减去该项所引起的注意力权重的变化",
        },
    ),
)
@subjects(
    performer_steps,
    as_if_norms_were_equal=limit_by(lambda Q, K: Q @ K.T),
    key_norm_kept_whole=limit_by(lambda Q, K: (Q[:, None] + K).square().sum(-1) / 4 - K.square().sum(-1)),
    not_quartered=limit_by(lambda Q, K: ((Q[:, None] + K).square().sum(-1) - K.square().sum(-1)) / 2),
)
@given(case=st.integers(1, 3).flatmap(lambda d: st.tuples(gaussian(1, d), gaussian(2, d))))
def test_gaussian_features_halve_the_logits(subject, case):
    Q, K = case
    d = Q.shape[-1]
    truth = rounded(np.array([[mean_weight(q, k) for k in K] for q in Q]))
    size = (Q[:, None].abs() + K.abs()).square().sum(-1) / 4 + K.square().sum(-1) / 2
    # Stored: sum, square, quarter, square, half, difference, exponential (2), division by a power of 2. Summed: two squares.
    bound = Bound(truth, (1 + size) * truth, roundings=9, sums=2 * d, exponent=float(size.max()))
    FLOAT64.hold("mean weight", subject.gaussian_limit, (Q, K), bound)

    # Exact for the fourth moment. Three terms of at most 3/4 in all, each rounded six times and the nodes and weights once: below 32 u.
    w, mass = normal(3, 1)
    variance = float((mass * (w[:, 0] ** 2 / 2) ** 2).sum() - (mass * w[:, 0] ** 2 / 2).sum() ** 2)
    require(
        abs(variance - 0.5) < 2**-48,
        f"|omega|^2 / 2 has variance {variance} a dimension, not 1/2",
        arithmetic="float64",
        strength=Strength.BUDGET,
    )
    for many in (64, 1024):
        measured(f"deviation of the subtracted exponent, d = {many}", math.sqrt(variance * many))
    got, soft = (w / w.sum(-1, keepdim=True) for w in (truth, (Q @ K.T).exp()))
    measured("change of an attention weight by the subtraction, many features", (got - soft).abs().max())


ENTRIES = st.fractions(-9, 9, max_denominator=9)


@claim(
    POST,
    "completing-the-square",
    section="Déjà vu",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    says=r"$\omega \cdot k - \tfrac12 |k|^2 - \tfrac12 |\omega|^2 = -\tfrac12 |k - \omega|^2$",
    scope="None.",
    found="Holds exactly.",
    limits="Rational vectors of up to four entries.",
    if_fails="a norm is missing or has the wrong sign",
    zh=dict(
        says=r"配方：$\omega \cdot k - \tfrac12 |k|^2 - \tfrac12 |\omega|^2 = -\tfrac12 |k - \omega|^2$",
        scope="无。",
        found="精确成立。",
        limits="至多四个分量的有理数向量。",
        if_fails="漏了某个模长项，或者其符号错误",
    ),
)
@subjects(
    performer_steps,
    half_missing=variant(performer_steps, half_square=lambda k, omega: -((k - omega) ** 2).sum(-1)),
    norm_of_omega_added=variant(
        performer_steps, exponent=lambda k, omega: (omega * k).sum(-1) - (k * k).sum(-1) / 2 + (omega * omega).sum(-1) / 2
    ),
    norm_of_omega_missing=variant(performer_steps, exponent=lambda k, omega: (omega * k).sum(-1) - (k * k).sum(-1) / 2),
    squared_sum=variant(performer_steps, half_square=lambda k, omega: -((k + omega) ** 2).sum(-1) / 2),
)
@given(case=st.integers(1, 4).flatmap(lambda d: st.lists(st.tuples(ENTRIES, ENTRIES), min_size=d, max_size=d)))
def test_completing_the_square(subject, case):
    k, omega = (np.array(entries, dtype=object) for entries in zip(*case, strict=True))
    square = sum(((a - b) ** 2 for a, b in case), Fraction(0))
    equal(subject.exponent(k, omega), -square / 2, "exponent of a key feature")
    equal(subject.half_square(k, omega), -square / 2, "-|k - omega|^2 / 2")


BETAS = tuple(4**k for k in range(13))


def posterior_by(logits):
    return variant(mixture, posterior=lambda K, C, beta: torch.softmax(logits(K, C, beta), -1))


@claim(
    POST,
    "softmax-limit-is-one-hot",
    section="Déjà vu",
    kind=Kind.LIMIT,
    finding=Finding.HOLDS_IN_SCOPE,
    says=r"In the limit, $\mathrm{softmax}_i(-|k - \omega_i|^2 / 2)$ picks the nearest code: with a factor $\beta \to \infty$ on the logits it becomes the one-hot $\Delta$.",
    scope=r"None stated. The post says only “the limit of softmax”; Performer itself has $\beta = 1$.",
    found=r"Holds where the nearest code is unique, at the rate $e^{-\beta g / 2} \le \frac{1 - p_{\max}}{p_{\max}} \le (c - 1) e^{-\beta g / 2}$ with $g$ the gap between the two smallest squared distances. "
    "Nearest codes that tie share the weight equally for ever.",
    limits=r"At most six codes, $\beta$ up to $4^{12}$.",
    if_fails="the logits are inner products, or not halved distances",
    effort=0.5,
    zh=dict(
        says=r"取极限时，$\mathrm{softmax}_i(-|k - \omega_i|^2 / 2)$ 突出最邻近的编码：给 logits 乘上 $\beta \to \infty$，它就变成 one-hot 向量 $\Delta$。",
        scope=r"文中未说明，只说“softmax 的极限”；Performer 本身 $\beta = 1$。",
        found=r"最邻近的编码唯一时成立，收敛速度为 $e^{-\beta g / 2} \le \frac{1 - p_{\max}}{p_{\max}} \le (c - 1) e^{-\beta g / 2}$，"
        r"其中 $g$ 是最小的两个距离平方之差。若有多个编码同为最邻近，则它们始终平分权重。",
        limits=r"至多六个编码，$\beta$ 至多 $4^{12}$。",
        if_fails="logits 是内积，或者距离平方没有除以 2",
    ),
)
@subjects(
    mixture,
    inner_product_for_distance=posterior_by(lambda K, C, beta: beta * K @ C.T),
    limit_at_zero=posterior_by(lambda K, C, beta: -soft_vq.half_distances(K, C) / beta),
    distance_not_halved=posterior_by(lambda K, C, beta: -2 * beta * soft_vq.half_distances(K, C)),
    not_normalised=variant(mixture, posterior=lambda K, C, beta: 3 * mixture.posterior(K, C, beta)),
    farthest_code=posterior_by(lambda K, C, beta: beta * soft_vq.half_distances(K, C)),
)
@counterexample(
    "key 0 between the codes 1 and -1: each keeps 1/2 however large the factor",
    "key 0 位于编码 1 和 -1 正中间：无论因子多大，两者各占 1/2",
    case=(column(0.0), column(1.0, -1.0)),
)
@given(case=untied())
def test_softmax_tends_to_the_nearest_code(subject, case):
    K, C = case
    squares = ((K[:, None] - C) ** 2).sum(-1)  # exact: multiples of 1/4096 below 2^7
    nearest, two = squares.argmin(-1), squares.sort(-1).values[:, :2]
    gap, tiny = two[:, 1] - two[:, 0], torch.finfo(torch.float64).tiny
    for beta in BETAS:
        p = subject.posterior(K, C, beta)
        others = p.scatter(-1, nearest[:, None], 0).sum(-1) / p.gather(-1, nearest[:, None])[:, 0]
        # A row's quotients have one denominator, a sum of c terms; c more are added here.
        total = p.sum(-1)
        normalised = bool(((total - 1).abs() <= 2.0**-53 * (2 * len(C) + 2)).all())
        require(
            normalised,
            f"beta = {beta}: a row sums to {float(total[0]):.17g}",
            comparisons=len(K),
            arithmetic="float64",
            strength=Strength.BUDGET,
        )
        # Squares, gaps and their multiples by a power of 4 are exact, so is the nearest code's exponential of 0. In units of u: a logit's
        # difference from the largest is off by beta |k - c|^2 / 2, then exponential (2), both quotients (2), the sum (c - 2) and the ratio
        # (1); on the other side exponential (2), factor and room (2).
        room = 1 + 2.0**-53 * (len(C) + 7 + beta * squares.amax(-1) / 2)
        low, high = torch.exp(-beta * gap / 2) / room, (len(C) - 1) * torch.exp(-beta * gap / 2) * room
        within = (others >= low - tiny) & (others <= high + tiny)
        worst = int((~within).int().argmax())
        require(
            bool(within.all()),
            f"beta = {beta}: the other codes have {float(others[worst]):.3g} of the nearest one's weight, outside {float(low[worst]):.3g} to {float(high[worst]):.3g}",
            comparisons=2 * len(K), arithmetic="float64", strength=Strength.BUDGET,
        )  # fmt: skip
    # Distinct squares of multiples of 1/64 are 2^-12 apart: at the last beta that leaves e^-2048.
    require(
        bool((others <= tiny).all()),
        f"at beta = {beta} the nearest codes still leave {float(others.max()):.3g} of their weight to others",
        comparisons=len(K), arithmetic="float64", strength=Strength.BUDGET,
    )  # fmt: skip


@st.composite
def keys_on_the_line(draw):
    """A query, two keys with values, all multiples of 1/64 in -2..2, and a deviation."""
    q, K, V = (draw(st.lists(st.integers(-128, 127), min_size=n, max_size=n)) for n in (1, 2, 2))
    scaled = [torch.tensor(x, dtype=torch.float64) / 64 for x in (q[0], K, V)]
    return (*scaled, torch.tensor(draw(st.sampled_from([0.5, 1.0, 0.125])), dtype=torch.float64))


def smoothed(xp, q, K, V, sigma, ones):
    """The numerator with each term's sigma^2 q^2 an input of its own, for the conditioning."""
    return (xp.exp(q * K + (sigma * q) ** 2 / 2 * ones) * V).sum()


def numerator_by(extra):
    return variant(dirac, numerator=lambda q, K, V, sigma: ((q * K + extra(q, K, sigma)).exp() * V).sum())


@claim(
    POST,
    "dirac-and-infinite-dimensional-linear-attention",
    section="Imitating the pattern",
    kind=Kind.LIMIT,
    finding=Finding.HOLDS,
    says=r"$e^{q \cdot k} = \int e^{q \cdot \omega} \delta(\omega - k)\, d\omega$ makes attention linear with infinitely many features: "
    r"$\sum_j e^{q \cdot k_j} v_j = \int e^{q \cdot \omega} [\sum_j \delta(\omega - k_j) v_j]\, d\omega$, where $\delta$ is the limit of $N(k, \sigma^2 I)$.",
    scope=r"Formal; stated as a limit $\sigma \to 0$.",
    found=r"Holds, with the error law $e^{\sigma^2 |q|^2 / 2}$: that factor is the same for all keys, so that only the sums before normalisation need the limit, and normalised attention is exact for every $\sigma$.",
    limits="One dimension, as the integral over more is a product of such; two keys.",
    if_fails=r"the factor of a finite $\sigma$ has another exponent than $\sigma^2 |q|^2 / 2$",
    effort=0.5,
    zh=dict(
        says=r"由 $e^{q \cdot k} = \int e^{q \cdot \omega} \delta(\omega - k)\, d\omega$ 可将 Attention 视为无限维的线性 Attention："
        r"$\sum_j e^{q \cdot k_j} v_j = \int e^{q \cdot \omega} [\sum_j \delta(\omega - k_j) v_j]\, d\omega$，"
        r"其中 $\delta$ 为 $N(k, \sigma^2 I)$ 的极限。",
        scope=r"形式上的推导；文中理解为 $\sigma \to 0$ 的极限。",
        found=r"成立，误差因子为 $e^{\sigma^2 |q|^2 / 2}$：它对所有 key 都相同，所以只有归一化之前的和需要取极限，归一化后的 Attention 对任意 $\sigma$ 都是精确的。",
        limits="一维，更高维的积分是这样的积分之积；两个 key。",
        if_fails=r"$\sigma$ 有限时，误差因子的指数不是 $\sigma^2 |q|^2 / 2$",
        names={"smoothed numerator": "光滑化的分子", "smoothed attention": "光滑化的 Attention"},
    ),
)
@subjects(
    dirac,
    half_missing=numerator_by(lambda q, K, sigma: (sigma * q) ** 2),
    key_for_query=numerator_by(lambda q, K, sigma: (sigma * K) ** 2 / 2),
    wrong_sign=numerator_by(lambda q, K, sigma: -((sigma * q) ** 2) / 2),
    sigma_ignored=numerator_by(lambda q, K, sigma: 0 * q),
)
@given(case=keys_on_the_line())
def test_attention_is_linear_in_infinitely_many_features(subject, case):
    q, K, V, sigma = case
    a, s = balls(q).item(), balls(sigma).item()
    truth = sum(v * against_normal(lambda w: (a * w).exp(), k, s) for k, v in zip(balls(K), balls(V), strict=True))
    scale = conditioning(lambda *x: smoothed(torch, *x), (q, K, V, sigma, torch.ones(2, dtype=torch.float64)))
    exponent = float((q * K).abs().max() + (sigma * q) ** 2 / 2)
    # Stored: product, sigma q, square, half, sum, exponential (2), times v. Summed: two keys.
    bound = Bound(rounded(truth, scale), scale, roundings=8, sums=2, exponent=exponent)
    FLOAT64.hold("smoothed numerator", subject.numerator, case, bound)
    sharp = certified(
        lambda xp, q, K, V: (xp.exp(q * K) * V).sum() / xp.exp(q * K).sum(), (q, K, V), roundings=18, sums=4, exponent=exponent
    )
    scale = sharp.scale + 2 * (sigma * q) ** 2 * V.abs().max()  # both exponents are uncertain by (sigma q)^2 / 2 u
    FLOAT64.hold("smoothed attention", subject.attention, case, replace(sharp, scale=scale))


SIZES = [(4, 64), (16, 64), (64, 16), (2, 16), (1, 3), (16, 4), (4, 1)]
ZERO_AT = {1: 2, 4: 4, 16: 23}  # dimension: fewest random codes that beat a single centroid at 0


def error_by(change):
    return variant(centroids, quantisation_error=change)


@claim(
    POST,
    "random-features-are-poor-centroids",
    section="Imitating the pattern",
    kind=Kind.DISTRIBUTION,
    finding=Finding.HOLDS,
    says=r"Performer's fixed random $\omega_i$ approximate the keys poorly when they are read as the centroids of a clustering.",
    scope="None stated. Checked for standard normal keys and features.",
    found=r"Holds: with $c$ codes in $d$ dimensions the mean squared error per dimension is an integral that stays above the least possible $c^{-2/d}$ by a factor of 1.3 to 2.1 for 64 and 1024 codes in 4 to 64 dimensions. "
    "A single centroid at 0 is beaten by 4 random codes in 4 dimensions, by 23 in 16, and in 64 dimensions only by more than $2^{13}$.",
    limits="Normal keys and features of equal variance. The factor to the bound is that to the best conceivable quantiser, which k-means does not reach either.",
    if_fails="errors are measured on keys that are codes themselves, or not divided by the dimension",
    effort=0.3,
    zh=dict(
        says=r"若把 Performer 中固定的随机 $\omega_i$ 看作聚类中心，它们对 key 的近似程度很差。",
        scope="文中未说明。这里对标准正态分布的 key 和特征检验。",
        found=r"成立：$d$ 维中取 $c$ 个编码，平均到每一维的均方误差可写成一个积分；对 4 到 64 维的 64 个和 1024 个编码，它始终高于理论下限 $c^{-2/d}$，是其 1.3 到 2.1 倍。"
        "要优于位于 0 的单个中心，4 维需要 4 个随机编码，16 维需要 23 个，64 维则要多于 $2^{13}$ 个。",
        limits="key 与特征服从方差相同的正态分布。倍数是相对于理论上最好的量化器而言的，k-means 也达不到这一下限。",
        if_fails="误差是在本身就是编码的 key 上测的，或者没有除以维数",
        names={
            **{
                f"keys nearer than the median distance, # {codes} in # {dimensions}": "比中位距离更近的 key，# 个编码，# 维"
                for codes in ("code", "codes")
                for dimensions in ("dimension", "dimensions")
            },
            "mean squared error per dimension, # codes, d = #": "平均到每一维的均方误差，# 个编码，$d = #$",
            "the same over the least possible, # codes, d = #": "该误差与理论下限之比，# 个编码，$d = #$",
            "fewest random codes that beat one at #, d = #": "优于位于 # 的单个中心所需的最少随机编码数，$d = #$",
        },
    ),
)
@subjects(
    centroids,
    measured_on_the_codes=error_by(lambda K, codes: centroids.quantisation_error(codes[..., 0, :], codes)),
    farthest_code=error_by(lambda K, codes: (K[..., None, :] - codes).square().sum(-1).amax(-1) / K.shape[-1]),
    divided_by_d_twice=error_by(lambda K, codes: centroids.quantisation_error(K, codes) / K.shape[-1]),
    first_code_for_nearest=error_by(lambda K, codes: centroids.quantisation_error(K, codes[..., :1, :])),
)
@given(size=st.sampled_from(SIZES), seed=st.integers(0, 2**32 - 1))
def test_random_codes_are_poor_centroids(subject, size, seed):
    d, c = size
    trials = min(2000, 400_000 // (c * d))
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(trials, c + 1, d, generator=generator, dtype=torch.float64)
    near = int((subject.quantisation_error(drawn[:, 0], drawn[:, 1:]) <= median(d, c) / d).sum())
    size_of = f"{c} code{'s' * (c > 1)} in {d} dimension{'s' * (d > 1)}"
    proportion_is(f"keys nearer than the median distance, {size_of}", near, trials, 0.5)

    law = {"arithmetic": "float64", "strength": Strength.BUDGET}  # agreed to 1e-6 by two rules of integration
    for dimension in (4, 16, 64):
        few, many = distortion(dimension, 64), distortion(dimension, 1024)
        require(many < few, f"1024 codes have the error {many:.4g}, 64 have {few:.4g}, in {dimension} dimensions", **law)
        for codes, error in ((64, few), (1024, many)):
            least = codes ** (-2 / dimension)
            require(
                error > least, f"{codes} codes in {dimension} dimensions: error {error:.4g} below the least possible {least:.4g}", **law
            )
            measured(f"mean squared error per dimension, {codes} codes, d = {dimension}", error)
            measured(f"the same over the least possible, {codes} codes, d = {dimension}", error / least)
    for dimension, codes in ZERO_AT.items():
        worse, better = distortion(dimension, codes - 1), distortion(dimension, codes)
        require(
            better < 1 < worse,
            f"{codes - 1} and {codes} codes in {dimension} dimensions: errors {worse:.5g} and {better:.5g} around 1",
            **law,
        )
        measured(f"fewest random codes that beat one at 0, d = {dimension}", codes)
    require(distortion(64, 2**13) > 1 > distortion(64, 2**14), "2^13 codes beat a single one at 0 in 64 dimensions, or 2^14 do not", **law)
