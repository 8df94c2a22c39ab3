"""Random tokenization revisited: from Viterbi Sampling to a perfect sampling algorithm (post 9811): the laws of the samplers.

The post finds that its first sampler does not draw segmentations in proportion to their weights, and repairs it by
comparing each arrival with the total weight that has arrived, not with the one segmentation that is stored.
All laws are computed exactly: the samplers get a coin that falls both ways. Recursions and costs, and what floating point
and real generators do to them, have files of their own.
"""

from fractions import Fraction
from functools import partial
from itertools import combinations

from hypothesis import example, given
from hypothesis import strategies as st

from claims import Finding, Kind, Post, claim, counterexample, subjects, variant
from impls.sampling import aho_corasick, perfect_sampling, reservoir, subword_regularization, viterbi_sampling
from impls.sampling.segment import SCANS, follow, longest_first, shortest_first
from oracles.evidence import equal, measured, require
from oracles.figure import Figure
from oracles.law import law, proportional, total_variation
from oracles.segmentation import chain_of_duels, occurrences, segmentations, target_law
from strategies.sampling.segmentation import (
    ALL_PRIMES,
    LONG,
    Haystack,
    Meeting,
    Ordered,
    arrivals,
    haystacks,
    instance,
    instances,
    meetings,
    ordered_instances,
)

POST = Post(
    9811,
    date="2023-10-16",
    topic="sampling",
    title="Random tokenization revisited: from Viterbi Sampling to a perfect sampling algorithm",
    sections={
        "Problem Analysis": "问题分析",
        "The Solution": "解决办法",
        "Perfect Sampling": "完美采样",
        "Decoding": "Decoding",
        "Sampling": "Sampling",
        "Summary": "文章小结",
    },
    stands="The main result holds exactly: when each arrival is compared with the cumulative weight $Z_i$, every segmentation is "
    r"sampled with probability $e^{\alpha s} / Z$, as in Subword Regularization with unlimited $n$. So do the diagnosis of the "
    r"first sampler, the recursions for $S^*$ and $Z$, the bound on the candidates for $l \ge m$, and the reuse of one sample "
    "per prefix, though the samples of one pass are dependent. Unstated conditions: the probabilities quoted for watching "
    r"need the shortest token first, $\alpha \to \infty$ is decoding only if the best segmentation is unique, and the "
    "logarithmic recursion, right to rounding, needs every position to be reachable. The integer coin of the reference code "
    "is only approximate, off by at most $1 / (R + 1)$ with $R$ for RAND_MAX. Nothing is refuted; the claimed speed cannot be "
    "checked here.",
    zh=dict(
        title="随机分词再探：从Viterbi Sampling到完美采样算法",
        stands=r"主要结论严格成立：让每个到达者都与累积权重 $Z_i$ 比较，每个切分被采样到的概率就是 $e^{\alpha s} / Z$，"
        r"与不限制 $n$ 的 Subword Regularization 相同。对第一版采样器的诊断、$S^*$ 与 $Z$ 的递归、$l \ge m$ 时候选数的上界，"
        "以及每个前缀只存一个样本即可复用，也都严格成立，不过同一遍扫描得到的各样本并不相互独立。文中没有说明的条件是："
        r"为 watching 所引的各个概率要求短 token 优先；只有最优切分唯一时，$\alpha \to \infty$ 才是解码；"
        "对数形式的递归精确到舍入误差，但要求每个位置都可达。参考代码的整数硬币只是近似，以 $R$ 记 RAND_MAX，"
        "误差至多为 $1 / (R + 1)$。文中没有被推翻的说法；所称的速度优势无法在这里检验。",
    ),
)

THREE_WAYS = instance("abc", abc=3, a=1, bc=1, ab=1, c=2)  # the smallest weights for which the first sampler loses the mode

THREE_MEET = Meeting(THREE_WAYS, ((("abc",), Fraction(3)), (("a", "bc"), Fraction(1)), (("ab", "c"), Fraction(2))))

