"""Random tokenization revisited (post 9811) in floating point and with real random numbers."""

import math
import sys
from bisect import bisect_left
from fractions import Fraction
from functools import partial

import mpmath
import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from claims import Finding, Kind, claim, counterexample, subjects, variant
from claims.sampling.test_9811_perfect_sampling import POST
from impls.sampling import coins, log_space, partition, perfect_sampling, segment
from impls.sampling.segment import longest_first
from oracles import log_partition
from oracles.evidence import Strength, equal, measured, require
from oracles.law import law
from oracles.rounding import DIGITS, ULPS, UNIT, within
from oracles.segmentation import segmentations
from strategies.sampling.scores import Scored, log_pairs, scored, temperatures

UNARY = {"a": -1.0, "aa": -2.0}


def log_add_error(arithmetic, r):
    """Largest error of max + log(1 + e^-d) with result r, in a library that is good to k ulp.

    In units u: rounding of d, damped by d e^-d / (1 + e^-d) < 0.28; exp is off by k ulp of at most 1, 2ku, of which a half arrives
    where e^-d is close to 1; 1 + e^-d: 1; log, at most log 2: k ulp of at most 2^-53, ku; the last addition: |r|.
    """
    return UNIT[arithmetic] * (1.28 + 2 * ULPS[arithmetic] + abs(float(r)))


@claim(
    POST,
    "logsumexp-two-branch-form",
    section="The Solution",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS_IN_SCOPE,
    says=r"$\log(e^x + e^y) = \max(x, y) + \log(1 + e^{-|x - y|})$ computes logsumexp without overflow.",
    scope="None stated.",
    found=r"Right to rounding if both numbers are finite or one of them is $-\infty$. Of $-\infty$ and $-\infty$ it makes NaN, where $-\infty$ "
    "would be right.",
    limits=r"float64 and float32, $|x|$ up to $10^4$.",
    if_fails="the exponent is not the negative absolute difference",
    zh=dict(
        says=r"用 $\log(e^x + e^y) = \max(x, y) + \log(1 + e^{-|x - y|})$ 计算 logsumexp 不会溢出。",
        scope="原文未说明。",
        found=r"两数都有限，或其中一个为 $-\infty$ 时，精确到舍入误差。对 $-\infty$ 与 $-\infty$ 得到 NaN，而正确的结果是 $-\infty$。",
        limits="float64 与 float32，$|x|$ 至多 $10^4$。",
        if_fails="指数不是差的绝对值的相反数",
        names={
            "logsumexp in float# number # of #": "float# 的 logsumexp，第 # 个，共 # 个",
        },
    ),
)
@subjects(
    log_space,
    branches_swapped=variant(log_space, log_add=lambda x, y: np.minimum(x, y) + np.log(1 + np.exp(np.abs(x - y)))),
    exponentials_added=variant(log_space, log_add=lambda x, y: np.log(np.exp(x) + np.exp(y))),
    maximum_forgotten=variant(log_space, log_add=lambda x, y: np.log(1 + np.exp(-np.abs(x - y)))),
    maximum_alone=variant(log_space, log_add=np.maximum),
    binary_logarithm=variant(log_space, log_add=lambda x, y: np.maximum(x, y) + np.log2(1 + np.exp(-np.abs(x - y)))),
    float32_inside=variant(log_space, log_add=lambda x, y: log_space.log_add(np.float32(x), np.float32(y)).astype(x.dtype)),
)
@counterexample(
    "nothing has arrived and what arrives cannot be reached: both are -inf",
    "此前没有任何到达者，而新到的又不可达：两者都是 -inf",
    pairs=[(-math.inf, -math.inf)],
)
@given(pairs=log_pairs())
@example(pairs=[(-math.inf, 0.0), (800.0, 0.0)])
@example(pairs=[(0.0, -16.0), (-31.0, 0.0), (0.25, -35.75)])  # what is added is small, and yet larger than what rounds off
def test_logsumexp_does_not_overflow(subject, pairs):
    for arithmetic in UNIT:
        x, y = np.array(pairs, dtype=arithmetic).T
        with mpmath.workdps(DIGITS), np.errstate(all="ignore"):
            truth = [mpmath.log(mpmath.exp(float(a)) + mpmath.exp(float(b))) if max(a, b) > -np.inf else -mpmath.inf for a, b in zip(x, y)]
            got = subject.log_add(x, y)
        within(f"logsumexp in {arithmetic}", got, truth, [log_add_error(arithmetic, r) for r in truth], arithmetic)


