"""Traces of Transformer-VQ inside Performer (post 9862).

Random features are judged by quadrature over the random vector, attention over codes by dense sums over all keys.
"""

import math
from dataclasses import replace

import numpy as np
import torch
from hypothesis import example, given

from claims import Finding, Kind, Post, claim, counterexample, subjects, variant
from impls.attention import linear, mixture, random_features, soft_vq, transformer_vq
from oracles.attention import average
from oracles.ball import certified
from oracles.budget import Bound, conditioning, third
from oracles.evidence import Strength, measured, require
from oracles.executors import DOUBLE
from oracles.gauss_hermite import normal, truncation
from strategies.attention.features import Mixture, SoftCodes, mixtures, pairs, soft_codes

POST = Post(
    9862,
    date="2023-11-29",
    topic="attention",
    title="Traces of Transformer-VQ found in Performer",
    sections={"Déjà vu": "似曾相识", "Imitating the pattern": "依样葫芦"},
    stands="Every step from Performer to codes holds in scope except the last. The features estimate the kernel without bias "
    r"(normalised attention is biased), factors of the query cancel, and the square is completed exactly. Subtracting $|\omega_i|^2 / 2$ "
    "needs equal norms, as the post assumes; nearly equal is not enough: with Gaussian features the limit becomes "
    r"$\mathrm{softmax}(\tfrac12 q \cdot k - \tfrac14 |k|^2)$. The last $\propto$ is exact for each key, but its factor differs between "
    "keys: as attention, Performer is a soft Transformer-VQ (the post's analogy) only approximately, off by tens of percent in a small "
    "example. The softmax becomes one-hot only where the nearest code is unique, which the post omits. "
    r"The derivation by $\delta$ and a Gaussian mixture gives Transformer-VQ for one-hot $p$, to rounding; its $\approx$ has no bound. "
    "Random features are poor centroids of normal keys.",
    zh=dict(
        title="我在Performer中发现了Transformer-VQ的踪迹",
        stands="从 Performer 到编码的推导，除最后一步外，各步在其适用范围内都成立。特征对核的估计是无偏的（归一化后的 Attention 有偏），"
        r"query 侧的因子会消去，配方精确成立。减去 $|\omega_i|^2 / 2$ 要求各模长相等，这也是文中的假设；近似相等是不够的：对高斯特征，极限会变成 "
        r"$\mathrm{softmax}(\tfrac12 q \cdot k - \tfrac14 |k|^2)$。最后的 $\propto$ 对每个 key 精确成立，但比例因子因 key 而异："
        "作为 Attention，Performer 只是近似于软的 Transformer-VQ（文中称之为类比），在一个小例子中相差百分之几十。"
        "softmax 只在最邻近的编码唯一时才变成 one-hot，文中没有提到这一点。"
        r"借助 $\delta$ 与高斯混合的推导，取 one-hot 的 $p$ 便在舍入误差内得到 Transformer-VQ；其中的 $\approx$ 没有误差界。"
        "对正态分布的 key，随机特征作为聚类中心很差。",
    ),
)
NODES = 48  # per dimension: the rule's deficit stays below 1e-20 for second moments of pairs with entries in -1..1


def exponents(xp, x, omega):
    """phi before 1 / sqrt(m)."""
    return xp.exp(x @ omega.T - (x * x).sum(-1)[:, None] / 2)


def kernel(xp, q, k):
    return xp.exp((q * k).sum(-1))


def second_moment(xp, q, k):
    return xp.exp(2 * (q * k).sum(-1) + ((q + k) ** 2).sum(-1))


def key_square_dropped(x, omega):
    return (x @ omega.T).exp() / len(omega) ** 0.5


def square_added(x, omega):
    return (x @ omega.T + x.square().sum(-1, keepdim=True) / 2).exp() / len(omega) ** 0.5


def largest_exponent_subtracted(x, omega):
    logits = x @ omega.T
    return (logits - x.square().sum(-1, keepdim=True) / 2 - logits.amax(-1, keepdim=True)).exp() / len(omega) ** 0.5


