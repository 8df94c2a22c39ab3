"""Random tokenization revisited (post 9811): its recursions, what their results can be reused for, limits and costs.

Everything here is exact: weights are fractions, laws come from a coin that falls both ways, operations are counted.
"""

from collections import Counter
from fractions import Fraction
from functools import partial
from itertools import accumulate
from random import Random

from hypothesis import example, given
from hypothesis import strategies as st

from claims import Finding, Kind, claim, counterexample, not_checkable, subjects, variant
from claims.sampling.test_9811_perfect_sampling import (
    POST,
    all_weights_one,
    always_one_half,
    arrivals_counted_not_weighed,
    output_law,
    prefix_weight_dropped,
    sampler,
    stored_prefix_weight,
)
from impls.sampling import partition, perfect_sampling, scan_bound, subword_regularization, viterbi_decoding, viterbi_sampling
from impls.sampling.segment import SCANS, follow, longest_first
from oracles.evidence import equal, measured, require
from oracles.law import independent, law, marginal, proportional, total_variation
from oracles.operations import priced
from oracles.segmentation import compositions, occurrences, optima, reachable_ends, segmentations, target_law
from strategies.sampling.segmentation import ALL_PRIMES, CLOSE, LONG, Haystack, Instance, haystacks, instance, instances

THREE_TIED = instance("abc", abc=6, a=2, bc=3, ab=2, c=3)
NEARLY_TIED = instance("ab", ab=1001, a=1000, b=1)
ALL_OF_ABC = instance("abc", a=1, b=1, c=1, ab=1, bc=1, abc=1)
ABABA = Instance("ababa", {t: Fraction(1, n) for t, n in {"a": 3, "b": 5, "ab": 6, "ba": 4, "aba": 7, "bab": 11}.items()})


def summing(term):
    """The recursion with another step: term(Z, a, e, w) is the new Z[e] after a candidate of weight w."""

    def wrong(text, weights, scan=longest_first):
        Z = [1] + [0] * len(text)
        for a, e in scan(text, weights):
            Z[e] = term(Z, a, e, weights[text[a:e]])
        return Z

    return variant(partition, partition=wrong)


@claim(
    POST,
    "partition-recursion",
    section="Sampling",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    says=r"The total weight obeys $Z(c_{1..l}) = \sum_{k=0}^{l-1} Z(c_{1..k})\, e^{\alpha s(c_{k+1..l})}$, where $Z$ of nothing is 1.",
    scope="Strings outside of the vocabulary have weight 0.",
    found=r"Exact for every prefix; $Z = 0$ where there is no segmentation, and with all weights 1 it counts them, $2^{l-1}$ for a full vocabulary.",
    limits="Enumeration up to six letters; counts of segmentations of up to 40, and of 64 letters.",
    if_fails="the last token is paired with another prefix than its own",
    zh=dict(
        says=r"总权重满足递归 $Z(c_{1..l}) = \sum_{k=0}^{l-1} Z(c_{1..k})\, e^{\alpha s(c_{k+1..l})}$，空串的 $Z$ 为 1。",
        scope="词表之外的字符串权重为 0。",
        found="对每个前缀都严格成立；没有切分时 $Z = 0$，权重全为 1 时它就是切分的个数，对完整的词表是 $2^{l-1}$。",
        limits="枚举至 6 个字母；对至多 40 个字母以及 64 个字母的文本核对切分的个数。",
        if_fails="最后一个 token 配上的不是它自己的前缀",
    ),
)
@subjects(
    partition,
    best_instead_of_sum=summing(lambda Z, a, e, w: max(Z[e], Z[a] * w)),
    whole_string_left_out=summing(lambda Z, a, e, w: Z[e] + (Z[a] * w if (a, e) != (0, len(Z) - 1) else 0)),
    prefix_shifted_by_one=summing(lambda Z, a, e, w: Z[e] + Z[max(a - 1, 0)] * w),
    prefix_weight_dropped=summing(lambda Z, a, e, w: Z[e] + (w if Z[a] else 0)),
    computed_in_floats=summing(lambda Z, a, e, w: float(Z[e] + Z[a] * w)),
)
@given(case=instances(), length=st.integers(0, 40), largest=st.integers(1, 40))
@example(case=CLOSE, length=64, largest=3)  # more than 2^53 segmentations: no float64 holds their number
def test_total_weight_obeys_the_recursion(subject, case, length, largest):
    due = [sum(segmentations(case.text[:e], case.weights).values()) for e in range(len(case.text) + 1)]
    equal(subject.partition(case.text, case.weights), due, f"{case}: total weights of the prefixes")
    unary = {"a" * n: 1 for n in range(1, largest + 1)}
    due = [compositions(e, largest) for e in range(length + 1)]
    equal(subject.partition("a" * length, unary), due, f"segmentations of up to {length} equal letters into tokens of up to {largest}")