def stepping(x=lambda Z, w: Z + w, add=log_space.log_add, keep=lambda x, before, after: np.exp(x - after)):
    """The recursion with another weight of a candidate, another sum, or another probability of keeping."""

    def steps(text, scores, alpha, scan=longest_first):
        Z = [0 * alpha] + [0 * alpha - np.inf] * len(text)
        for a, e in scan(text, scores):
            new, before = x(Z[a], alpha * scores[text[a:e]]), Z[e]
            Z[e] = add(before, new)
            yield a, e, Z[e], keep(new, before, Z[e])

    return variant(log_space, steps=steps)


def without_temperature(text, scores, alpha, scan=longest_first):
    return log_space.steps(text, scores, 1 + 0 * alpha, scan)


def in_float32(text, scores, alpha, scan=longest_first):
    return log_space.steps(text, scores, alpha.astype("float32"), scan)


def recursion_error(arithmetic, candidates, M):
    """Largest error of log Z after so many candidates; M bounds every |log Z|, |alpha s| and |x|.

    A candidate adds the rounding of alpha s and of the sum x, which arrive with its softmax weight, and one log_add; where errors
    meet they are averaged by softmax weights, so along a chain they add at worst.
    """
    return candidates * (2 * UNIT[arithmetic] * M + log_add_error(arithmetic, M))


def share_error(arithmetic, budget, M):
    """Largest relative error of a share whose exponent is the difference of two numbers that are off by `budget`.

    The difference is rounded itself; exp and the second order of the error (below 1/8 here) cost a little more.
    """
    return 1.1 * (2 * budget + 2 * UNIT[arithmetic] * M) + 2 * ULPS[arithmetic] * UNIT[arithmetic]


def of_chains(truth, alpha, scores, arithmetic):
    """Budgets of log Z and of the shares, for a text in which any chain of candidates may occur.

    A share may fall out of the range of the arithmetic.
    """
    M = max(float(abs(v)) for step in truth for v in (step.log_Z, step.x, alpha * max(map(abs, scores.values()))))
    budget = recursion_error(arithmetic, len(truth), M)
    relative = share_error(arithmetic, budget, M)
    tiny = float(np.finfo(arithmetic).tiny)
    return [budget] * len(truth), [relative * float(step.share) + tiny for step in truth]


def of_unary(truth, alpha, arithmetic):
    """Budgets of log Z and of the share of "a" at the end of a text of equal letters.

    Let eta be the error of one position: two candidates, averaged, one sum. The errors d_e of log Z obey d_e = p d_{e-1} + (1-p) d_{e-2}
    + eta with 1 - p <= 1/2, so that |d_e - d_{e-1}| <= 2 eta: what the prefixes have in common cancels in the exponent of a share.
    Its own roundings are 3uM < 0.4 eta and exp less than another eta; 4 eta holds the second order too while eta < 0.05.
    """
    M = float(max(abs(truth.log_Z), mpmath.log(mpmath.fib(truth.e + 1)), alpha * truth.e) + 2 * alpha + 1)
    eta = recursion_error(arithmetic, 1, M)
    return truth.e * eta, 4 * eta * float(truth.share)