@claim(
    POST,
    "positive-random-features-unbiased",
    section="Déjà vu",
    kind=Kind.EXPECTATION,
    finding=Finding.HOLDS,
    headline=True,
    says=r"$e^{q \cdot k} = \mathbb E_{\omega \sim N(0, I)}[e^{\omega \cdot q - |q|^2 / 2}\, e^{\omega \cdot k - |k|^2 / 2}]$, so the inner product of the features "
    r"$e^{\omega_i \cdot x - |x|^2 / 2} / \sqrt m$ approximates the kernel.",
    scope=r"$\omega$ standard normal; the post says nothing of the variance.",
    found=r"Unbiased to precision, for the kernel before normalisation. The relative variance of one sample is exactly $e^{|q + k|^2} - 1$; "
    r"attention, the quotient of two such estimates, is biased for finite $m$.",
    limits="One and two dimensions and keys of norm below 1.5; the integral over more dimensions is a product of these.",
    if_fails="the square of the norm is missing from an exponent, or the features are rescaled by something that depends on all of them",
    zh=dict(
        says=r"$e^{q \cdot k} = \mathbb E_{\omega \sim N(0, I)}[e^{\omega \cdot q - |q|^2 / 2}\, e^{\omega \cdot k - |k|^2 / 2}]$，"
        r"因此用特征 $e^{\omega_i \cdot x - |x|^2 / 2} / \sqrt m$ 的内积即可近似该核。",
        scope=r"$\omega$ 服从标准正态分布；文中没有谈到方差。",
        found=r"对归一化之前的核，在舍入误差内无偏。单个样本的相对方差恰好是 $e^{|q + k|^2} - 1$；"
        r"Attention 是两个这样的估计之商，在 $m$ 有限时是有偏的。",
        limits="只检验了一维和二维，key 的模长小于 1.5；更高维的积分是这些积分的乘积。",
        if_fails="某个指数漏了模长的平方项，或者特征被乘上了一个依赖于全体特征的因子",
        names={
            "features at [#, #]": "特征，[#, #] 处",
            "moments of the estimate at [#]": "估计的矩，[#] 处",
            "largest bias of a normalised attention weight with one feature": "只用一个特征时，归一化注意力权重的最大偏差",
            "relative variance of one feature": "单个特征的相对方差",
        },
    ),
)
@subjects(
    random_features,
    square_dropped=variant(random_features, features=key_square_dropped),
    square_added=variant(random_features, features=square_added),
    omega_of_twice_the_variance=variant(random_features, features=lambda x, omega: random_features.features(x, 2**0.5 * omega)),
    divided_by_m=variant(random_features, features=lambda x, omega: random_features.features(x, omega) / len(omega) ** 0.5),
    largest_exponent_subtracted=variant(random_features, features=largest_exponent_subtracted),
)
@given(case=pairs())
def test_positive_random_features_are_unbiased(subject, case, executors):
    q, k, omega = case.tensors
    n, d, m = *q.shape, len(omega)
    truth = torch.cat([certified(f, (q, k), roundings=0, sums=0).truth for f in (kernel, second_moment)])
    points, weights = normal(NODES, d)
    size = (q.abs() + k.abs()) @ points.abs().T + (q.square() + k.square()).sum(-1, keepdim=True) / 2  # of both exponents
    terms = exponents(torch, q, points) * exponents(torch, k, points)

    def moments(q, k, points, weights):
        """Mean and mean square of one feature's product: every pair's terms from the subject, added without rounding."""
        product = len(points) * subject.features(q, points) * subject.features(k, points)
        rows = torch.cat([product, product**2]) * weights
        return torch.tensor([math.fsum(row) for row in rows.tolist()], dtype=q.dtype, device=q.device)

    # All terms are positive, so that a relative error of a term is one of the sum, and an error u of an exponent of size s is s u.
    scale = torch.cat([((1 + power * size) * terms**power) @ weights for power in (1, 2)])
    missed = torch.cat([truncation(NODES, power * (q + k)) for power in (1, 2)]) * truth
    # Nine roundings to each of both features (see below), then node, weight, m, the two products, square (2) and the rounding of the sum.
    bound = Bound(truth, scale + missed / DOUBLE.u, roundings=2 * 9 + 8, sums=4 * d)
    executors.only(torch.float64).hold("moments of the estimate", moments, (q, k, points, weights), bound)

    # Stored: product, square, sum, half, difference, exponential (2), sqrt(m), quotient. Summed: the product and the square.
    # Two more: the truth is divided by sqrt(m) in float64.
    one = certified(exponents, (k, omega), roundings=11, sums=2 * d, exponent=exponents(torch, k, omega).log().abs().max())
    executors.hold("features", subject.features, (k, omega), replace(one, truth=one.truth / m**0.5, scale=one.scale / m**0.5))

    alone = exponents(torch, k, points)
    biased = (alone / alone.sum(0)) @ weights
    measured("largest bias of a normalised attention weight with one feature", (biased - torch.softmax(k @ q[0], 0)).abs().max())
    measured("relative variance of one feature", (truth[n:] / truth[:n] ** 2 - 1).max())