LAWS = Figure(
    title="Three segmentations of weights 3, 1, 2: how often each is sampled",
    x="segmentation",
    y="probability",
)


def output_law(subject, case):
    scan = SCANS[case.shortest_first]
    return law(lambda coin: subject.sample(case.text, case.weights, coin, scan))


def sampler(routes):
    """The perfect sampler with another way to find the routes, and what follows from them."""
    return variant(perfect_sampling, routes=routes, sample=lambda text, *given: follow(text, routes(text, *given)))


def reservoirs(offer, accept):
    """A sampler that keeps, per end, the total weight arrived, the weight stored and the number of arrivals.

    offer(total, stored, w) is the weight that a candidate with prefix (total, stored) brings; accept(x, before, stored,
    arrivals) the probability of keeping it. Most mistakes below are one of the two.
    """

    def routes(text, weights, coin, scan=longest_first):
        total, stored, arrivals, route = {0: 1}, {0: 1}, {0: 1}, {}
        for a, e in scan(text, weights):
            if a not in total:
                continue
            x = offer(total[a], stored[a], weights[text[a:e]])
            arrivals[e] = arrivals.get(e, 0) + 1
            if coin(accept(x, total.get(e, 0), stored.get(e, 0), arrivals[e])):
                stored[e], route[e] = x, a
            total[e] = total.get(e, 0) + x
        return route

    return sampler(routes)


stored_prefix_weight = reservoirs(lambda total, stored, w: stored * w, lambda x, before, stored, arrivals: x / (before + x))
arrivals_counted_not_weighed = reservoirs(lambda total, stored, w: total * w, lambda x, before, stored, arrivals: Fraction(1, arrivals))
prefix_weight_dropped = reservoirs(lambda total, stored, w: w, lambda x, before, stored, arrivals: x / (before + x))
always_one_half = reservoirs(lambda total, stored, w: total * w, lambda x, before, stored, arrivals: Fraction(1, min(arrivals, 2)))
all_weights_one = sampler(lambda text, weights, *given: perfect_sampling.routes(text, dict.fromkeys(weights, Fraction(1)), *given))


def in_the_other_order(text, weights, coin, scan):
    return viterbi_sampling.sample(text, weights, coin, shortest_first if scan is longest_first else longest_first)


def last_arrival_wins(text, weights, coin, scan):
    return viterbi_sampling.sample(text, weights, lambda p: True, scan)


def ends_descending(text, weights, coin, scan=longest_first):
    return perfect_sampling.sample(text, weights, coin, lambda *given: sorted(scan(*given), key=lambda candidate: -candidate[1]))


def one_prefix_for_all(text, weights, coin, scan):
    """The first sampler without the weight of the prefix: candidates compete with their last token alone."""
    score, route = {0: 1}, {}
    for a, e in scan(text, weights):
        if a in score:
            x = weights[text[a:e]]
            if e not in score or coin(x / (x + score[e])):
                score[e], route[e] = x, a
    return follow(text, route)


def unreachable_starts_tried(text, weights, coin, scan):
    """The first sampler with a candidate whose start cannot be reached counted as if its prefix weighed 1."""
    score, route = {0: 1}, {}
    for a, e in scan(text, weights):
        x = score.get(a, 1) * weights[text[a:e]]
        if e not in score or coin(x / (x + score[e])):
            score[e], route[e] = x, a
    return follow(text, route)