@claim(
    POST,
    "log-space-recursion-error",
    part_of="logsumexp-two-branch-form",
    section="The Solution",
    kind=Kind.APPROXIMATION,
    finding=Finding.HOLDS,
    says=r"$Z^{\log}_i = \mathrm{logsumexp}(Z^{\log}_{i-1}, \alpha s_i)$ with acceptance probability $e^{\alpha s_i - Z^{\log}_i}$ is a usable way "
    "to store the sums.",
    scope="None stated.",
    found=r"The errors of $Z^{\log}$ add up along the text. Those of the acceptance probabilities do not, as what prefixes have in common "
    r"cancels: they stay at a few roundings of $Z^{\log}$. After 3000 letters float32 has lost the second digit behind the point of "
    r"$Z^{\log}$ (the first at $\alpha = 5$), but only the fourth or fifth significant digit of the probabilities.",
    limits="A text of equal letters where the length matters; enumeration up to six letters elsewhere.",
    if_fails="the probability uses the sum before the arrival, or the sum is not kept in logarithms",
    zh=dict(
        says=r"用 $Z^{\log}_i = \mathrm{logsumexp}(Z^{\log}_{i-1}, \alpha s_i)$ 存储累积权重，"
        r"并以 $e^{\alpha s_i - Z^{\log}_i}$ 为接受概率，在数值上是可行的。",
        scope="原文未说明。",
        found=r"$Z^{\log}$ 的误差沿文本累加。接受概率的误差则不会，因为各前缀的公共部分相互抵消："
        r"它始终只有 $Z^{\log}$ 的几个舍入误差那么大。3000 个字母之后，"
        r"float32 的 $Z^{\log}$ 已丢掉小数点后第二位（$\alpha = 5$ 时是第一位），而概率只丢掉第四或第五位有效数字。",
        limits="长度有影响之处，文本由相同的字母组成；其余情形枚举至 6 个字母。",
        if_fails="概率用的是到达之前的累积权重，或者累积权重没有以对数存储",
        names={
            "error of log Z after # letters, float#": r"# 个字母之后 $\log Z$ 的误差，float#",
            "relative error of probabilities after # letters, float#": "# 个字母之后概率的相对误差，float#",
            "log Z in float# number # of #": r"float# 的 $\log Z$，第 # 个，共 # 个",
            "probabilities in float# number # of #": "float# 的概率，第 # 个，共 # 个",
        },
    ),
)
@subjects(
    log_space,
    sum_before_the_arrival=stepping(keep=lambda x, before, after: np.minimum(np.exp(x - before), 1)),
    linear_sums=stepping(add=lambda x, y: np.log(np.exp(x) + np.exp(y))),
    prefix_dropped=stepping(x=lambda Z, w: w),
    maximum_alone=stepping(add=np.maximum),
    without_temperature=variant(log_space, steps=without_temperature),
    float32_inside=variant(log_space, steps=in_float32),
)
@given(case=scored(), alphas=temperatures(), length=st.integers(2, 40))
@example(case=Scored("aaa", UNARY), alphas=[0.0, 1.0, 5.0], length=3000)
def test_recursion_in_logarithms_is_right_to_rounding(subject, case, alphas, length):
    truths = [log_partition.steps(case.text, case.scores, alpha) for alpha in alphas]
    unary = [log_partition.unary_step(length, alpha) for alpha in alphas]
    for arithmetic in UNIT:
        alpha = np.array(alphas, dtype=arithmetic)
        with np.errstate(all="ignore"):
            got = [step for step in subject.steps(case.text, case.scores, alpha, longest_first)]
            *_, last = subject.steps("a" * length, UNARY, alpha, longest_first)
        budgets = [of_chains(truth, a, case.scores, arithmetic) for truth, a in zip(truths, alphas)]
        unary_budgets = [of_unary(truth, a, arithmetic) for truth, a in zip(unary, alphas)]
        for k, what in enumerate(("log Z", "probabilities")):
            within(
                f"{what} in {arithmetic}",
                [step[2 + k][i] for i in range(len(alphas)) for step in got] + list(last[2 + k]),
                [step[2 + k] for truth in truths for step in truth] + [step[2 + k] for step in unary],
                [budget for pair in budgets for budget in pair[k]] + [pair[k] for pair in unary_budgets],
                arithmetic,
            )
            if length == 3000:
                for value, step in zip(last[2 + k], unary):
                    scale = step.share if k else 1
                    measured(
                        f"{'relative ' * k}error of {what} after 3000 letters, {arithmetic}",
                        float(abs(mpmath.mpf(float(value)) - step[2 + k]) / scale),
                    )


def best_instead_of_sum(text, weights):
    Z = [1.0] + [0.0] * len(text)
    for a, e in longest_first(text, weights):
        Z[e] = max(Z[e], Z[a] * weights[text[a:e]])
    return Z


def bounded(Z, least=0.0, most=math.inf):
    return [min(max(z, least), most) for z in Z]


def stuck_at_the_smallest(text, weights):
    """No product vanishes altogether."""
    Z = [1.0] + [0.0] * len(text)
    for a, e in longest_first(text, weights):
        Z[e] += max(Z[a] * weights[text[a:e]], 5e-324)
    return Z


def fate(Z, log_Z, length):
    """What has become of a sum that was stored directly: right, overflow, or lost (0, or too small for a full mantissa).

    A candidate costs the 2u by which its weight is off, a product and a sum; there is at most one per letter, and 5u hold the second order.
    """
    if math.isinf(Z):
        return "overflow"
    if Z < sys.float_info.min:
        return "lost"
    with mpmath.workdps(DIGITS):
        return "right" if abs(mpmath.expm1(mpmath.log(float(Z)) - log_Z)) <= 5 * UNIT["float64"] * length else "wrong"