def half_distances(K, omega, ones):
    return ((K[:, None, :] - omega[None]) ** 2).sum(-1) / 2 * ones


def dense(E, keys, V):
    """sum_j w_aj v_j / sum_j w_aj with w_aj = sum_i E_ai keys_ji."""
    w = E @ keys.T
    return w @ V / (w @ (V[:, :1] * 0 + 1))


def performer(xp, Q, K, V, omega_q, omega_k, ones):
    return dense(xp.exp(Q @ omega_q.T), xp.exp(-half_distances(K, omega_k, ones)), V)


def soft(xp, Q, K, V, omega_q, omega_k, ones):
    return dense(xp.exp(Q @ omega_q.T), normalised(xp, K, omega_k, ones), V)


def normalised(xp, K, omega, ones):
    e = xp.exp(-half_distances(K, omega, ones))
    return e / e.sum(-1)[:, None]


def factored(xp, K, omega, ones, ones_S):
    """softmax times S(k), each with roundings of its own."""
    return normalised(xp, K, omega, ones) * xp.exp(-half_distances(K, omega, ones_S)).sum(-1)[:, None]


def performer_factored(xp, Q, K, V, omega_q, omega_k, ones, ones_S):
    return dense(xp.exp(Q @ omega_q.T), factored(xp, K, omega_k, ones, ones_S), V)


def soft_codes_by(change):
    """The soft form with other key features, in all that is built on them."""

    def codes_of(K, omega):
        return change(soft_vq.half_distances(K, omega))

    def soft_form(Q, K, V, omega):
        return linear.attention((Q @ omega.T).exp(), codes_of(K, omega), V)

    def repaired(Q, K, V, omega):
        return linear.attention((Q @ omega.T).exp(), codes_of(K, omega) * soft_vq.total_weight(K, omega)[:, None], V)

    return variant(soft_vq, soft_codes=codes_of, soft_vq=soft_form, repaired=repaired)


def divided_by_the_total_weight(Q, K, V, omega):
    return linear.attention((Q @ omega.T).exp(), soft_vq.soft_codes(K, omega) / soft_vq.total_weight(K, omega)[:, None], V)


def column(*entries):
    return torch.tensor(entries, dtype=torch.float64)[:, None]


FAMILIES = {
    f"{en}, # {keys}, # {codes}{away}, d = #": f"{zh}，# 个 key，# 个{zh_codes}，$d = #$"
    for en, zh in {"relative difference of the soft form": "软形式的相对差别", "max S / min S": r"$\max S / \min S$"}.items()
    for keys in ("key", "keys")
    for code in ("code", "codes")
    for codes, away, zh_codes in (
        (f"Gaussian {code}", "", "高斯编码"),
        (f"Gaussian {code}", " away from them", "远离 key 的高斯编码"),
        (f"{code} of one norm", "", "模长相等的编码"),
        (f"{code} of one norm", " away from them", "模长相等且远离 key 的编码"),
    )
}