def greedy(text, weights, scan=longest_first):
    """The weight of the segmentation that takes the longest token from the left."""
    weight, a = 1, 0
    while a < len(text):
        e = next((e for e in range(len(text), a, -1) if text[a:e] in weights), None)
        if e is None:
            return 0
        weight, a = weight * weights[text[a:e]], e
    return weight


def best_last_token(text, weights, scan=longest_first):
    """Each prefix scored by its last token alone."""
    S = [1] + [0] * len(text)
    for a, e in scan(text, weights):
        S[e] = max(S[e], weights[text[a:e]] if S[a] else 0)
    return S[-1]


@claim(
    POST,
    "decode-recursion-and-split-optimality",
    section="Decoding",
    kind=Kind.OPTIMUM,
    finding=Finding.HOLDS,
    says=r"The best score obeys $S^*(c_{1..l}) = \max_k [S^*(c_{1..k}) + s(c_{k+1..l})]$; and if the best segmentation is known to cut after "
    r"$c_k$, then $S^*(c_{1..l}) = S^*(c_{1..k}) + S^*(c_{k+1..l})$.",
    scope="The second equation is conditional on the cut, as the post says.",
    found=r"Both exact, with and without ties. At other cuts the two sides add up to less, never to more: the second equation holds for exactly "
    "those $k$ at which some best segmentation cuts.",
    limits="Texts of at most six letters, scores as exact products of rational weights.",
    if_fails="a cut is assumed that no best segmentation has",
    zh=dict(
        says=r"最优得分满足 $S^*(c_{1..l}) = \max_k [S^*(c_{1..k}) + s(c_{k+1..l})]$；若已知最优切分在 $c_k$ 之后切开，"
        "则 $S^*(c_{1..l}) = S^*(c_{1..k}) + S^*(c_{k+1..l})$。",
        scope="第二个等式以在该处切开为条件，正如文中所说。",
        found="两者都严格成立，无论最优切分是否唯一。在其他位置切开时，两侧之和只会更小，绝不会更大：使第二个等式成立的 $k$，"
        "恰好就是有某个最优切分切开的那些位置。",
        limits="文本至多 6 个字母，得分以有理数权重的精确乘积表示。",
        if_fails="假定在某处切开，而没有任何最优切分在那里切开",
    ),
)
@subjects(
    viterbi_decoding,
    longest_token_first=variant(viterbi_decoding, best=greedy),
    last_token_alone=variant(viterbi_decoding, best=best_last_token),
    every_cut_assumed=variant(viterbi_decoding, optimal_cuts=lambda text, weights: set(range(1, len(text)))),
    one_best_segmentation=variant(
        viterbi_decoding, optimal_cuts=lambda text, weights: set(cuts(viterbi_decoding.decode(text, weights) or ()))
    ),
)
@given(case=instances())
@example(case=ABABA)
@example(case=THREE_TIED)
@example(case=NEARLY_TIED)
@example(case=LONG)
def test_best_score_obeys_the_recursion_and_splits_where_it_is_cut(subject, case):
    text, weights = case.text, case.weights
    for e in range(len(text) + 1):
        equal(
            subject.best(text[:e], weights),
            max(segmentations(text[:e], weights).values(), default=0),
            f"{case}: best weight of {text[:e]!r}",
        )
    equal(
        subject.optimal_cuts(text, weights),
        {k for pieces in optima(text, weights) for k in cuts(pieces)},
        f"{case}: cuts at which the best scores of both sides add up to the best score",
    )
    whole = subject.best(text, weights)
    halves = [subject.best(text[:k], weights) * subject.best(text[k:], weights) for k in range(len(text) + 1)]
    require(
        max(halves) <= whole, f"{case}: two halves together weigh {max(halves)}, the best segmentation {whole}", comparisons=len(halves)
    )