@claim(
    POST,
    "direct-z-overflow-direction",
    section="The Solution",
    kind=Kind.APPROXIMATION,
    finding=Finding.HOLDS,
    says="Because of exponential growth the sums themselves are very likely to leave the range of floating point; logarithms do not.",
    scope="None stated.",
    found=r"Exactly where $\log Z$ leaves the range of float64, and in both directions: for small $\alpha$ the number of segmentations wins and the "
    r"sum overflows, for large $\alpha$ it vanishes, and the acceptance probability is $0/0$. With tokens a and aa of scores $-1$ and $-2$ the "
    r"turning point is $\alpha = 0.48$; below $\log 2$ the sum never reaches 0, it sticks at a multiple of the smallest number there is.",
    limits="Texts of equal letters up to 5000 long.",
    if_fails="the sums are kept in range by other means than logarithms",
    zh=dict(
        says="由于指数爆炸，累积权重本身大概率会超出浮点数的范围（上溢或下溢），其对数则不会。",
        scope="原文未说明。",
        found=r"恰好在 $\log Z$ 超出 float64 的范围时如此，而且两个方向都有：$\alpha$ 小时切分的个数占优，累积权重上溢；"
        r"$\alpha$ 大时累积权重变为 0，接受概率成为 $0/0$。token 为 a 和 aa、得分为 $-1$ 和 $-2$ 时，转折点是 $\alpha = 0.48$；"
        r"$\alpha$ 小于 $\log 2$ 时累积权重永远到不了 0，而是停在最小正浮点数的某个倍数上。",
        limits="由相同字母组成的文本，长度至多 5000。",
        if_fails="累积权重是靠对数以外的手段保持在范围之内的",
        names={
            "log Z where the sum is right": r"累积权重正确时的 $\log Z$",
            "log Z where the sum overflows": r"累积权重上溢时的 $\log Z$",
            "log Z where the sum is lost": r"累积权重下溢时的 $\log Z$",
            "alpha where the sum is right": r"累积权重正确时的 $\alpha$",
            "alpha where the sum overflows": r"累积权重上溢时的 $\alpha$",
            "alpha where the sum is lost": r"累积权重下溢时的 $\alpha$",
            "stored sum where it is lost, alpha above log #": r"下溢时存储的累积权重，$\alpha$ 大于 log #",
            "stored sum where it is lost, alpha below log #": r"下溢时存储的累积权重，$\alpha$ 小于 log #",
        },
    ),
)
@subjects(
    partition,
    never_overflows=variant(partition, partition=lambda *given: bounded(partition.partition(*given), most=sys.float_info.max)),
    never_vanishes=variant(partition, partition=lambda *given: bounded(partition.partition(*given), least=sys.float_info.min)),
    in_float32=variant(
        partition, partition=lambda text, weights: partition.partition(text, {t: np.float32(w) for t, w in weights.items()})
    ),
    best_instead_of_sum=variant(partition, partition=best_instead_of_sum),
    stuck_at_the_smallest=variant(partition, partition=stuck_at_the_smallest),
)
@given(length=st.integers(2, 3000), alpha=st.integers(0, 96).map(lambda k: k / 64))
@example(length=1475, alpha=0.0)
@example(length=1476, alpha=0.0)
@example(length=5000, alpha=41 / 64)
@example(length=100, alpha=5.0)
@example(length=157, alpha=5.0)
@example(length=1000, alpha=5.0)
def test_direct_sums_leave_the_range_where_their_logarithm_does(subject, length, alpha):
    with np.errstate(all="ignore"):
        Z = subject.partition("a" * length, {token: math.exp(alpha * score) for token, score in UNARY.items()})[-1]
    log_Z = log_partition.unary_step(length, alpha).log_Z
    with mpmath.workdps(DIGITS):  # no case of the strategy is nearer to either end than its error
        due = "overflow" if log_Z > mpmath.log(sys.float_info.max) else "lost" if log_Z < mpmath.log(sys.float_info.min) else "right"
    got = fate(Z, log_Z, length)
    require(got == due, f"{length} letters, alpha = {alpha}: log Z = {float(log_Z):.6g} should be {due}, but Z = {float(Z):.6g} is {got}")
    require(Z > 0 or alpha > math.log(2), f"{length} letters, alpha = {alpha}: the sum has become 0")
    # From e^-744 on only multiples of the smallest number are left; for alpha >= 1 such a sum shrinks with every letter, log Z by one half and more.
    require(Z == 0 or alpha < 1 or log_Z > -750, f"{length} letters, alpha = {alpha}: the sum has not become 0 but {float(Z):.3g}")
    what = "overflows" if due == "overflow" else f"is {due}"
    measured(f"log Z where the sum {what}", float(log_Z))
    measured(f"alpha where the sum {what}", alpha)
    if due == "lost":
        measured(f"stored sum where it is lost, alpha {'above' if alpha > math.log(2) else 'below'} log 2", float(Z))


def mean_instead_of_sum(text, scores, alpha):
    return log_space.smooth_max(text, scores, alpha) - math.log(len(segmentations(text, dict.fromkeys(scores, 1)))) / alpha


def maximum_alone(text, scores, alpha):
    *_, (_, _, Z, _) = stepping(add=np.maximum).steps(text, scores, alpha)
    return Z / alpha