@claim(
    POST,
    "last-proportionality-to-softmax-over-codes",
    section="Déjà vu",
    kind=Kind.APPROXIMATION,
    finding=Finding.APPROXIMATE,
    headline=True,
    says=r"With features of equal norm $\tilde q \cdot \tilde k \propto \sum_i e^{\omega_i \cdot q}\, \mathrm{softmax}_i(-|k - \omega_i|^2 / 2)$, which makes Performer a soft Transformer-VQ; "
    "the post calls it an analogy.",
    scope=r"All $|\omega_i|$ equal, for Performer to take this form.",
    found=r"Exact for each key, with the factor $S(k) = \sum_i e^{-|k - \omega_i|^2 / 2}$. That factor differs between keys and does not cancel: as attention the two forms differ by tens of percent of the output "
    r"for 12 keys and 32 codes in 6 dimensions, never by more than $\tanh(\tfrac14 \ln \frac{\max S}{\min S})$ of the values' range, and agree when every key is weighed by its $S(k)$.",
    limits="Finite numbers of codes; the limits of many codes and dimensions, where the difference may vanish, are not taken.",
    if_fails=r"$S(k)$ is treated as if it were the same for all keys, or the softmax runs over something else than the codes",
    effort=0.5,
    zh=dict(
        says=r"在各 $|\omega_i|$ 相等时，$\tilde q \cdot \tilde k \propto \sum_i e^{\omega_i \cdot q}\, \mathrm{softmax}_i(-|k - \omega_i|^2 / 2)$，"
        "于是 Performer 像是“软”的 Transformer-VQ（文中称之为类比）。",
        scope=r"各 $|\omega_i|$ 相等，Performer 才具有这一形式。",
        found=r"对每个 key 精确成立，比例因子为 $S(k) = \sum_i e^{-|k - \omega_i|^2 / 2}$。但该因子因 key 而异，不会消去：作为 Attention，"
        r"在 6 维、12 个 key、32 个编码时，两种形式之差达到输出的百分之几十；差别不超过 value 取值范围的 "
        r"$\tanh(\tfrac14 \ln \frac{\max S}{\min S})$ 倍；给每个 key 乘上各自的 $S(k)$ 后，两者一致。",
        limits="编码数有限；没有考察编码数和维数趋于无穷的极限，在那里差别可能消失。",
        if_fails=r"把 $S(k)$ 当成了对所有 key 都相同，或者 softmax 不是对编码做的",
        names={
            "softmax times S(k) at [#, #]": "softmax 乘以 $S(k)$，[#, #] 处",
            "soft form at [#, #]": "软形式，[#, #] 处",
            "Performer at [#, #]": "Performer，[#, #] 处",
            "soft form with every key weighed by S(k) at [#, #]": "每个 key 以 $S(k)$ 加权后的软形式，[#, #] 处",
            "soft form as it stands at [#, #]": "不加修正的软形式，[#, #] 处",
        }
        | FAMILIES,
    ),
)
@subjects(
    soft_vq,
    factor_treated_as_constant=variant(soft_vq, repaired=soft_vq.soft_vq),
    divided_by_the_factor=variant(soft_vq, repaired=divided_by_the_total_weight),
    softmax_of_the_exponentials=soft_codes_by(lambda h: torch.softmax((-h).exp(), -1)),
    softmax_over_the_keys=soft_codes_by(lambda h: torch.softmax(-h, 0)),
    half_missing=soft_codes_by(lambda h: torch.softmax(-2 * h, -1)),
)
@counterexample(
    "codes 1 and -1, keys 0 and 2, query 0, values 0 and 1: Performer returns 0.33738, soft Transformer-VQ 1/2",
    "编码 1 和 -1，key 0 和 2，query 0，value 0 和 1：Performer 返回 0.33738，软的 Transformer-VQ 返回 1/2",
    case=SoftCodes(column(0), column(0, 2), column(0, 1), column(1, -1), repaired=False),
)
@given(case=soft_codes())
def test_soft_codes_times_total_weight_are_performer(subject, case, executors):
    Q, K, V, omega = case.tensors
    n, d, m = *K.shape, len(omega)
    ones = torch.ones(n, m, dtype=torch.float64)
    # Stored on the longest path: difference, square, half, maximum (2), exponential (2), sum, quotient, S (3), their product, sum over
    # keys, sum over codes, quotient. Summed: the distance, the two sums over codes of softmax and S, keys and codes above and below.
    layers = {"roundings": 16, "sums": 2 * d + 2 * m + 2 * (n + m)}
    layers["exponent"] = float((Q @ omega.T).abs().max() + half_distances(K, omega, 1).max())
    few = [0, -1]  # of the keys: each has a row of its own, and two certified rows cost a sixth of twelve
    pointwise = certified(lambda xp, K, omega: xp.exp(-half_distances(K, omega, 1)), (K[few], omega), **layers)
    pointwise = replace(pointwise, scale=conditioning(lambda *x: factored(torch, *x), (K[few], omega, ones[few], ones[few])))

    def restored(K, omega):
        return (subject.soft_codes(K, omega) * subject.total_weight(K, omega)[:, None])[few]

    executors.hold("softmax times S(k)", restored, (K, omega), pointwise)
    executors.hold("soft form", subject.soft_vq, case.tensors, certified(soft, (Q, K, V, omega, omega, ones), **layers))
    truth = certified(performer, (Q, K, V, omega, omega, ones), **layers)
    executors.hold("Performer", subject.performer, case.tensors, truth)
    apart = conditioning(lambda *x: performer_factored(torch, *x), (Q, K, V, omega, omega, ones, ones))
    executors.hold(
        "soft form with every key weighed by S(k)" if case.repaired else "soft form as it stands",
        subject.repaired if case.repaired else subject.soft_vq,
        case.tensors,
        replace(truth, scale=apart),
    )

    one, other = DOUBLE.run(subject.soft_vq, case.tensors), DOUBLE.run(subject.performer, case.tensors)
    S = torch.exp(-half_distances(K, omega, ones)).sum(-1)
    # Weights times factors between min S and max S move by at most (sqrt(r) - 1) / (sqrt(r) + 1), r = max S / min S, in total variation.
    law = torch.tanh((S.max() / S.min()).log() / 4) * (V.amax(0) - V.amin(0))
    room = 2 * replace(truth, scale=apart).allowed(DOUBLE)
    require(
        bool(((one - other).abs() <= law + room).all()),
        f"{case}: soft form and Performer differ by more than tanh(ln(max S / min S) / 4) of the values' range",
        comparisons=one.numel(), arithmetic=DOUBLE.arithmetic, strength=Strength.BUDGET,
    )  # fmt: skip
    measured(f"relative difference of the soft form, {case.family}", (one - other).norm() / other.norm())
    measured(f"max S / min S, {case.family}", S.max() / S.min())