@claim(
    POST,
    "old-sampler-quarter-quarter-half",
    section="Problem Analysis",
    kind=Kind.DISTRIBUTION,
    finding=Finding.HOLDS_IN_SCOPE,
    headline=True,
    says=r"Under the first sampler three segmentations of equal score that meet at one position come out with probabilities "
    r"$\tfrac14, \tfrac14, \tfrac12$ instead of $\tfrac13$ each; the post quotes them for watch|ing, wat|ching, w|atching.",
    scope="Equal scores, in the order of arrival; the post does not name the order of the scan.",
    found=r"Exactly so in order of arrival, and $2^{-(n-1)}, 2^{-(n-1)}, 2^{-(n-2)}, \dots, \tfrac12$ for $n$ candidates. The quoted words need "
    r"the shortest token first; with the longest first, as the same section describes the automaton, watch|ing gets $\tfrac12$.",
    limits="One meeting point; for nested ones see max-probability-segmentation-stays-most-likely.",
    if_fails="the acceptance probability is not that of a duel with the stored candidate",
    zh=dict(
        says=r"按第一版采样器，在同一位置相遇、得分相等的三个切分被采样到的概率是 $\tfrac14, \tfrac14, \tfrac12$，"
        r"而不是各 $\tfrac13$；文中依次对应 watch|ing、wat|ching、w|atching。",
        scope="得分相等，按到达顺序；原文没有指明扫描的顺序。",
        found=r"按到达顺序恰好如此，$n$ 个候选时则是 $2^{-(n-1)}, 2^{-(n-1)}, 2^{-(n-2)}, \dots, \tfrac12$。"
        r"文中所引的词要求短 token 优先；若长 token 优先，即同一节所描述的自动机顺序，则 watch|ing 得到 $\tfrac12$。",
        limits="只有一个相遇点；嵌套的相遇见 max-probability-segmentation-stays-most-likely。",
        if_fails="接受概率不是与当前保存的候选对决的概率",
    ),
)
@subjects(
    viterbi_sampling,
    perfect_sampler=perfect_sampling,
    always_one_half=always_one_half,
    prefix_weight_dropped=variant(viterbi_sampling, sample=one_prefix_for_all),
    unreachable_starts_tried=variant(viterbi_sampling, sample=unreachable_starts_tried),
    last_arrival_wins=variant(viterbi_sampling, sample=last_arrival_wins),
    scan_reversed=variant(viterbi_sampling, sample=in_the_other_order),
)
@counterexample(
    "the post's order, watch|ing, wat|ching, w|atching, is not that of a scan with the longest token first: there w|atching arrives first and "
    "watch|ing last, so these two get each other's probabilities",
    "文中的次序 watch|ing、wat|ching、w|atching 并不是长 token 优先时的到达次序：此时 w|atching 最先到达，watch|ing 最后到达，两者的概率于是互换",
    meeting=Meeting(
        instance("watching", watch=1, ing=1, wat=1, ching=1, w=1, atching=1),
        arrivals=tuple((pieces, Fraction(1)) for pieces in (("watch", "ing"), ("wat", "ching"), ("w", "atching"))),
    ),
)
@given(meeting=meetings())
@example(meeting=THREE_MEET)
def test_first_sampler_is_a_chain_of_duels(subject, meeting):
    got, claimed = output_law(subject, meeting.instance), chain_of_duels(meeting.arrivals)
    sampled, said = (", ".join(f"{'|'.join(pieces or ('nothing',))}: {p}" for pieces, p in of.items()) for of in (got, claimed))
    order = ", ".join("|".join(pieces) for pieces, _ in meeting.arrivals)
    sentence = f"{meeting.instance!r}: sampled {sampled}; claimed for the order {order}: {said}"
    require(got == claimed, sentence, comparisons=len(claimed))


def chain_of_fail_links_cut(text, vocabulary):
    """Only the longest token that ends at each position."""
    longest = {}
    for a, e in aho_corasick.matches(text, vocabulary):
        longest.setdefault(e, a)
    return [(a, e) for e, a in longest.items()]


def restarts_on_a_mismatch(text, vocabulary):
    """No fail links at all while reading: what was read before a mismatch is forgotten."""
    states, state, found = {token[:k] for token in vocabulary for k in range(len(token) + 1)}, "", []
    for e, c in enumerate(text, start=1):
        state = next((longer for longer in (state + c, c) if longer in states), "")
        found += [(e - n, e) for n in range(len(state), 0, -1) if state[-n:] in vocabulary]
    return found