def cuts(pieces):
    """The positions inside the text at which a segmentation cuts."""
    return list(accumulate(map(len, pieces)))[:-1]


class Lookups(frozenset):
    """A vocabulary that counts how often it is asked for a string."""

    def __new__(cls, tokens):
        found = super().__new__(cls, tokens)
        found.asked = 0
        return found

    def __contains__(self, token):
        self.asked += 1
        return super().__contains__(token)


@claim(
    POST,
    "scanned-token-bound",
    section="Decoding",
    kind=Kind.COMPLEXITY,
    finding=Finding.HOLDS,
    says=r"A text of length $l \ge m$, with tokens of length at most $m$, has at most $l + (l-1) + \dots + (l-m+1) = lm - \tfrac12 m(m-1)$ "
    "candidates, so decoding is linear in $l$.",
    scope=r"$l \ge m$.",
    found=r"Attained exactly where every substring of up to $m$ letters is a token. The formula is right for $l = m - 1$ too and wrong for every "
    r"shorter text: $l = 18$, $m = 36$ gives 18, where 171 candidates are possible. Looking each of them up is all that a scan does.",
    limits="Texts of up to 40 letters, tokens of up to 20, and the pinned one.",
    if_fails="the bound is taken for texts shorter than the longest token, or counts a token length too many",
    zh=dict(
        says=r"长度 $l \ge m$ 的文本（token 长度不超过 $m$）至多有 $l + (l-1) + \dots + (l-m+1) = lm - \tfrac12 m(m-1)$ 个候选，"
        "因此解码关于 $l$ 是线性的。",
        scope=r"要求 $l \ge m$。",
        found="恰好在每个不超过 $m$ 个字母的子串都是 token 时取等号。公式对 $l = m - 1$ 也正确，对更短的文本则都是错的：$l = 18$、"
        "$m = 36$ 时它给出 18，而可能的候选有 171 个。扫描所做的，不过是逐一查找这些候选。",
        limits="文本至多 40 个字母，token 至多 20 个字母，外加固定的那个例子。",
        if_fails="把该上界用在比最长 token 还短的文本上，或者多算了一种 token 长度",
        names={
            "l = #, m = #: formula": "l = #，m = #：公式值",
            "l = #, m = #: candidates": "l = #，m = #：候选数",
        },
    ),
)
@subjects(
    scan_bound,
    all_starts_count_fully=variant(scan_bound, candidates=lambda l, m: l * m),
    one_length_too_many=variant(scan_bound, candidates=lambda l, m: l * m - m * (m + 1) // 2),
    length_not_capped=variant(scan_bound, candidates=lambda l, m: l * (l + 1) // 2),
    right_for_short_texts_too=variant(scan_bound, candidates=lambda l, m: sum(max(l - k + 1, 0) for k in range(1, m + 1))),
)
@given(
    text=st.text("ab", min_size=1, max_size=40), m=st.integers(1, 20), missing=st.sets(st.text("ab", min_size=1, max_size=3), max_size=3)
)
@example(text="ab" * 9, m=36, missing=set())
@example(text="ab" * 9, m=4, missing=set())
def test_number_of_candidates_is_bounded(subject, text, m, missing):
    l = len(text)
    every = Lookups({text[a : a + n] for a in range(l) for n in range(1, m + 1)} | {"c" * m})
    possible, bound = sum(min(e, m) for e in range(1, l + 1)), subject.candidates(l, m)
    require(
        (bound == possible) == (l >= m - 1),
        f"l = {l}, m = {m}: the bound is {bound}, {possible} candidates are possible",
    )
    equal((len(longest_first(text, every)), every.asked), (possible, possible), f"{text!r}: candidates, and strings looked up")
    if l == 18 and m == 36:
        measured("l = 18, m = 36: formula", bound)
        measured("l = 18, m = 36: candidates", possible)
    some = every - missing
    met = len(occurrences(text, some))
    require(
        l < m or met <= bound and (met == bound) == (len(some) == len(every)),
        f"{text!r} without {', '.join(sorted(missing))}: {met} candidates, bound {bound}",
        comparisons=2,
    )


def sums_in_a_pass_of_their_own(text, weights, coin, scan=longest_first):
    Z, route = partition.partition(text, weights, scan), {}
    so_far = Counter()
    for a, e in scan(text, weights):
        if Z[a]:
            x = Z[a] * weights[text[a:e]]
            so_far[e] += x
            if coin(x / so_far[e]):
                route[e] = a
    return route


def coin_for_unreachable_starts(text, weights, coin, scan=longest_first):
    Z, route = Counter({0: 1}), {}
    for a, e in scan(text, weights):
        x = Z[a] * weights[text[a:e]]
        Z[e] += x
        if coin(x / Z[e] if Z[e] else Fraction(0)):
            route[e] = a
    return route


@claim(
    POST,
    "one-coin-per-candidate",
    part_of="scanned-token-bound",
    section="Decoding",
    kind=Kind.COMPLEXITY,
    finding=Finding.HOLDS,
    says="Sampling costs what decoding costs, one step per candidate, plus a random number each.",
    scope="None stated.",
    found="One product of weights and one coin for each candidate whose start can be reached; as many coins as there are reachable ends "
    "are certain. The two best segmentations of Subword Regularization already cost more products, as soon as a prefix has two.",
    limits="Operations counted, not timed; texts of up to 30 letters.",
    if_fails="the sums are computed before the sampling starts, or unreachable candidates are worked on",
    zh=dict(
        says="采样的代价与解码相同：每个候选 token 走一步，外加一个随机数。",
        scope="原文未说明。",
        found="每个起点可达的候选做一次权重的乘法、抛一枚硬币；其中必然接受的硬币，与可达的终点一样多。只要某个前缀有两个切分，"
        "Subword Regularization 仅取最优的两个切分，乘法的次数就已经更多。",
        limits="只清点操作次数，不计时间；文本至多 30 个字母。",
        if_fails="在采样开始之前就计算了累积权重，或者对不可达的候选也做了运算",
    ),
)
@subjects(
    perfect_sampling,
    sums_in_a_pass_of_their_own=sampler(sums_in_a_pass_of_their_own),
    coin_for_unreachable_starts=sampler(coin_for_unreachable_starts),
    two_best=variant(perfect_sampling, sample=lambda text, weights, coin: subword_regularization.sample(text, weights, coin, 2)),
)
@given(case=haystacks(), seed=st.integers(0, 2**32 - 1))
@example(case=Haystack("aaa", ("a", "aa")), seed=0)
@example(case=Haystack("abc", ("ab", "bc", "c")), seed=0)
def test_one_product_and_one_coin_per_candidate(subject, case, seed):
    chance, asked = Random(seed), Counter()

    def coin(p):
        asked["coins"] += 1
        asked["undecided coins"] += p < 1
        return chance.random() < p

    weights, done = priced({token: Fraction(1, 2 ** len(token)) for token in case.vocabulary})
    subject.sample(case.text, weights, coin)
    ends = reachable_ends(*case)
    worked_on = sum(a in ends for a, _ in occurrences(*case))
    equal(done["products"], worked_on, f"products for {case}")
    equal((asked["coins"], asked["undecided coins"]), (worked_on, worked_on - len(ends - {0})), f"coins, and undecided ones, for {case}")


def stored(subject, case):
    """The joint law of the segmentations that one pass keeps for all prefixes of the text: None where there is none."""
    scan = SCANS[case.shortest_first]

    def one_pass(coin):
        route = subject.routes(case.text, case.weights, coin, scan)
        return tuple(follow(case.text[:e], route) for e in range(len(case.text) + 1))

    return law(one_pass)


@claim(
    POST,
    "stored-samples-are-dependent",
    section="Sampling",
    kind=Kind.DISTRIBUTION,
    finding=Finding.HOLDS_IN_SCOPE,
    says="Results of sampling can be reused as those of decoding can: one segmentation kept per prefix is enough to sample the next prefix.",
    scope="None stated.",
    found="What is kept for a prefix has the exact law of that prefix, for every prefix. But those of one pass are not independent of each "
    r"other: for abc with all weights 1 the pair kept for ab and abc is $\tfrac14$ in total variation away from independence.",
    limits="Texts of at most five letters and rational weights.",
    if_fails="the prefix is weighed by the stored segmentation, or a stored segmentation is used as several samples",
    zh=dict(
        says="采样结果可以像解码结果一样被复用：每个前缀只保留一个切分，就足以对更长的前缀采样。",
        scope="原文未说明。",
        found="对每个前缀，为它保留的切分都服从该前缀的精确分布。但同一遍扫描所保留的各个切分并不相互独立：对权重全为 1 的 abc，"
        r"为 ab 和 abc 保留的那一对，与独立情形的全变差距离为 $\tfrac14$。",
        limits="文本至多 5 个字母，权重为有理数。",
        if_fails="前缀的权重取的是当前保存的那个切分的权重，或者一个保存的切分被当作多个样本使用",
    ),
)
@subjects(
    perfect_sampling,
    first_sampler=viterbi_sampling,
    stored_prefix_weight=stored_prefix_weight,
    arrivals_counted_not_weighed=arrivals_counted_not_weighed,
    prefix_weight_dropped=prefix_weight_dropped,
)
@counterexample(
    "abc with all weights 1: the segmentations kept for its prefixes in one pass are no independent draws",
    "权重全为 1 的 abc：同一遍扫描为其各前缀保留的切分，不是相互独立的样本",
    case=ALL_OF_ABC,
    together=True,
)
@given(case=instances(max_length=5), together=st.just(False))
@example(case=ALL_PRIMES, together=False)
def test_what_is_stored_for_a_prefix_has_its_law(subject, case, together):
    joint = stored(subject, case)
    prefixes = range(len(case.text) + 1)
    for reused in [tuple(prefixes)] if together else [(e,) for e in prefixes]:
        due = independent([target_law(case.text[:e], case.weights) for e in reused])
        got = marginal(joint, reused)
        kept_for = " and ".join(repr(case.text[:e]) for e in reused)
        equal(got, due, f"{case}: law of what is kept for {kept_for}, {total_variation(got, due)} in total variation off")


def start_of_last(text, weights):
    """The law of the start of the last token of a segmentation drawn by weight, None if there is none."""
    due = Counter()
    for pieces, p in target_law(text, weights).items():
        due[len(text) - len(pieces[-1]) if pieces else None] += p
    return due


def one_coin_for_all_positions(text, weights, coin, scan):
    """A coin asked for a second time with the same probability is not thrown again."""
    fallen = {}

    def remembered(p):
        if p not in fallen:
            fallen[p] = coin(p)
        return fallen[p]

    return perfect_sampling.routes(text, weights, remembered, scan)


@claim(
    POST,
    "back-pointers-are-independent",
    part_of="stored-samples-are-dependent",
    section="Sampling",
    kind=Kind.DISTRIBUTION,
    finding=Finding.HOLDS,
    says=r"The coins at a position have probabilities $Z_a w / Z_e$, which no earlier coin changes.",
    scope="None stated.",
    found=r"The tokens kept at different positions are independent of each other, each with probability $Z_a w / Z_e$: that is why one stored "
    "segmentation per prefix is enough. Under the first sampler they depend on each other.",
    limits="Texts of at most five letters and rational weights.",
    if_fails="a coin depends on what is stored",
    zh=dict(
        says="某位置上硬币的概率是 $Z_a w / Z_e$，不受之前任何一枚硬币的影响。",
        scope="原文未说明。",
        found="不同位置所保留的 token 相互独立，各自的概率为 $Z_a w / Z_e$：每个前缀只保存一个切分就够了，原因正在于此。"
        "在第一版采样器中，它们是相互依赖的。",
        limits="文本至多 5 个字母，权重为有理数。",
        if_fails="硬币依赖于所保存的内容",
    ),
)
@subjects(
    perfect_sampling,
    first_sampler=viterbi_sampling,
    stored_prefix_weight=stored_prefix_weight,
    prefix_weight_dropped=prefix_weight_dropped,
    always_one_half=always_one_half,
    one_coin_for_all_positions=sampler(one_coin_for_all_positions),
)
@given(case=instances(max_length=5))
@example(case=ALL_PRIMES)
@example(case=ALL_OF_ABC)
def test_back_pointers_are_independent(subject, case):
    scan = SCANS[case.shortest_first]
    ends = range(1, len(case.text) + 1)

    def starts(coin):
        route = subject.routes(case.text, case.weights, coin, scan)
        return tuple(route.get(e) for e in ends)

    got = law(starts)
    each = [{start: p for (start,), p in marginal(got, [e - 1]).items()} for e in ends]
    product = independent(each)
    equal(got, product, f"{case}: joint law of the back-pointers, {total_variation(got, product)} in total variation from independence")
    equal(each, [start_of_last(case.text[:e], case.weights) for e in ends], f"{case}: law of each back-pointer")


@claim(
    POST,
    "alpha-to-infinity-limit",
    section="Sampling",
    kind=Kind.LIMIT,
    finding=Finding.HOLDS_IN_SCOPE,
    says=r"As $\alpha \to \infty$ the sampler degenerates to Viterbi decoding, because logsumexp is a smooth maximum.",
    scope="None stated.",
    found=r"With one best segmentation the sampler misses it with probability at most $(|\Omega| - 1)(w_2 / w_1)^{\alpha}$, $w_2$ the weight of the "
    r"runner-up. With $r$ best ones it tends to $\tfrac1r$ each, where decoding returns the one that its scan meets first.",
    limits=r"Integer $\alpha$ up to 64, for which powers of rational weights are exact.",
    if_fails="the weights are not raised to the power alpha everywhere",
    zh=dict(
        says=r"当 $\alpha \to \infty$ 时采样退化为 Viterbi 解码，因为 logsumexp 是 max 的光滑近似。",
        scope="原文未说明。",
        found=r"最优切分唯一时，采样器错过它的概率至多为 $(|\Omega| - 1)(w_2 / w_1)^{\alpha}$，其中 $w_2$ 是次优者的权重。"
        r"若有 $r$ 个最优切分，则趋于各 $\tfrac1r$，而解码返回扫描时最先遇到的那个。",
        limits=r"$\alpha$ 为至多 64 的整数，此时有理数权重的幂是精确的。",
        if_fails=r"并非所有权重都取了 $\alpha$ 次幂",
        names={
            "best of abc with a runner-up of #/# of its weight: probability at alpha = #": "abc 的最优切分（次优者的权重是它的 #/#）："
            r"$\alpha = #$ 时的概率",
        },
    ),
)
@subjects(
    perfect_sampling,
    all_weights_one=all_weights_one,
    prefix_weight_dropped=prefix_weight_dropped,
    arrivals_counted_not_weighed=arrivals_counted_not_weighed,
    always_one_half=always_one_half,
)
@counterexample(
    "three segmentations of equal weight: 1/3 each at every temperature, decoding always returns abc",
    "三个权重相等的切分：在任何温度下都是各 1/3，而解码总是返回 abc",
    case=THREE_TIED,
    alpha=64,
)
@given(case=instances().filter(lambda case: len(optima(case.text, case.weights)) == 1), alpha=st.sampled_from([4, 16, 64]))
@example(case=CLOSE, alpha=64)
@example(case=CLOSE, alpha=16)
@example(case=CLOSE, alpha=4)
@example(case=CLOSE, alpha=1)
def test_large_alpha_decodes(subject, case, alpha):
    scan = SCANS[case.shortest_first]
    decoded = viterbi_decoding.decode(case.text, case.weights, scan)
    missed = 1 - output_law(subject, case.tempered(alpha)).get(decoded, Fraction(0))
    weighted = segmentations(case.text, case.weights)
    best = max(weighted.values())
    others = [weight / best for weight in weighted.values() if weight < best]
    require(
        missed <= len(others) * max(others, default=Fraction(0)) ** alpha,
        f"{case} at alpha = {alpha}: decoding returns {'|'.join(decoded or ())}, the sampler something else with probability {float(missed):.3g}",
    )
    if case == CLOSE:
        measured(f"best of abc with a runner-up of 6/7 of its weight: probability at alpha = {alpha}", 1 - missed)


def by_weight(kept, coin):
    """One of the pairs (weight, segmentation)."""
    remaining = sum(w for w, _ in kept)
    for w, pieces in kept:
        if w == remaining or coin(w / remaining):
            return pieces
        remaining -= w


def not_renormalised(text, weights, coin, n, scan):
    """With the probability of the segmentations left out, nothing is returned."""
    every = subword_regularization.n_best(text, weights, 2 ** len(text), scan)
    return by_weight([*every[:n], (sum(w for w, _ in every[n:]), None)], coin)


def evenly_among_n(text, weights, coin, n, scan):
    return by_weight([(Fraction(1), pieces) for _, pieces in subword_regularization.n_best(text, weights, n, scan)], coin)


def first_n_found(text, weights, coin, n, scan):
    """Lists cut to n without being sorted by weight."""
    found = [[(Fraction(1), ())]] + [[] for _ in text]
    for a, e in scan(text, weights):
        found[e] = (found[e] + [(w * weights[text[a:e]], (*pieces, text[a:e])) for w, pieces in found[a]])[:n]
    return by_weight(found[-1], coin)


@claim(
    POST,
    "subword-regularization-equivalence",
    section="Perfect Sampling",
    kind=Kind.DISTRIBUTION,
    finding=Finding.HOLDS,
    says="Perfect sampling is Subword Regularization with unlimited $n$; for finite $n$ the latter leaves segmentations out.",
    scope="None stated.",
    found=r"Equal for $n \ge |\Omega|$. For smaller $n$ the total variation between the two is exactly the probability of the "
    "segmentations left out: of the 13 of one text of five letters the four best leave out 38%.",
    limits="Texts of at most five letters, rational weights and ideal coins.",
    if_fails="the list of candidates is cut before it is sorted, or not renormalised",
    zh=dict(
        says="完美采样等价于 $n$ 不设上限的 Subword Regularization；$n$ 有限时后者会漏掉一部分切分。",
        scope="原文未说明。",
        found=r"$n \ge |\Omega|$ 时两者相等。$n$ 更小时，两者的全变差距离恰好等于被漏掉的切分的概率：某个五个字母的文本有 13 个切分，"
        "只取最优的四个会漏掉 38%。",
        limits="文本至多 5 个字母，权重为有理数，硬币是理想的。",
        if_fails="候选列表在排序之前就被截断，或者没有重新归一化",
        names={
            "ababa with # segmentations: left out, n = #": "有 # 个切分的 ababa：漏掉的概率，n = #",
        },
    ),
)
@subjects(
    subword_regularization,
    not_renormalised=variant(subword_regularization, sample=not_renormalised),
    evenly_among_n=variant(subword_regularization, sample=evenly_among_n),
    first_n_found=variant(subword_regularization, sample=first_n_found),
)
@given(case=instances(max_length=5), n=st.integers(1, 6))
@example(case=ABABA, n=1)
@example(case=ABABA, n=4)
def test_subword_regularization_misses_the_mass_of_what_it_leaves_out(subject, case, n):
    scan = SCANS[case.shortest_first]
    weighted = segmentations(case.text, case.weights) or {None: Fraction(1)}
    perfect = output_law(perfect_sampling, case)
    for kept in (n, len(weighted)):
        got = law(partial(subject.sample, case.text, case.weights, n=kept, scan=scan))
        left_out = sum(sorted(weighted.values(), reverse=True)[kept:]) / sum(weighted.values())
        equal(total_variation(got, perfect), left_out, f"{case}, n = {kept}: total variation to perfect sampling")
        due = proportional({pieces: weighted.get(pieces, 0) for pieces in got})
        equal(got, due, f"{case}, n = {kept}: law among the segmentations kept")
        if case == ABABA:
            measured(f"ababa with 13 segmentations: left out, n = {kept}", left_out)


test_speed_against_subword_regularization = not_checkable(
    POST,
    "speed-vs-subword-regularization",
    section="Summary",
    says="In practice it is clearly faster than Subword Regularization.",
    found="A speed belongs to a machine, a vocabulary and two pieces of software; what can be counted is the number of operations.",
    proxy="one-coin-per-candidate",
    zh=dict(
        says="实际使用中明显快于 Subword Regularization。",
        found="速度取决于机器、词表和两套软件；可以清点的是操作的次数。",
    ),
)