def over_codes(xp, Q, K, V, C):
    return average(xp, Q @ K.T, V, np.ones((len(Q), len(K)), dtype=int))


def soft_over_codes(beta):
    """sum_y e^(q . c_y) p(y | k_j) in place of e^(q . k_j), for every pair. The codes of logits and of distances are inputs apart."""

    def attention(xp, Q, K, V, C, C_of_distances, ones):
        e = xp.exp(-beta * half_distances(K, C_of_distances, ones))
        return dense(xp.exp(Q @ C.T), e / e.sum(-1)[:, None], V)

    return attention


def nearest_codes(K, C):
    """The definition; exact in float64, because every entry is a multiple of 1/64 below 2^2."""
    return ((K[:, None] - C) ** 2).sum(-1).argmin(-1)


def attention_by(attend):
    return variant(mixture, attention=attend)


def divided_by_n(Q, p, V, C):
    return (Q @ C.T).exp() @ (p.T @ V) / len(p)


def code_norms_subtracted(Q, p, V, C):
    return linear.attention((Q @ C.T - C.square().sum(-1) / 2).exp(), p, V)


def maximum_over_all_codes(Q, p, V, C):
    """A code that no key has leads by so much that the others underflow."""
    logits = Q @ C.T
    return linear.attention((logits - logits.amax(-1, keepdim=True)).exp(), p, V)