@claim(
    POST,
    "automaton-reports-longest-token-first",
    part_of="old-sampler-dilutes-longest-token",
    section="Problem Analysis",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    says="Among the tokens that end at one position, an Aho-Corasick automaton reports the longer ones first.",
    scope="None stated.",
    found="Every occurrence is reported once, the ends ascending and for each end in strictly descending length.",
    limits="An automaton written out here; libraries may sort what theirs finds.",
    if_fails="the tokens of a state are not read along its fail links",
    zh=dict(
        says="对于结束于同一位置的各个 token，AC 自动机总是先返回较长的。",
        scope="原文未说明。",
        found="每处出现都恰好返回一次，终点递增，同一终点的 token 长度严格递减。",
        limits="检验的是这里写出的自动机；现成的库可能会对找到的结果再排序。",
        if_fails="读取某一状态的各个 token 时，没有沿着它的 fail 指针",
    ),
)
@subjects(
    aho_corasick,
    chain_of_fail_links_cut=variant(aho_corasick, matches=chain_of_fail_links_cut),
    restarts_on_a_mismatch=variant(aho_corasick, matches=restarts_on_a_mismatch),
    shortest_first=variant(aho_corasick, matches=shortest_first),
    by_start=variant(aho_corasick, matches=lambda text, vocabulary: sorted(longest_first(text, vocabulary))),
)
@given(case=haystacks())
@example(case=Haystack("abcd", ("ab", "abc", "b", "bcd")))
def test_automaton_reports_the_longest_token_first(subject, case):
    ordered = sorted(occurrences(*case), key=lambda found: (found[1], found[0]))
    equal(subject.matches(*case), ordered, f"occurrences in the order of the automaton for {case}")


@claim(
    POST,
    "old-sampler-dilutes-longest-token",
    section="Problem Analysis",
    kind=Kind.INEQUALITY,
    finding=Finding.HOLDS,
    says="The first sampler hurts whoever comes first: the longest token, which usually scores highest, is diluted by all that follow.",
    scope="None stated; that longer tokens score higher is an observation of the post.",
    found="Where segmentations meet, the first arrival never gets more than its share and the last never less, both strictly from three "
    "on. It is the place that costs, not the weight: of the first two the heavier keeps the larger part of its share.",
    limits="One meeting point, where the shares are those of the arrivals' weights.",
    if_fails="the scan visits the candidates in another order than the one claimed",
    zh=dict(
        says="第一版采样器对先到者不利：最长的 token 最先返回、得分通常也最高，却被所有后来者稀释。",
        scope="原文未说明；较长的 token 得分较高，是文中的观察。",
        found="在切分相遇之处，最先到达者所得从不多于其份额，最后到达者所得从不少于其份额，有三个及以上时两者都是严格的不等。"
        "吃亏是因为到达的次序，而不是权重：前两个到达者之中，权重较大者保住了其份额的更大比例。",
        limits="只有一个相遇点，此时份额就是各到达者的权重所占的比例。",
        if_fails="扫描访问候选的顺序与所说的不同",
        names={
            "sampled / due, first arrival": "采样概率 / 应得概率，最先到达者",
            "sampled / due, second arrival": "采样概率 / 应得概率，第二个到达者",
            "sampled / due, last arrival": "采样概率 / 应得概率，最后到达者",
        },
    ),
)
@subjects(
    viterbi_sampling,
    perfect_sampler=perfect_sampling,
    shortest_token_first=variant(viterbi_sampling, sample=in_the_other_order),
    prefix_weight_dropped=variant(viterbi_sampling, sample=one_prefix_for_all),
    last_arrival_wins=variant(viterbi_sampling, sample=last_arrival_wins),
    always_one_half=always_one_half,
)
@given(meeting=meetings())
@example(meeting=THREE_MEET)
def test_first_sampler_dilutes_the_first_arrival(subject, meeting):
    fair = proportional(dict(meeting.arrivals))
    sampled = output_law(subject, meeting.instance)
    kept = [sampled.get(pieces, Fraction(0)) / fair[pieces] for pieces, _ in meeting.arrivals]
    for place, part in (("first arrival", kept[0]), ("second arrival", kept[1]), ("last arrival", kept[-1])):
        measured(f"sampled / due, {place}", part)
    (_, first), (_, second) = meeting.arrivals[:2]
    require(
        kept[0] < 1 < kept[-1] and (kept[0] > kept[1]) == (first > second) and (kept[0] == kept[1]) == (first == second),
        f"{meeting}: the arrivals are sampled with {', '.join(map(str, kept))} of their shares",
        comparisons=3,
    )


