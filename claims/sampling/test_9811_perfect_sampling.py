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
    en="Random tokenization revisited: from Viterbi Sampling to a perfect sampling algorithm",
    zh="随机分词再探：从Viterbi Sampling到完美采样算法",
    topic="sampling",
)

THREE_WAYS = instance("abc", abc=3, a=1, bc=1, ab=1, c=2)  # the smallest weights for which the first sampler loses the mode

THREE_MEET = Meeting(THREE_WAYS, ((("abc",), Fraction(3)), (("a", "bc"), Fraction(1)), (("ab", "c"), Fraction(2))))

LAWS = Figure(
    en="Three segmentations of weights 3, 1, 2: how often each is sampled",
    zh="权重为 3、1、2 的三个切分各自被采样的概率",
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
    zh=r"在第一版采样器中，交于同一位置的三个等分切分的概率是 $\tfrac14, \tfrac14, \tfrac12$，而不是各 $\tfrac13$；文中依次对应 watch|ing、wat|ching、w|atching。",
    scope="Equal scores, in the order of arrival; the post does not name the order of the scan.",
    found=r"Exactly so in order of arrival, and $2^{-(n-1)}, 2^{-(n-1)}, 2^{-(n-2)}, \dots, \tfrac12$ for $n$ candidates. The quoted words need "
    r"the shortest token first; with the longest first, as the same section describes the automaton, watch|ing gets $\tfrac12$.",
    limits="One meeting point; nested meetings are covered by the refuted claim of post 9768.",
    if_fails="the acceptance probability is not that of a duel with the stored candidate",
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
    "with the longest token first w|atching arrives first and watch|ing last, so the quoted words get each other's probabilities",
    meeting=Meeting(
        instance("watching", watch=1, ing=1, wat=1, ching=1, w=1, atching=1),
        arrivals=tuple((pieces, Fraction(1)) for pieces in (("watch", "ing"), ("wat", "ching"), ("w", "atching"))),
    ),
)
@given(meeting=meetings())
@example(meeting=THREE_MEET)
def test_first_sampler_is_a_chain_of_duels(subject, meeting):
    equal(output_law(subject, meeting.instance), chain_of_duels(meeting.arrivals), f"law of the output for {meeting}")


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
    zh="对于结束于同一位置的各个 token，AC 自动机总是先返回较长的。",
    scope="None stated.",
    found="Every occurrence is reported once, the ends ascending and for each end in strictly descending length.",
    limits="An automaton written out here; libraries may sort what theirs finds.",
    if_fails="the tokens of a state are not read along its fail links",
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
    zh="第一版采样器对先到者不利：最长的 token 最先返回、得分通常也更高，却被后来者不断稀释。",
    scope="None stated; that longer tokens score higher is an observation of the post.",
    found="Where segmentations meet, the first arrival never gets more than its share and the last never less, both strictly from three "
    "on. It is the place that costs, not the weight: of the first two the heavier keeps the larger part of its share.",
    limits="One meeting point, where the shares are those of the arrivals' weights.",
    if_fails="the scan visits the candidates in another order than the one claimed",
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
    zh=r"若第 $i$ 个到达者以概率 $x_i / Z_i$ 被接受，其中 $Z_i = Z_{i-1} + x_i$，则最终留下各到达者的概率正比于 $x_i$。",
    scope=r"$x_i > 0$, as exponentials are.",
    found=r"Exact after every arrival, so the order does not matter; equal weights give $\tfrac13$ each. Weights of 0 may come as well, "
    r"if those before the first positive one are skipped, where $x_i / Z_i$ is $0/0$.",
    limits="Up to six arrivals with rational weights and ideal coins.",
    if_fails="the arrival is compared with what is stored, or with the total without itself",
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
    zh=r"新采样器返回每个切分 $\boldsymbol w$ 的概率恰好是 $e^{\alpha s(\boldsymbol w)} / \sum_{\boldsymbol w'} e^{\alpha s(\boldsymbol w')}$，等价于不限制 $n$ 的 Subword Regularization。",
    scope=r"$\alpha > 0$; the post states no other condition.",
    found="The law is exact for all weights and either scan order. It needs every candidate ending at a position to be visited "
    "before any that starts there, fresh coins, and candidates without a prefix to be skipped.",
    limits="Texts of at most six letters, rational weights and ideal coins; the rounding of a real generator is another claim.",
    if_fails="the prefix is weighed by the stored segmentation, not by the total weight of all",
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
    zh="采样结果的分布与访问候选 token 的顺序无关。",
    scope="Not stated; the post scans with an automaton.",
    found="Exact in every order that visits the candidates ending at a position before those starting there, the ends ascending or not. "
    "An order that breaks this rule loses segmentations.",
    limits="Texts of at most five letters; random orders.",
    if_fails="the total weight of a position is reset when the scan comes back to it",
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
    zh="采样概率是得分的严格单调递增函数，因此按概率排序与按得分排序一致。",
    scope=r"$\alpha > 0$.",
    found=r"For any two segmentations the probabilities stand in the ratio $e^{\alpha(s - s')}$ exactly; ties stay ties.",
    limits=r"$\alpha = 1, 2, 3$ over rational weights.",
    if_fails="an arrival is compared with what is stored, so that the order of arrival decides",
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