@claim(
    POST,
    "logsumexp-smooths-max",
    part_of="alpha-to-infinity-limit",
    section="Sampling",
    kind=Kind.INEQUALITY,
    finding=Finding.HOLDS_IN_SCOPE,
    says=r"logsumexp is a smooth approximation of the maximum, so the recursion of sampling becomes that of decoding as $\alpha \to \infty$.",
    scope="None stated.",
    found=r"It is $Z^{\log} / \alpha$ that tends to the best score $S^*$, from above: $\tfrac{\log r}{\alpha} \le \tfrac{Z^{\log}}{\alpha} - S^* \le "
    r"\tfrac{\log |\Omega|}{\alpha}$ with $r$ best among $|\Omega|$ segmentations. In floating point $\alpha s$ has to be finite: $\alpha = 10^{308}$ makes NaN.",
    limits=r"Texts of at most six letters, $\alpha$ up to $10^6$.",
    if_fails="the sum of the exponentials is taken for their mean, or not divided by alpha",
    zh=dict(
        says=r"logsumexp 是 max 的光滑近似，因此当 $\alpha \to \infty$ 时采样的递归变为解码的递归。",
        scope="原文未说明。",
        found=r"趋于最优得分 $S^*$ 的是 $Z^{\log} / \alpha$，而且是从上方趋近："
        r"$\tfrac{\log r}{\alpha} \le \tfrac{Z^{\log}}{\alpha} - S^* \le \tfrac{\log |\Omega|}{\alpha}$，"
        r"其中 $|\Omega|$ 个切分里有 $r$ 个最优。在浮点运算中 $\alpha s$ 必须有限：$\alpha = 10^{308}$ 得到 NaN。",
        limits=r"文本至多 6 个字母，$\alpha$ 至多 $10^6$。",
        if_fails=r"把指数之和当成了均值，或者没有除以 $\alpha$",
    ),
)
@subjects(
    log_space,
    not_divided_by_alpha=variant(log_space, smooth_max=lambda text, scores, alpha: log_space.smooth_max(text, scores, alpha) * alpha),
    mean_instead_of_sum=variant(log_space, smooth_max=mean_instead_of_sum),
    maximum_alone=variant(log_space, smooth_max=maximum_alone),
    smooth_minimum=variant(log_space, smooth_max=lambda text, scores, alpha: log_space.smooth_max(text, scores, -alpha)),
)
@counterexample(
    "alpha times a score overflows to -inf, and so does everything",
    r"$\alpha$ 与得分之积溢出为 -inf，一切也都随之如此",
    case=Scored("ab", {"a": -2.0, "b": -2.0, "ab": -3.0}),
    alpha=1e308,
)
@given(case=scored(), alpha=st.floats(0.125, 1e6))
@example(case=Scored("aaa", UNARY), alpha=1.0)
def test_sum_over_alpha_is_a_smooth_maximum(subject, case, alpha):
    ways = segmentations(case.text, dict.fromkeys(case.scores, 1))
    sums = [math.fsum(case.scores[piece] for piece in pieces) for pieces in ways]
    best = max(sums)
    with np.errstate(all="ignore"):
        excess = float(subject.smooth_max(case.text, case.scores, alpha)) - best
    # All in units of 1 / alpha, so that nothing here overflows where alpha does: the least score is -5, and a constant error counts
    # the more the smaller alpha. The recursion, and here two quotients, a difference and the logarithms.
    M = 5 * len(case.text) + math.log(len(ways)) / alpha
    slack = (recursion_error("float64", 21, M) + 8 * UNIT["float64"] * (1 + M)) / min(alpha, 1)
    low, high = math.log(sums.count(best)) / alpha, math.log(len(ways)) / alpha
    require(
        low - slack <= excess <= high + slack,
        f"{case} at alpha = {alpha:g}: the excess over the best score is {excess:.6g}, not from {low:.6g} to {high:.6g}",
        comparisons=2,
        arithmetic="float64",
        strength=Strength.BUDGET,
    )


def flips(coin):
    """A coin of exact probabilities in the place of epsilon < p, which is false if p is NaN."""
    return lambda p: not np.isnan(p) and coin(Fraction(float(p)))