def keeping(accept):
    """A reservoir with another probability of keeping an arrival x after Z of weight has come and `kept` is stored; i counts from 1."""

    def keep(weights, coin):
        Z, kept, i = 0, None, 0
        for index, x in enumerate(weights):
            if x == 0:
                continue
            i += 1
            if coin(accept(x, Z, weights[kept] if kept is not None else 0, i)):
                kept = index
            Z += x
        return kept

    return variant(reservoir, keep=keep)


@claim(
    POST,
    "reservoir-step-cumulative-weight",
    section="The Solution",
    kind=Kind.DISTRIBUTION,
    finding=Finding.HOLDS,
    says=r"If the $i$-th arrival is kept with probability $x_i / Z_i$, $Z_i = Z_{i-1} + x_i$, every arrival is the one kept in the end with "
    r"probability proportional to $x_i$.",
    scope=r"$x_i > 0$, as exponentials are.",
    found=r"Exact after every arrival, so the order does not matter; equal weights give $\tfrac13$ each. Weights of 0 may come as well, "
    r"if those before the first positive one are skipped, where $x_i / Z_i$ is $0/0$.",
    limits="Up to six arrivals with rational weights and ideal coins.",
    if_fails="the arrival is compared with what is stored, or with the total without itself",
    zh=dict(
        says="若第 $i$ 个到达者以概率 $x_i / Z_i$ 被接受，其中 $Z_i = Z_{i-1} + x_i$，则最终留下各到达者的概率正比于 $x_i$。",
        scope="$x_i > 0$，指数函数的值都是如此。",
        found=r"每个到达者之后都严格成立，因此顺序无关紧要；权重相等时各为 $\tfrac13$。权重也可以为 0，"
        "只要跳过第一个正权重之前的那些，那里的 $x_i / Z_i$ 是 $0/0$。",
        limits="至多 6 个到达者，权重为有理数，硬币是理想的。",
        if_fails="到达者是与当前保存的那个比较，或者是与不含自身的总权重比较",
    ),
)
@subjects(
    reservoir,
    duel_with_the_stored_arrival=keeping(lambda x, Z, stored, i: x / (stored + x)),
    arrivals_counted_not_weighed=keeping(lambda x, Z, stored, i: Fraction(1, i)),
    total_without_the_arrival=keeping(lambda x, Z, stored, i: min(Fraction(1), x / Z) if Z else Fraction(1)),
    zero_weight_kept=variant(reservoir, keep=lambda weights, coin: reservoir.keep([x or Fraction(1) for x in weights], coin)),
)
@given(x=arrivals())
@example(x=[Fraction(1, 3)] * 3)
@example(x=[Fraction(0), Fraction(2), Fraction(1), Fraction(0), Fraction(3)])
def test_reservoir_keeps_in_proportion_to_weight(subject, x):
    for n in range(len(x) + 1):
        due = proportional(dict(enumerate(x[:n]))) or {None: Fraction(1)}
        equal(law(partial(subject.keep, x[:n])), due, f"which of the weights {', '.join(map(str, x[:n]))} is kept")