def posterior_by(change):
    return variant(mixture, posterior=lambda K, C, beta: change(-beta * soft_vq.half_distances(K, C)))


@claim(
    POST,
    "gmm-gives-finite-linear-attention-and-vq",
    section="Imitating the pattern",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    headline=True,
    says=r"Replacing $\delta(\omega - k_j)$ by a Gaussian mixture over codes gives $\sum_j e^{q \cdot k_j} v_j \approx \sum_y e^{q \cdot c_y} [\sum_j p(y|k_j) v_j]$, "
    r"linear in the length; with one-hot $p$ this is exactly Transformer-VQ.",
    scope=r"$\sum_y p(y|k) = 1$; the same weights in the denominator. The post gives no bound for the approximation.",
    found=r"With one-hot $p$ it is softmax attention over the nearest codes, to precision, and nothing is lost where every key is a code. Soft "
    r"$p \propto e^{-\beta |k - c_y|^2 / 2}$ approaches it at the rate $e^{-\beta g / 2}$ of the smallest gap $g$ between a key's two nearest squared distances.",
    limits=r"At most 12 keys and 8 codes; logits beyond 88 with one-hot $p$ only, since a responsibility that underflows is lost however large $e^{q \cdot c}$ is.",
    if_fails="the responsibilities do not sum to 1 over the codes, or the denominator does not use them",
    effort=0.5,
    zh=dict(
        says=r"用以各编码为中心的高斯混合代替 $\delta(\omega - k_j)$，得到 $\sum_j e^{q \cdot k_j} v_j \approx \sum_y e^{q \cdot c_y} [\sum_j p(y|k_j) v_j]$，"
        r"其复杂度关于长度是线性的；取 one-hot 的 $p$ 时恰好就是 Transformer-VQ。",
        scope=r"$\sum_y p(y|k) = 1$；分母用同样的权重。文中没有给出近似的误差界。",
        found=r"取 one-hot 的 $p$ 时，它在舍入误差内就是以各 key 的最邻近编码为 key 的 softmax Attention；若每个 key 都是编码，则没有任何损失。"
        r"软的 $p \propto e^{-\beta |k - c_y|^2 / 2}$ 以 $e^{-\beta g / 2}$ 的速度趋于它，其中 $g$ 是各 key 到最近两个编码的距离平方之差的最小值。",
        limits=r"至多 12 个 key 和 8 个编码；超过 88 的 logits 只对 one-hot 的 $p$ 检验，因为 $p(y|k)$ 一旦下溢，无论 $e^{q \cdot c}$ 多大，该项都会丢失。",
        if_fails=r"$p(y|k)$ 对各编码求和不为 1，或者分母没有用到 $p(y|k)$",
        names={
            "one-hot mixture at [#, #]": "one-hot 混合，[#, #] 处",
            "one-hot mixture, values of # bits at [#, #]": "one-hot 混合，value 为 # 位，[#, #] 处",
            "mixture, beta = # at [#, #]": r"高斯混合，$\beta = #$，[#, #] 处",
            "largest difference of the soft mixture from the one-hot one, beta = #": r"软混合与 one-hot 混合的最大差别，$\beta = #$",
        },
    ),
)
@subjects(
    mixture,
    responsibilities_not_normalised=posterior_by(torch.exp),
    normalised_over_the_keys=posterior_by(lambda logits: torch.softmax(logits, 0)),
    distances_not_halved=posterior_by(lambda logits: torch.softmax(2 * logits, -1)),
    divided_by_n=attention_by(divided_by_n),
    code_norms_subtracted=attention_by(code_norms_subtracted),
    maximum_over_all_codes=attention_by(maximum_over_all_codes),
    nearest_by_inner_product=variant(mixture, one_hot=lambda K, C: transformer_vq.one_hot((K @ C.T).argmax(-1), C)),
)
@example(case=Mixture(column(-8, 1), column(0, 0.75), column(1, 2), column(0, 1, -1.75)))  # logits 0, -128 and, unused, 224
@given(case=mixtures())
def test_mixture_over_codes_is_linear_attention_and_vq(subject, case, executors):
    Q, K, V, C = case.tensors
    n, d, c = *K.shape, len(C)
    z = nearest_codes(K, C)
    p = subject.one_hot(K, C)
    wrong = (p != (z[:, None] == torch.arange(c))).sum()
    why = f"{case}: {wrong} entries of p differ from the one-hot nearest codes {z.tolist()}"
    require(not wrong, why, comparisons=p.numel(), strength=Strength.BUDGET)
    # Stored on the longest path: logit, maximum (2), exponential (2), weight times count, their sum, quotient, sum over keys, sum over
    # codes; before the sum over keys, for soft p, difference, square, half, times beta, maximum (2), exponential (2), sum, quotient.
    # Summed: logit, keys and codes above and below; distance and codes for soft p.
    queries = torch.cat([Q, 16 * Q])  # with 16 Q, logits beyond 88, where exp overflows in float32
    hard = certified(over_codes, (queries, C[z], V, C), roundings=10, sums=d + 2 * (n + c), exponent=(queries @ C.T).abs().max())
    executors.hold("one-hot mixture", subject.attention, (queries, p, V, C), hard)
    executors.only(torch.float64).hold("one-hot mixture, values of 53 bits", subject.attention, (queries, p, V / 3, C), third(hard))
    ones = torch.ones(n, c, dtype=torch.float64)

    def at(beta):
        return lambda Q, K, V, C: subject.attention(Q, subject.posterior(K, C, beta), V, C)

    soft_layers = {"roundings": 20, "sums": 2 * d + c + 2 * (n + c)}
    for beta in (1, 16):
        exponent = (Q @ C.T).abs().max() + beta * half_distances(K, C, 1).max()
        truth = certified(soft_over_codes(beta), (Q, K, V, C, C, ones), **soft_layers, exponent=exponent)
        executors.hold(f"mixture, beta = {beta}", at(beta), case.tensors, truth)

    # A key's weight is that of its nearest code times a factor in [1 - tau, 1 - tau + tau e^range], tau <= (c - 1) e^(-beta g / 2) the
    # weight of all other codes and `range` that of the query's logits; the bound is then that of the claim above.
    distances = half_distances(K, C, 1).sort(-1).values
    gap = (distances[:, 1] - distances[:, 0]).min() if c > 1 else torch.tensor(torch.inf)
    logits = Q @ C.T
    span = (logits.amax(-1) - logits.amin(-1))[:, None]
    for beta in (1, 16, 256, 1024):
        error = (DOUBLE.run(at(beta), case.tensors) - hard.truth[: len(Q)]).abs()
        tau = ((c - 1) * torch.exp(-beta * gap)).clamp(max=1)
        law = torch.tanh((1 + tau / (1 - tau) * span.exp()).log() / 4) * (V.amax(0) - V.amin(0))
        # Every weight is positive, so relative errors of the weights, those of exponents included, are relative to the largest value,
        # once above and once below the quotient; one rounding more for the truth.
        room = 2 * (sum(soft_layers.values()) + 1) * DOUBLE.u * (1 + beta * distances.max() + logits.abs().max()) * V.abs().amax()
        require(
            bool((error <= law + room).all()),
            f"{case}: at beta = {beta} the soft mixture is {float(error.max()):.3g} from the one-hot one, too far for its gap {float(gap):.3g}",
            comparisons=error.numel(), arithmetic=DOUBLE.arithmetic, strength=Strength.BUDGET,
        )  # fmt: skip
        measured(f"largest difference of the soft mixture from the one-hot one, beta = {beta}", error.max())