def sampled_with_its_share(sample, case, alpha):
    """A sampler returns exactly the segmentations that there are, each with its share, or None if there is none. Raises `Refuted`.

    A coin that is off by delta moves the law by delta in total variation at most, and every coin is within the recursion's budget.
    """
    with np.errstate(invalid="ignore"):
        got = law(lambda coin: sample(flips(coin)))
    due = segmentations(case.text, dict.fromkeys(case.scores, 1)) or [None]
    equal(sorted(got, key=str), sorted(due, key=str), f"{case}, alpha = {alpha:g}: what is sampled at all")
    with mpmath.workdps(DIGITS):
        weights = [mpmath.exp(mpmath.mpf(alpha) * mpmath.fsum(case.scores[piece] for piece in pieces or ())) for pieces in due]
        shares = [w / mpmath.fsum(weights) for w in weights]
    candidates, M = len(longest_first(case.text, case.scores)), alpha * 5 * len(case.text) + math.log(len(due))  # the least score is -5
    off = candidates * share_error("float64", recursion_error("float64", candidates, M), M) + UNIT["float64"]
    within("probability of a segmentation", [float(got[pieces]) for pieces in due], shares, [off] * len(due), "float64")


def missing_tokens_score_zero(text, scores, alpha, coin):
    every = {text[a:e]: 0.0 for e in range(len(text) + 1) for a in range(e)}
    return log_space.sample(text, every | scores, alpha, coin)


def ends_without_weight_skipped(text, scores, alpha, coin):
    """The guard at the wrong end of the candidate: nothing is ever the first to arrive."""
    return log_space.sample(text, scores, alpha, coin, lambda *given: first_arrivals_dropped(longest_first(*given)))


def first_arrivals_dropped(candidates):
    ends = {0}
    return [(a, e) for a, e in candidates if e in ends]


@claim(
    POST,
    "unreachable-prefix-nan",
    section="Decoding",
    kind=Kind.DISTRIBUTION,
    finding=Finding.HOLDS_IN_SCOPE,
    says=r"Strings outside of the vocabulary have score $-\infty$, so that the recursion in logarithms needs no special cases.",
    scope="None stated.",
    found=r"True if every position can be reached, as with all single bytes in the vocabulary. Otherwise $-\infty$ meets $-\infty$, the sum is NaN "
    "and nothing that arrives later is accepted: with ab, bc and c nothing comes out for abc, although ab|c is there.",
    limits=r"Texts of up to four letters, $\alpha$ up to 1.5, ideal coins of the rounded probabilities.",
    if_fails="candidates whose start cannot be reached take part",
    zh=dict(
        says=r"词表之外的字符串得分视为 $-\infty$，对数形式的递归因而无需特殊处理。",
        scope="原文未说明。",
        found=r"在每个位置都可达时成立，例如词表包含所有单字节。否则 $-\infty$ 遇上 $-\infty$，累积权重成为 NaN，"
        "之后到达的都不会被接受：token 为 ab、bc 和 c 时，abc 得不到任何结果，尽管有 ab|c 这个切分。",
        limits=r"文本至多 4 个字母，$\alpha$ 至多 1.5，硬币是理想的，其概率为舍入后的概率。",
        if_fails="起点不可达的候选也参与了进来",
        names={
            "probability of a segmentation number # of #": "切分的概率，第 # 个，共 # 个",
        },
    ),
)
@subjects(
    log_space,
    ends_without_weight_skipped=variant(log_space, sample=ends_without_weight_skipped),
    missing_tokens_score_zero=variant(log_space, sample=missing_tokens_score_zero),
    best_alone=variant(log_space, sample=lambda text, scores, alpha, coin: log_space.sample(text, scores, alpha, lambda p: p > 0.5)),
    temperature_doubled=variant(log_space, sample=lambda text, scores, alpha, coin: log_space.sample(text, scores, 2 * alpha, coin)),
    fair_coins=variant(
        log_space, sample=lambda text, scores, alpha, coin: log_space.sample(text, scores, alpha, lambda p: coin(p if p == 1 else 0.5))
    ),
)
@counterexample(
    "bc starts where no segmentation ends",
    "没有任何切分结束于 bc 开始的位置",
    case=Scored("abc", {"ab": 0.0, "bc": 0.0, "c": -1.0}),
    alpha=1.0,
)
@given(case=scored(max_length=4), alpha=st.floats(0.125, 1.5))
@example(case=Scored("aaa", {"a": -1.0, "aa": -1.5, "aaa": -2.0}), alpha=1.0)
def test_recursion_needs_no_special_case(subject, case, alpha):
    sampled_with_its_share(partial(subject.sample, case.text, case.scores, alpha), case, alpha)


def starts_where_a_token_ends(candidates):
    """One step short: the token that ends there may start where nothing ends."""
    ends = {0} | {e for _, e in candidates}
    return [(a, e) for a, e in candidates if a in ends]


def trace_from_the_last_route(text, route):
    """From the last position that was reached at all, not from the end of the text: the rest is silently dropped."""
    return segment.follow(text[: max(route, default=0)], route)