@claim(
    POST,
    "perfect-sampling-exact-law",
    section="Perfect Sampling",
    kind=Kind.DISTRIBUTION,
    finding=Finding.HOLDS,
    headline=True,
    says=r"The sampler returns each segmentation $\boldsymbol w$ with probability exactly "
    r"$e^{\alpha s(\boldsymbol w)} / \sum_{\boldsymbol w'} e^{\alpha s(\boldsymbol w')}$, as unrestricted subword regularization does.",
    scope=r"$\alpha > 0$; the post states no other condition.",
    found="The law is exact for all weights and either scan order. It needs every candidate ending at a position to be visited "
    "before any that starts there, fresh coins, and candidates without a prefix to be skipped.",
    limits="Texts of at most six letters, rational weights and ideal coins; for the rounding of a real generator see coin-granularity-and-closed-interval.",
    if_fails="the prefix is weighed by the stored segmentation, not by the total weight of all",
    zh=dict(
        says=r"新采样器返回每个切分 $\boldsymbol w$ 的概率恰好是 "
        r"$e^{\alpha s(\boldsymbol w)} / \sum_{\boldsymbol w'} e^{\alpha s(\boldsymbol w')}$，"
        "等价于不限制 $n$ 的 Subword Regularization。",
        scope=r"$\alpha > 0$；原文没有提出其他条件。",
        found="对任意权重、两种扫描顺序，分布都严格成立。它要求：结束于某位置的所有候选都先于从该位置开始的候选被访问，"
        "每次都抛新的硬币，并跳过没有前缀可接的候选。",
        limits="文本至多 6 个字母，权重为有理数，硬币是理想的；实际随机数发生器的舍入见 coin-granularity-and-closed-interval。",
        if_fails="前缀的权重取的是当前保存的那个切分的权重，而不是所有切分的总权重",
        names={
            "Three segmentations of weights #, #, #: how often each is sampled": "权重为 #、#、# 的三个切分各自被采样的概率",
            "segmentation": "切分",
            "probability": "概率",
            "first sampler": "第一版采样器",
            "perfect sampler": "完美采样器",
            "target": "目标分布",
            "abc": "abc",
            "a|bc": "a|bc",
            "ab|c": "ab|c",
        },
    ),
)
@subjects(
    perfect_sampling,
    first_sampler=viterbi_sampling,
    stored_prefix_weight=stored_prefix_weight,
    arrivals_counted_not_weighed=arrivals_counted_not_weighed,
    prefix_weight_dropped=prefix_weight_dropped,
    always_one_half=always_one_half,
    ends_descending=variant(perfect_sampling, sample=ends_descending),
)
@given(case=instances())
@example(case=THREE_WAYS)
@example(case=ALL_PRIMES)
@example(case=LONG)
def test_perfect_sampling_has_the_exact_law(subject, case):
    got, due = output_law(subject, case), target_law(case.text, case.weights)
    equal(got, due, f"{case}: law of the output, {total_variation(got, due)} in total variation off")
    if case == THREE_WAYS:
        for name, drawn in (("first sampler", output_law(viterbi_sampling, case)), ("perfect sampler", got), ("target", due)):
            for pieces in due:
                LAWS.point(name, "|".join(pieces), float(drawn[pieces]))


def one_running_total(text, weights, coin, scan):
    """Z in a single variable that starts anew when the scan turns to another end, as the ends ascend anyway."""
    Z, route, total, end = {0: 1}, {}, 0, 0
    for a, e in scan(text, weights):
        if a in Z:
            x = Z[a] * weights[text[a:e]]
            total, end = x + (total if e == end else 0), e
            Z[e] = total
            if coin(x / total):
                route[e] = a
    return route


@claim(
    POST,
    "order-of-candidates-is-irrelevant",
    part_of="perfect-sampling-exact-law",
    section="Perfect Sampling",
    kind=Kind.DISTRIBUTION,
    finding=Finding.HOLDS_IN_SCOPE,
    says="The law of the sample does not depend on the order in which the candidates are visited.",
    scope="Not stated; the post scans with an automaton.",
    found="Exact in every order that visits the candidates ending at a position before those starting there, the ends ascending or not. "
    "An order that breaks this rule loses segmentations.",
    limits="Texts of at most five letters; random orders.",
    if_fails="the total weight of a position is reset when the scan comes back to it",
    zh=dict(
        says="采样结果的分布与访问候选 token 的顺序无关。",
        scope="原文未说明；文中用自动机扫描。",
        found="只要结束于某位置的候选都先于从该位置开始的候选被访问，任何顺序下都严格成立，不论终点是否递增。"
        "违反这一规则的顺序会丢失切分。",
        limits="文本至多 5 个字母；随机的顺序。",
        if_fails="扫描回到某个位置时，该位置的总权重被重置",
    ),
)
@subjects(
    perfect_sampling,
    first_sampler=viterbi_sampling,
    stored_prefix_weight=stored_prefix_weight,
    one_running_total=sampler(one_running_total),
    prefix_weight_dropped=prefix_weight_dropped,
)
@counterexample(
    "the whole word first: when ab has been visited b cannot be, its prefix a comes last, and a|b is never sampled",
    "整个词最先：访问完 ab 时 b 还接不上，因为它的前缀 a 最后才到，a|b 于是永远不会被采样到",
    case=Ordered(instance("ab", a=1, b=1, ab=1), ((0, 2), (1, 2), (0, 1))),
)
@given(case=ordered_instances())
@example(case=Ordered(ALL_PRIMES, ((0, 1), (0, 3), (1, 2), (1, 3), (0, 2), (2, 3))))
def test_any_order_that_completes_a_prefix_first_gives_the_exact_law(subject, case):
    text, weights = case.instance.text, case.instance.weights
    got, due = law(lambda coin: subject.sample(text, weights, coin, lambda *given: case.order)), target_law(text, weights)
    equal(got, due, f"{case}: law of the output, {total_variation(got, due)} in total variation off")


@claim(
    POST,
    "rank-preservation",
    section="Perfect Sampling",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    says="The probability of a sample is a strictly increasing function of its score, so segmentations rank by probability as by score.",
    scope=r"$\alpha > 0$.",
    found=r"For any two segmentations the probabilities stand in the ratio $e^{\alpha(s - s')}$ exactly; ties stay ties.",
    limits=r"$\alpha = 1, 2, 3$ over rational weights.",
    if_fails="an arrival is compared with what is stored, so that the order of arrival decides",
    zh=dict(
        says="采样概率是得分的严格单调递增函数，因此按概率排序与按得分排序一致。",
        scope=r"要求 $\alpha > 0$。",
        found=r"任意两个切分的概率之比恰为 $e^{\alpha(s - s')}$；得分相等的，概率也相等。",
        limits=r"$\alpha = 1, 2, 3$，权重为有理数。",
        if_fails="到达者是与当前保存的那个比较，从而到达顺序起了决定作用",
    ),
)
@subjects(
    perfect_sampling,
    first_sampler=viterbi_sampling,
    two_best_only=variant(
        perfect_sampling, sample=lambda text, weights, coin, scan: subword_regularization.sample(text, weights, coin, 2, scan)
    ),
    all_weights_one=all_weights_one,
    scores_negated=sampler(lambda text, weights, *given: perfect_sampling.routes(text, {t: 1 / w for t, w in weights.items()}, *given)),
)
@given(case=instances(max_length=5), alpha=st.integers(1, 3))
@example(case=THREE_WAYS, alpha=1)
def test_probabilities_rank_as_scores(subject, case, alpha):
    sampled = output_law(subject, case.tempered(alpha))
    weighted = segmentations(case.text, case.weights) or {None: Fraction(1)}
    for (one, w), (other, v) in combinations(weighted.items(), 2):
        p, q = sampled.get(one, Fraction(0)), sampled.get(other, Fraction(0))
        require(
            (p > q, p < q) == (w > v, w < v) and p * v**alpha == q * w**alpha,
            f"{case} at alpha = {alpha}: {'|'.join(one)} and {'|'.join(other)} have weights {w} and {v}, but probabilities {p} and {q}",
            comparisons=2,
        )
    equal(sampled.keys(), weighted.keys(), f"{case}: segmentations that occur")