def trace_that_stays(text, route):
    """A position without a route leads to itself; cut after as many steps as there are letters, as it would not end."""
    e, pieces = len(text), []
    for _ in text:
        a = route.get(e, e)
        pieces.append(text[a:e])
        e = a
        if e == 0:
            break
    return tuple(reversed(pieces))


@claim(
    POST,
    "unreachable-starts-skipped",
    part_of="unreachable-prefix-nan",
    section="Decoding",
    ours=True,
    kind=Kind.DISTRIBUTION,
    finding=Finding.HOLDS,
    says="Skipping the candidates whose start has not been reached repairs the recursion for every vocabulary.",
    scope="Not in the post.",
    found="Every segmentation is sampled with its share, to rounding, and nothing else; a text without one is reported, if the trace starts at the end of "
    "the text and stops where there is no way back. Reached means by a candidate that has been reached itself, not by any.",
    limits=r"Texts of up to four letters, $\alpha$ up to 1.5, ideal coins of the rounded probabilities.",
    if_fails="the end of a candidate is tested in place of its start",
    zh=dict(
        says="跳过起点不可达的候选 token 之后，递归对任何词表都正确。",
        scope="原文没有。",
        found="每个切分都以其份额被采样到（精确到舍入误差），除此之外别无结果；只要回溯从文本末尾开始，并在无路可退处停下，"
        "没有切分的文本就会被如实报告。所谓可达，是指有本身可达的候选到达，而不是有任意候选到达。",
        limits=r"文本至多 4 个字母，$\alpha$ 至多 1.5，硬币是理想的，其概率为舍入后的概率。",
        if_fails="检查的是候选的终点，而不是起点",
        names={
            "probability of a segmentation number # of #": "切分的概率，第 # 个，共 # 个",
        },
    ),
)
@subjects(
    segment,
    nothing_skipped=variant(segment, reachable=list),
    ends_tested=variant(segment, reachable=first_arrivals_dropped),
    end_of_any_candidate=variant(segment, reachable=starts_where_a_token_ends),
    trace_from_the_last_route=variant(segment, follow=trace_from_the_last_route),
    trace_that_stays=variant(segment, follow=trace_that_stays),
)
@given(case=scored(max_length=4, covered=False), alpha=st.floats(0.125, 1.5))
@example(case=Scored("abc", {"ab": 0.0, "bc": 0.0, "c": -1.0}), alpha=1.0)
@example(case=Scored("ab", {"a": 0.0}), alpha=1.0)
@example(case=Scored("abcd", {"b": 0.0, "d": -1.0, "cd": 0.0, "abc": 0.0}), alpha=1.0)
def test_skipping_unreachable_starts_is_enough(subject, case, alpha):
    def sample(coin):
        steps = log_space.steps(case.text, case.scores, alpha, lambda *given: subject.reachable(longest_first(*given)))
        return subject.follow(case.text, {e: a for a, e, _, p in steps if coin(p)})

    sampled_with_its_share(sample, case, alpha)


PROBABILITIES = st.one_of(
    st.sampled_from([Fraction(0), Fraction(1), Fraction(1, 10**12)]),
    st.fractions(0, 1, max_denominator=200),
)


@claim(
    POST,
    "coin-granularity-and-closed-interval",
    section="The Solution",
    kind=Kind.DISTRIBUTION,
    finding=Finding.HOLDS_IN_SCOPE,
    says=r"A candidate is accepted if $\varepsilon < p$, where $\varepsilon \sim U[0, 1]$.",
    scope=r"A continuous $\varepsilon$, for which the end of the interval does not matter.",
    found=r"With $n$ equally likely values $0, \tfrac1n, \dots, \tfrac{n-1}n$ in place of the interval a coin is off by less than $\tfrac1n$, never too "
    r"small, and certain for $p = 0$ and $p = 1$. With 1 among the values $p = 1$ can fail, and the only candidate of a position be rejected.",
    limits="Generators without dependence between draws.",
    if_fails="the generator can return 1, or equality counts as acceptance",
    zh=dict(
        says=r"若 $\varepsilon < p$ 则接受候选，其中 $\varepsilon \sim U[0, 1]$。",
        scope=r"$\varepsilon$ 是连续的，此时区间的端点无关紧要。",
        found=r"若以 $n$ 个等可能的值 $0, \tfrac1n, \dots, \tfrac{n-1}n$ 代替这个区间，硬币的误差小于 $\tfrac1n$，从不偏小，"
        "并且在 $p = 0$ 和 $p = 1$ 时是确定的。若 1 也在取值之中，则 $p = 1$ 也可能失败，使得某个位置唯一的候选被拒绝。",
        limits="各次抽取互不相关的随机数发生器。",
        if_fails="发生器可能返回 1，或者相等也算作接受",
    ),
)
@subjects(
    coins,
    equality_accepted=variant(coins, accepts=lambda p, epsilon: epsilon <= p),
    compared_with_the_complement=variant(coins, accepts=lambda p, epsilon: epsilon > 1 - p),
    probability_clipped=variant(coins, accepts=lambda p, epsilon: epsilon < min(max(p, Fraction(1, 1000)), Fraction(999, 1000))),
)
@counterexample(
    "32,768 values from 0 to 1, both included: p = 1 fails once",
    "从 0 到 1 的 32,768 个值，两端都包含在内：p = 1 失败一次",
    p=Fraction(1),
    values=2**15,
    closed=True,
)
@given(p=PROBABILITIES, values=st.integers(2, 2000), closed=st.just(False))
@example(p=Fraction(1), values=2**15, closed=False)
def test_coin_is_off_by_less_than_one_value(subject, p, values, closed):
    last = values - 1 if closed else values
    accepted = Fraction(sum(subject.accepts(p, Fraction(r, last)) for r in range(values)), values)
    require(
        0 <= accepted - p < Fraction(1, values),
        f"p = {p}, {values} values from 0 to {'1' if closed else 'below 1'}: accepted with {accepted}",
        comparisons=values,
    )


def heads(accepts, p, R):
    """How many of the R + 1 random numbers accept; where there are many, those from 0 up to the first that does not."""
    if R < 1000:
        return sum(accepts(p, r, R) for r in range(R + 1))
    return bisect_left(range(R + 1), True, key=lambda r: not accepts(p, r, R))


@claim(
    POST,
    "integer-coin-error-law",
    part_of="coin-granularity-and-closed-interval",
    section="The Solution",
    kind=Kind.APPROXIMATION,
    finding=Finding.APPROXIMATE,
    says="The reference code makes this coin from an integer random number: rand() < p RAND_MAX.",
    scope="None stated.",
    found=r"With $R$ for RAND_MAX it accepts with $\lceil pR \rceil / (R + 1)$, off by at least $-\tfrac{p}{R+1}$ and less than $\tfrac{1-p}{R+1}$. For "
    r"$R = 32{,}767$ a certain acceptance fails once in 32,768 times, and even $p = 10^{-12}$ succeeds once in 32,768. Where the only way to a "
    "position is rejected, a text has no way back.",
    limits="The rounding of $pR$ itself, which matters only next to an integer, is left out.",
    if_fails="the generator has one more or one fewer value than assumed",
    zh=dict(
        says="参考代码用整数随机数实现这枚硬币：rand() < p RAND_MAX。",
        scope="原文未说明。",
        found=r"以 $R$ 记 RAND_MAX，它的接受概率为 $\lceil pR \rceil / (R + 1)$，"
        r"偏差不小于 $-\tfrac{p}{R+1}$ 且小于 $\tfrac{1-p}{R+1}$。$R = 32{,}767$ 时，本应必然的接受每 32,768 次会失败一次，"
        "就连 $p = 10^{-12}$ 也会每 32,768 次成功一次。到达某个位置的唯一途径一旦被拒绝，文本就无法回溯。",
        limits="没有计入 $pR$ 本身的舍入，它只在紧邻整数处才有影响。",
        if_fails="发生器的取值比假定的多一个或少一个",
        names={
            "accepted, p = #, R = #": "接受概率，p = #，R = #",
        },
    ),
)
@subjects(
    coins,
    one_more_than_the_maximum=variant(coins, accepts_integer=lambda p, r, R: r < p * (R + 1)),
    equality_accepted=variant(coins, accepts_integer=lambda p, r, R: r <= p * R),
    product_truncated=variant(coins, accepts_integer=lambda p, r, R: r < int(p * R)),
)
@given(p=PROBABILITIES, R=st.integers(1, 300))
@example(p=Fraction(1), R=2**15 - 1)
@example(p=Fraction(1, 10**12), R=2**15 - 1)
@example(p=Fraction(1, 10**12), R=2**31 - 1)
def test_integer_coin_has_its_error_law(subject, p, R):
    accepted = Fraction(heads(subject.accepts_integer, p, R), R + 1)
    equal(accepted, Fraction(math.ceil(p * R), R + 1), f"p = {p}, R = {R}: probability of acceptance")
    require(-p <= (accepted - p) * (R + 1) < 1 - p, f"p = {p}, R = {R}: accepted with {accepted}, off by {float(accepted - p):.3g}")
    way_back = perfect_sampling.sample("a", {"a": Fraction(1)}, lambda certain: subject.accepts_integer(certain, R, R))
    equal(way_back, None, f"R = {R}: the only segmentation of a, if the random number is R")
    if R > 1000:
        measured(f"accepted, p = {float(p):g}, R = {R}", float(accepted))
