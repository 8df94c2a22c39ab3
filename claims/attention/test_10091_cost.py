"""The tug-of-war between cache and quality (post 10091): what the forms of attention cost, counted and not timed."""

from dataclasses import replace
from fractions import Fraction

import torch
from hypothesis import example, given
from hypothesis import strategies as st

from claims import Finding, Kind, claim, counterexample, not_checkable, subjects, variant
from claims.attention.test_10091_heads_and_cache import decoded, meta
from claims.attention.test_10091_mla import POST
from impls.attention import cost_laws, generation, gqa, kv_cache, projection_order
from impls.attention.mla import scale
from impls.attention.rotary import rotate
from impls.attention.softmax import softmax
from oracles import attention
from oracles.ball import certified
from oracles.cost import cost
from oracles.evidence import equal, measured, require
from oracles.figure import Figure
from oracles.polynomial import same_polynomial
from strategies.attention.heads import LONG_LATENT, UNEVEN_LATENT
from strategies.attention.projections import MODELS, Model, latent, of_size
from strategies.attention.sizes import HEADS, LLAMA_2_70B, Decoder, Orders, decoders, latent_sizes, serial_cheaper, sharing

DEEPSEEK_V2 = MODELS["DeepSeek-V2 (MLA)"]


def after(extend, arguments, of_token, t):
    """The cache after t tokens of the layer whose arguments for one token are given, the first `of_token` of them the token's own."""
    prompt = [x.expand(t, *x.shape[1:]) for x in arguments[:of_token]]
    return extend(None, *prompt, *arguments[of_token:])[1] if t else None


def of_step(extend, arguments, of_token, t):
    """Multiply-adds of the step that generates from t tokens, the new one included."""
    return cost(extend, after(extend, arguments, of_token, t - 1), *arguments).macs


def latent_values_projected_first(cache, x, position, theta, W_c, W_cq, W_qc, W_qr, W_kc, W_kr, W_v):
    """Absorbed keys alone: the values of all tokens are computed in every step."""
    c, k_r = cache = kv_cache.append(cache, x @ W_c, rotate(x @ W_kr, position, theta))
    logits = x @ W_cq @ W_qc @ W_kc.mT @ c.T + rotate(x @ W_cq @ W_qr, position, theta) @ k_r.T
    return softmax(logits / scale(W_qc, W_qr)) @ (c @ W_v), cache


STEP = Figure(
    title="Multiply-adds of one step of generation in one layer of DeepSeek-V2",
    x="tokens so far $t$",
    y="multiply-adds",
    log="xy",
)
STEP_NAMES = {
    "Multiply-adds of one step of generation in one layer of DeepSeek-V#": "DeepSeek-V# 单层生成一步的乘加次数",
    "tokens so far $t$": "已有的 token 数 $t$",
    "multiply-adds": "乘加次数",
    "absorbed": "吸收形式",
    "all heads cached": "缓存全部 head",
    "expanded again": "重新展开",
    "absorbed at [#, #, #]": "吸收形式，在 [#, #, #] 处",
    "projected at [#, #, #]": "缓存全部 head，在 [#, #, #] 处",
    "expanded_again at [#, #, #]": "重新展开，在 [#, #, #] 处",
    "cost of the absorbed form over that of cached heads, token #": "吸收形式与缓存全部 head 的计算量之比，第 # 个 token",
    "cost of the absorbed form over that of cached heads, per pair": "吸收形式与缓存全部 head 的计算量之比，每对 query 与 key",
    "cost of expanding again over that of the absorbed form, token #": "重新展开与吸收形式的计算量之比，第 # 个 token",
    "size of values over d_v": "V 的大小与 $d_v$ 之比",
    "size of queries and keys over d_k": "Q、K 的大小与 $d_k$ 之比",
    "size of queries and keys over d_k + d_r": "Q、K 的大小与 $d_k + d_r$ 之比",
}


@claim(
    POST,
    "decode-head-size-four-times",
    section="MLA, part 3",
    kind=Kind.COMPLEXITY,
    finding=Finding.APPROXIMATE,
    effort=0.1,
    says=r"In the decoding form queries and keys have size $d_c + d_r$ and values $d_c$, four times $d_k$ and $d_v$ with the sizes of DeepSeek-V2, so that a step of generation costs more.",
    scope=r"$d_k = d_v = 128$, $d_r = 64$, $d_c = 512$.",
    found=r"Exactly 4 for the values; queries and keys are 4.5 times $d_k$, or 3 times the head of the training form, $d_k + d_r$. At token $t$ the absorbed form costs exactly $t h (2 d_c - d_k - d_v)$ "
    r"multiply-adds more than one that caches all heads, so it costs more if and only if $2 d_c > d_k + d_v$. With these sizes the step, without the product with $W_o$, costs 1.0015, 1.92 and 3.29 times as much at $t = 1$, 1000 and 32,768, "
    "below 3.4 always; expanding keys and values from the latent in every step costs 82 times the absorbed form at 1000 tokens.",
    limits="Multiply-adds of matrix products; softmax, rotation and memory traffic are not among them.",
    if_fails="the values are projected before they are averaged, or the rotary part is forgotten in the head size",
    zh=dict(
        says="解码形式下 Q、K 的 head size 是 $d_c + d_r$，V 的是 $d_c$；按 DeepSeek-V2 的设置，这是 $d_k$、$d_v$ 的 4 倍，"
        "因此解码的计算量会增加。",
        scope="大小取 $d_k = d_v = 128$，$d_r = 64$，$d_c = 512$。",
        found="V 恰为 4 倍；Q、K 是 $d_k$ 的 4.5 倍，或者说是训练形式的 head size $d_k + d_r$ 的 3 倍。在第 $t$ 个 token 处，"
        "吸收形式比缓存全部 head 的形式恰好多 $t h (2 d_c - d_k - d_v)$ 次乘加，"
        "所以当且仅当 $2 d_c > d_k + d_v$ 时计算量更大。按这些设置，$t = 1$、1000、32,768 时，算到 $W_o$ 之前的这一步，"
        "其计算量分别是缓存全部 head 时的 1.0015、1.92、3.29 倍，且总在 3.4 倍以下；若每一步都从 latent 重新展开 K、V，"
        "则在第 1000 个 token 处，计算量是吸收形式的 82 倍。",
        limits="计的是矩阵乘法的乘加次数；softmax、旋转与访存不在其内。",
        if_fails="V 在加权平均之前就做了投影，或 head size 漏掉了 RoPE 部分",
        names=STEP_NAMES,
    ),
)
@subjects(
    generation,
    four_times_for_queries_and_keys=variant(generation, head_sizes=lambda d_c, d_r: (d_c, d_c)),
    four_times_the_cost=variant(
        generation, multiply_adds_per_pair=lambda h, d_k, d_r, d_v, d_c: (4 * h * (d_k + d_r + d_v), h * (d_k + d_r + d_v))
    ),
    always_more=variant(generation, extra_multiply_adds=lambda *sizes: abs(generation.extra_multiply_adds(*sizes))),
    rotary_part_in_the_difference=variant(generation, extra_multiply_adds=lambda t, h, d_k, d_v, d_c: t * h * (2 * d_c - d_k)),
    values_projected_first=variant(generation, absorbed=latent_values_projected_first),
    expanded_again_as_projected=variant(generation, projected=generation.expanded_again),
    not_expanded_again=variant(generation, expanded_again=generation.absorbed),
    absorbed_heads_rolled=variant(generation, absorbed=lambda cache, *args: generation.absorbed(cache, *args[:-1], args[-1].roll(1, 0))),
    projected_heads_rolled=variant(generation, projected=lambda cache, *args: generation.projected(cache, *args[:-1], args[-1].roll(1, 0))),
)
@example(small=UNEVEN_LATENT, model=Model(d=4, h=3, g=3, d_k=5, d_v=2, d_c=3, d_r=2, d_cq=2), lengths=(7, 8))
@example(small=LONG_LATENT, model=DEEPSEEK_V2, lengths=(1, 10, 100, 1000, 10_000, 32_768))
@given(small=latent(), model=latent_sizes(), lengths=st.integers(1, 100_000).map(lambda t: (t, t + 1)))
def test_absorbed_steps_cost_a_fixed_number_more_per_token(subject, small, model, lengths, executors):
    x, m, *weights = small.tensors
    (n, d), (d_c, d_k), (d_cq, d_r) = x.shape, small.W_kc.shape[1:], small.W_qr.shape[1:]
    # The path of `mla-decode-equals-mha-form`: all forms do no more than the two there. What is counted must be right; how it
    # rounds in every arithmetic is that claim's business.
    truth = certified(
        attention.mla, (x, m, m, *weights), roundings=18, sums=d + d_cq + d_k + d_c + d_r + 2 * n + d_c, exponent=small.largest_logit
    )
    for name in ("absorbed", "projected", "expanded_again"):
        form = getattr(subject, name)
        executors.only(torch.float64).hold(name, lambda x, m, *weights, form=form: decoded(form, (x, m), *weights)[0], small.tensors, truth)
    h, d_k, d_r, d_v, d_c = model.h, model.d_k, model.d_r, model.d_v, model.d_c
    arguments = of_size(model, n=1)
    latent_cached = after(subject.absorbed, arguments, 2, 1)
    width, of_values = sum(part.shape[-1] for part in latent_cached), latent_cached[0].shape[-1]
    equal(subject.head_sizes(d_c, d_r), (width, of_values), "sizes of the cached key and of the cached value")
    absorbed, projected = ([of_step(form, arguments, 2, t) for t in lengths] for form in (subject.absorbed, subject.projected))
    tokens = lengths[1] - lengths[0]
    per_pair = tuple(Fraction(steps[1] - steps[0], tokens) for steps in (absorbed, projected))
    equal(
        subject.multiply_adds_per_pair(h, d_k, d_r, d_v, d_c), per_pair, "multiply-adds per query and cached token, absorbed and projected"
    )
    for t, a, b in zip(lengths, absorbed, projected, strict=True):
        equal(subject.extra_multiply_adds(t, h, d_k, d_v, d_c), a - b, f"extra multiply-adds of the absorbed form at token {t}")
        again = of_step(subject.expanded_again, arguments, 2, t)
        equal(again - b, (t - 1) * h * d_c * (d_k + d_v), f"multiply-adds of expanding the {t - 1} latents of the cache again")
        if model == DEEPSEEK_V2:
            for form, multiply_adds in (("absorbed", a), ("all heads cached", b), ("expanded again", again)):
                STEP.point(form, t, multiply_adds)
            measured(f"cost of the absorbed form over that of cached heads, token {t}", a / b)
            measured(f"cost of expanding again over that of the absorbed form, token {t}", again / a)
    if model == DEEPSEEK_V2:
        measured("size of values over d_v", Fraction(of_values, d_v))
        measured("size of queries and keys over d_k", Fraction(width, d_k))
        measured("size of queries and keys over d_k + d_r", Fraction(width, d_k + d_r))
        measured("cost of the absorbed form over that of cached heads, per pair", Fraction(*per_pair))


PER_NUMBER = Figure(
    title="Multiply-adds per cached number in one step, heads of DeepSeek-V2",
    x="form of attention",
    y="multiply-adds per cached number",
    log="y",
)
PER_NUMBER_NAMES = {
    "Multiply-adds per cached number in one step, heads of DeepSeek-V#": "生成一步中每个缓存数对应的乘加次数（DeepSeek-V# 的 head 设置）",
    "form of attention": "注意力的形式",
    "multiply-adds per cached number": "每个缓存数对应的乘加次数",
    "MLA, # heads": "MLA，# 个 head",
    "# heads in # groups": "# 个 head 分 # 组",
    "# heads in # group": "# 个 head 分 # 组",
    "multiply-adds per cached number, MLA, # heads": "每个缓存数对应的乘加次数，MLA，# 个 head",
    "multiply-adds per cached number, # heads in # groups": "每个缓存数对应的乘加次数，# 个 head 分 # 组",
    "multiply-adds per cached number, # heads in # group": "每个缓存数对应的乘加次数，# 个 head 分 # 组",
}


@claim(
    POST,
    "multiply-adds-per-cached-number",
    part_of="decode-is-bandwidth-bound-so-mqa-form-wins",
    section="MLA, part 3",
    kind=Kind.COMPLEXITY,
    effort=0.5,
    finding=Finding.HOLDS,
    says=r"A step of generation reads the whole cache for few operations. The smaller cache of the MQA form is worth its additional operations.",
    scope="Generation of one token per step; each cached number is read once.",
    found=r"Per cached number a step does exactly 1 multiply-add in MHA, $h / g$ in GQA and $h (2 d_c + d_r) / (d_c + d_r)$ in MLA: 242 with the sizes of DeepSeek-V2, where MQA does 128. "
    "In 16 bits that is about 242 operations per byte, so that with 128 heads the MQA form need not be bound by memory.",
    limits="Ideal traffic: every cached number is read once for all heads, weights are not counted. Whether a machine is limited by arithmetic or by memory traffic is not checked.",
    if_fails="the number of heads that read the same number of the cache is forgotten",
    zh=dict(
        says="生成阶段每一步都要读完整个缓存、而计算量不大，因此 MQA 形式用更多计算换更小的缓存是划算的。",
        scope="每步生成一个 token；缓存中的每个数只读一次。",
        found="对缓存中的每个数，一步恰好做这么多次乘加：MHA 为 1 次，GQA 为 $h / g$ 次，"
        "MLA 为 $h (2 d_c + d_r) / (d_c + d_r)$ 次，按 DeepSeek-V2 的设置是 242 次，而 MQA 是 128 次。以 16 位存储，"
        "约合每字节 242 次运算，所以在 128 个 head 时，MQA 形式不一定受限于访存。",
        limits="理想的访存：缓存中的每个数供所有 head 使用而只读一次，不计权重。一台机器受限于计算还是访存，没有检验。",
        if_fails="漏计了读取缓存中同一个数的 head 个数",
        names=PER_NUMBER_NAMES,
    ),
)
@subjects(
    cost_laws,
    read_again_by_every_head=variant(cost_laws, per_cached_number_mla=lambda h, d_c, d_r: cost_laws.per_cached_number_mla(1, d_c, d_r)),
    rotary_key_not_in_the_cache=variant(cost_laws, per_cached_number_mla=lambda h, d_c, d_r: Fraction(h * (2 * d_c + d_r), d_c)),
    latent_used_once=variant(cost_laws, per_cached_number_mla=lambda h, d_c, d_r: Fraction(h)),
    groups_for_heads=variant(cost_laws, per_cached_number_gqa=lambda h, g: Fraction(g)),
    each_group_read_by_one_head=variant(cost_laws, per_cached_number_gqa=lambda h, g: Fraction(1)),
)
@example(model=DEEPSEEK_V2)
@example(model=replace(DEEPSEEK_V2, d_c=0))
@example(model=replace(DEEPSEEK_V2, d_c=0, g=8))
@example(model=replace(DEEPSEEK_V2, d_c=0, g=1))
@given(model=sharing())
def test_operations_per_cached_number(subject, model):
    extend, of_token = (kv_cache.mla_extend, 2) if model.latent else (kv_cache.gqa_extend, 1)
    arguments = of_size(model, n=1)
    multiply_adds = of_step(extend, arguments, of_token, 3) - of_step(extend, arguments, of_token, 2)
    kept = sum(part.numel() for part in after(extend, arguments, of_token, 1))
    law = subject.per_cached_number_mla(model.h, model.d_c, model.d_r) if model.latent else subject.per_cached_number_gqa(model.h, model.g)
    what = f"MLA, {model.h} heads" if model.latent else f"{model.h} heads in {model.g} group{'s' * (model.g > 1)}"
    equal(law, Fraction(multiply_adds, kept), f"multiply-adds per cached number, {what}")
    if model.h == DEEPSEEK_V2.h and model.d == DEEPSEEK_V2.d:
        measured(f"multiply-adds per cached number, {what}", law)
        PER_NUMBER.point("multiply-adds per cached number", what, float(law))


test_decode_is_bandwidth_bound = not_checkable(
    POST,
    "decode-is-bandwidth-bound-so-mqa-form-wins",
    section="MLA, part 3",
    says="Prefilling, for which computation, bandwidth and memory all are bottlenecks, can use the MHA form; "
    "generation, bound rather by bandwidth and memory, uses the MQA form and becomes markedly faster.",
    found="Speed depends on the machine and its kernels; only the operations per cached number can be counted.",
    proxy="multiply-adds-per-cached-number",
    zh=dict(
        says="Prefill 阶段计算、带宽和显存都是瓶颈，可以用 MHA 形式；Generation 阶段更多的是带宽瓶颈和显存瓶颈，用 MQA 形式，"
        "速度明显提高。",
        found="速度取决于机器及其 kernel；能数的只有缓存中每个数对应的运算次数。",
    ),
)


@claim(
    POST,
    "h-128-is-three-times-usual",
    section="MLA, part 3",
    kind=Kind.APPROXIMATION,
    finding=Finding.APPROXIMATE,
    says=r"$h = 128$ heads with $d = 5120$ and $d_k = 128$ are three times the usual number $h = d / d_k$.",
    scope="The sizes of DeepSeek-V2.",
    found=r"3.2 times: the usual number is 40, and exactly three times as many are 120. The heads of Llama 2 are the usual ones.",
    limits=r"Counts heads as wide as $d_k$; with the rotary part each is wider by $d_r$.",
    if_fails="the rotary part is counted in the width of a head",
    zh=dict(
        says="$d = 5120$、$d_k = 128$ 时取 $h = 128$，是通常设置 $h = d / d_k$ 的 3 倍。",
        scope="DeepSeek-V2 的设置。",
        found="是 3.2 倍：通常的个数是 40，恰好三倍应是 120。Llama 2 的 head 数就是通常的。",
        limits="数的是宽为 $d_k$ 的 head；算上 RoPE 部分，每个 head 还要宽 $d_r$。",
        if_fails="head 的宽度里算进了 RoPE 部分",
        names={
            "heads of DeepSeek-V# as a multiple of the usual number": "DeepSeek-V# 的 head 数与通常个数之比",
        },
    ),
)
@subjects(
    cost_laws,
    rotary_part_counted=variant(cost_laws, times_the_usual_heads=lambda d, h, d_k: Fraction(h * (d_k + d_k // 2), d)),
    rounded=variant(cost_laws, times_the_usual_heads=lambda d, h, d_k: Fraction(h * d_k // d)),
    usual_number_instead=variant(cost_laws, times_the_usual_heads=lambda d, h, d_k: Fraction(d, d_k)),
)
@example(d=5120, h=128, d_k=128)
@given(d=st.integers(1, 200), h=HEADS, d_k=st.integers(1, 64))
def test_heads_side_by_side_are_wider_than_the_layer(subject, d, h, d_k):
    o = gqa.attention(meta(1, d), *(meta(h, d, d_k) for _ in range(3)))  # h = d / d_k heads side by side are as wide as the layer
    times = subject.times_the_usual_heads(d, h, d_k)
    equal(
        times, Fraction(o.transpose(0, 1).flatten(1).shape[1], d), f"{h} heads of size {d_k} as a multiple of the usual number for d = {d}"
    )
    if (d, h, d_k) == (DEEPSEEK_V2.d, DEEPSEEK_V2.h, DEEPSEEK_V2.d_k):
        measured("heads of DeepSeek-V2 as a multiple of the usual number", times)


def with_query(change):
    return variant(cost_laws, low_rank_query_weights=change)


@claim(
    POST,
    "query-low-rank-does-not-touch-cache",
    section="MLA, part 3",
    kind=Kind.COMPLEXITY,
    effort=0.5,
    finding=Finding.HOLDS,
    says=r"Queries of low rank, $c' = x W_c'$ with $d_c' = 1536$, reduce the number of parameters but not the KV cache.",
    scope="The sizes of DeepSeek-V2.",
    found=r"Holds: 45,613,056 weights instead of 125,829,120, and 576 cached numbers whatever $d_c'$ is. In general weights are saved if and only if $d_c' (d + h (d_k + d_r)) < d h (d_k + d_r)$, "
    r"with these sizes up to $d_c' = 4237$.",
    limits="Counts weights of the query projections; what they save of memory in training is not checked.",
    if_fails="the query latent is cached, or only the first of the two projections is counted",
    zh=dict(
        says="Q 的低秩投影 $c' = x W_c'$（$d_c' = 1536$）只减少参数量，并不减少 KV Cache。",
        scope="DeepSeek-V2 的设置。",
        found="成立：权重是 45,613,056 个，而不是 125,829,120 个；无论 $d_c'$ 取多少，缓存都是 576 个数。一般地，"
        "当且仅当 $d_c' (d + h (d_k + d_r)) < d h (d_k + d_r)$ 时才节省权重，按这些设置，上限是 $d_c' = 4237$。",
        limits="数的是 Q 的投影矩阵的权重；它们在训练时省下多少显存，没有检验。",
        if_fails="Q 的 latent 也被缓存，或两个投影只数了第一个",
        names={
            "weights of the queries of DeepSeek-V# at full rank": "DeepSeek-V# 的 Q 在满秩时的权重数",
            "weights of the queries of DeepSeek-V# at rank #": "DeepSeek-V# 的 Q 在秩为 # 时的权重数",
            "numbers cached by DeepSeek-V# per token and layer": "DeepSeek-V# 每个 token 每层缓存的个数",
            "largest rank at which the queries of DeepSeek-V# have fewer weights": "DeepSeek-V# 的 Q 能节省权重的最大的秩",
        },
    ),
)
@subjects(
    cost_laws,
    query_latent_cached=variant(cost_laws, cached_by_mla=lambda d_c, d_r, d_cq: d_c + d_r + d_cq),
    first_projection_alone=with_query(lambda d, d_cq, h, d_k, d_r: d * d_cq),
    second_projection_alone=with_query(lambda d, d_cq, h, d_k, d_r: d_cq * h * (d_k + d_r)),
    rotary_queries_not_from_the_latent=with_query(lambda d, d_cq, h, d_k, d_r: d_cq * (d + h * d_k) + d * h * d_r),
    every_rank_below_the_width=variant(cost_laws, largest_saving_rank=lambda d, h, d_k, d_r: min(d, h * (d_k + d_r)) - 1),
    tie_counted_as_saving=variant(cost_laws, largest_saving_rank=lambda d, h, d_k, d_r: d * h * (d_k + d_r) // (d + h * (d_k + d_r))),
)
@example(model=DEEPSEEK_V2)
@example(model=Model(d=12, h=1, g=1, d_k=2, d_v=2, d_c=2, d_r=2, d_cq=3))
@given(model=latent_sizes())
def test_low_rank_queries_save_weights_and_no_cache(subject, model):
    d, h, d_k, d_r = model.d, model.h, model.d_k, model.d_r

    width = h * (d_k + d_r)
    low = lambda rank: used_by_one_token(d, rank, width)
    equal(subject.query_weights(d, h, d_k, d_r), used_by_one_token(d, width), "weights of the queries")
    equal(subject.low_rank_query_weights(d, model.d_cq, h, d_k, d_r), low(model.d_cq), f"weights of queries of rank {model.d_cq}")
    for rank in (model.d_cq, 2 * model.d_cq):
        kept = sum(part.numel() for part in after(kv_cache.mla_extend, of_size(replace(model, d_cq=rank), n=1), 2, 1))
        equal(subject.cached_by_mla(model.d_c, d_r, rank), kept, f"numbers cached per token with queries of rank {rank}")
    largest = subject.largest_saving_rank(d, h, d_k, d_r)
    full, below, above = used_by_one_token(d, width), low(largest), low(largest + 1)
    require(
        below < full <= above, f"queries of rank {largest} and {largest + 1} have {below} and {above} weights, those of full rank {full}"
    )
    if model == DEEPSEEK_V2:
        measured("weights of the queries of DeepSeek-V2 at full rank", full)
        measured("weights of the queries of DeepSeek-V2 at rank 1536", low(model.d_cq))
        measured("numbers cached by DeepSeek-V2 per token and layer", kept)
        measured("largest rank at which the queries of DeepSeek-V2 have fewer weights", largest)


def used_by_one_token(*widths):
    """Multiply-adds of one token with a chain of projections between these widths: the number of their weights."""
    return cost(chain, meta(1, widths[0]), *map(meta, widths, widths[1:])).macs


def chain(x, *weights):
    for W in weights:
        x = x @ W
    return x


def of_orders(subject, h, d_in, d_k, d_c):
    """Multiply-adds of one token in both orders, with what can be prepared prepared."""
    x, W_q, W_k = meta(1, d_in), meta(h, d_in, d_k), meta(h, d_c, d_k)
    return cost(subject.serial, x, W_q, W_k).macs, cost(subject.merged, x, subject.prepared(W_q, W_k)).macs


@claim(
    POST,
    "serial-query-projection-cheaper-than-merged",
    section="MLA, part 1, notes",
    kind=Kind.COMPLEXITY,
    finding=Finding.HOLDS_IN_SCOPE,
    effort=0.5,
    says=r"Computing $(x W_q) W_k^\top$ instead of $x (W_q W_k^\top)$ costs less.",
    scope="Low-rank projections; the post does not say how low.",
    found=r"True if and only if $d_k < d_{in} d_c / (d_{in} + d_c)$: heads of at most 465 for $d_{in} = 5120$ and $d_c = 512$, at most 383 for $d_{in} = 1536$, with a tie at 384. DeepSeek-V2's heads of 128 save a factor "
    r"of 3.64, or 3 from its query latent; on the side of the values, $W_v$ and $W_o$ in turn cost 720,896 multiply-adds per head, merged 2,621,440. The numbers of stored weights are the same ones.",
    limits="Multiply-adds per head and token. For the loss of precision in either order see serial-order-loses-less.",
    if_fails="the matrices are merged in every step, or a tie is counted as cheaper",
    zh=dict(
        says=r"按 $(x W_q) W_k^\top$ 的次序计算比用合并后的 $x (W_q W_k^\top)$ 更省计算量。",
        scope="低秩投影；文中没有说要低到什么程度。",
        found="当且仅当 $d_k < d_{in} d_c / (d_{in} + d_c)$ 时成立：$d_{in} = 5120$、$d_c = 512$ 时 head 至多 465，"
        "$d_{in} = 1536$ 时至多 383，384 处打平。DeepSeek-V2 的 head 为 128，计算量相差 3.64 倍，"
        "从其 Q 的 latent 算起则是 3 倍；在 V 一侧，依次乘 $W_v$ 和 $W_o$ 每个 head 要 720,896 次乘加，合并后要 2,621,440 次。"
        "所存权重的个数也是同样的这些数。",
        limits="每个 head、每个 token 的乘加次数。两种次序的精度损失见 serial-order-loses-less。",
        if_fails="每一步都重新合并矩阵，或把打平算作更省",
        names={
            "serial": "依次相乘",
            "merged": "合并矩阵",
            "merged over serial, d_in = #, d_c = #, d_k = #": "合并矩阵与依次相乘的乘加次数之比，$d_{in} = #$，$d_c = #$，$d_k = #$",
            "multiply-adds per head and token, serial, d_in = #, d_c = #": "每个 head、每个 token 的乘加次数，依次相乘，$d_{in} = #$，$d_c = #$",
            "multiply-adds per head and token, merged, d_in = #, d_c = #": "每个 head、每个 token 的乘加次数，合并矩阵，$d_{in} = #$，$d_c = #$",
            "largest head for which serial is cheaper, d_in = #, d_c = #": "依次相乘更省时最大的 head size，$d_{in} = #$，$d_c = #$",
        },
    ),
)
@subjects(
    projection_order,
    merged_for_every_token=variant(projection_order, prepared=lambda W_q, W_k: (W_q, W_k), merged=lambda x, W: x @ (W[0] @ W[1].mT)),
    weights_first_called_serial=variant(projection_order, serial=lambda x, W_q, W_k: x @ (W_q @ W_k.mT)),
    merged_of_one_head=variant(projection_order, prepared=lambda W_q, W_k: W_q[:1] @ W_k[:1].mT),
    tie_counted_as_cheaper=variant(projection_order, largest_cheaper_head=lambda d_in, d_c: d_in * d_c // (d_in + d_c)),
    every_head_below_the_latent=variant(projection_order, largest_cheaper_head=lambda d_in, d_c: d_c - 1),
    heads_in_the_wrong_order=variant(projection_order, serial=lambda x, W_q, W_k: x @ W_q @ W_k.flip(0).mT),
)
@counterexample(
    "a tie: heads of 384, a query latent of 1536 and a latent of 512",
    "打平：head 为 384，Q 的 latent 为 1536，latent 为 512",
    orders=Orders(h=1, d_in=1536, d_k=384, d_c=512),
    seed=0,
)
@counterexample(
    "heads as large as the latent, 512, for a layer of width 5120",
    "head 与 latent 一样大，都是 512，层宽为 5120",
    orders=Orders(h=1, d_in=5120, d_k=512, d_c=512),
    seed=0,
)
@example(orders=Orders(h=128, d_in=5120, d_k=128, d_c=512), seed=0)
@example(orders=Orders(h=128, d_in=1536, d_k=128, d_c=512), seed=0)
@example(orders=Orders(h=128, d_in=512, d_k=128, d_c=5120), seed=0)
@given(orders=serial_cheaper(), seed=st.integers(0, 2**32 - 1))
def test_serial_order_is_cheaper_below_a_head_size(subject, orders, seed):
    h, d_in, d_k, d_c = orders.h, orders.d_in, orders.d_k, orders.d_c
    serial, merged = of_orders(subject, h, d_in, d_k, d_c)
    equal((serial, merged), (h * d_k * (d_in + d_c), h * d_in * d_c), "multiply-adds per token, which is weights stored: serial, merged")
    largest = subject.largest_cheaper_head(d_in, d_c)
    (below, _), (above, _) = of_orders(subject, h, d_in, largest, d_c), of_orders(subject, h, d_in, largest + 1, d_c)
    require(
        below < merged <= above,
        f"d_in = {d_in}, d_c = {d_c}: heads of {largest} and {largest + 1} cost {below} and {above}, merged {merged}",
    )
    shapes = (2, 3), (h, 3, 2), (h, 4, 2)
    truth = lambda x, W_q, W_k: torch.einsum("ti,sik,sck->stc", x, W_q, W_k)
    same_polynomial("serial", subject.serial, truth, shapes, degree=3, seed=seed)
    same_polynomial("merged", lambda x, W_q, W_k: subject.merged(x, subject.prepared(W_q, W_k)), truth, shapes, degree=3, seed=seed)
    require(serial < merged, f"d_in = {d_in}, d_k = {d_k}, d_c = {d_c}: serial costs {serial} multiply-adds, merged {merged}")
    if h == DEEPSEEK_V2.h and d_k == DEEPSEEK_V2.d_k:
        what = f"merged over serial, d_in = {d_in}, d_c = {d_c}, d_k = {d_k}"
        measured(what, Fraction(merged, serial))
        measured(f"multiply-adds per head and token, serial, d_in = {d_in}, d_c = {d_c}", serial // h)
        measured(f"multiply-adds per head and token, merged, d_in = {d_in}, d_c = {d_c}", merged // h)
        measured(f"largest head for which serial is cheaper, d_in = {d_in}, d_c = {d_c}", largest)


CARD = 80 * 10**9  # bytes


def parameters(sizes):
    """Numbers in the tensors of a decoder, from modules as a library builds them, without storage."""
    d, d_k = sizes.d, sizes.d // sizes.h
    linear = lambda *widths: torch.nn.Linear(*widths, bias=False, device="meta")
    norm = torch.nn.RMSNorm(d, device="meta")
    attention = [linear(d, sizes.h * d_k), linear(d, sizes.g * d_k), linear(d, sizes.g * d_k), linear(sizes.h * d_k, d)]
    gated = [linear(d, sizes.d_ff), linear(d, sizes.d_ff), linear(sizes.d_ff, d)]
    once = [torch.nn.Embedding(sizes.vocabulary, d, device="meta"), norm, linear(d, sizes.vocabulary)]
    held = lambda modules: sum(tensor.numel() for module in modules for tensor in module.parameters())
    return held(once) + sizes.layers * held([*attention, *gated, norm, norm])


def with_decoder(**changed):
    """The count of weights for other sizes: each a function of the sizes."""

    def decoder_weights(vocabulary, layers, d, d_ff, h, g):
        sizes = Decoder(vocabulary, layers, d, d_ff, h, g)
        sizes = replace(sizes, **{name: change(sizes) for name, change in changed.items()})
        return cost_laws.decoder_weights(sizes.vocabulary, sizes.layers, sizes.d, sizes.d_ff, sizes.h, sizes.g)

    return variant(cost_laws, decoder_weights=decoder_weights)


@claim(
    POST,
    "llama-2-70b-exceeds-one-card",
    part_of="deployment-and-quality-statements",
    section="GQA",
    kind=Kind.COMPLEXITY,
    finding=Finding.HOLDS_IN_SCOPE,
    effort=0.5,
    says="A model of 70B parameters does not fit on one card of 80 GB, short of extreme quantisation; hence several cards, and as many groups of keys and values as cards.",
    scope=r"A card of $8 \cdot 10^{10}$ bytes; the post does not say which quantisation is extreme.",
    found=r"Llama 2 70B has 68,976,648,192 weights, 138 GB in 16 bits. They exceed the card from 10 bits per weight on; plain 8-bit weights, 69 GB, fit and leave room for 33,640 tokens of its cache in 16 bits.",
    limits="Weights and cache alone; activations, fragmentation and the runtime take room too. How many cards it takes, and whether as many groups, is not checked.",
    if_fails="embeddings or groups are counted otherwise",
    zh=dict(
        says="若不作极端的量化，70B 的模型放不进单张 80G 的卡，因此要用多张卡，并让 K、V 的组数等于卡数。",
        scope=r"一张 $8 \cdot 10^{10}$ 字节的卡；文中没有说怎样的量化算是极端。",
        found="Llama 2 70B 有 68,976,648,192 个权重，16 位时为 138 GB。每个权重从 10 位起就超出这张卡；普通的 8 位权重为 69 GB，"
        "放得下，还能再容纳 33,640 个 token 的 16 位缓存。",
        limits="只算权重与缓存；激活值、碎片和运行时也要占空间。需要几张卡、K、V 的组数是否等于卡数，未作检验。",
        if_fails="embedding 或组数的计法不同",
        names={
            "weights of Llama # #B": "Llama # #B 的权重数",
            "bytes of Llama # #B in # bits": "Llama # #B 以 # 位存储的字节数",
            "bits per weight that fill a card of # GB": "恰好占满 # GB 的卡时每个权重的位数",
            "tokens of its cache in # bits beside #-bit weights on the card": "以 # 位缓存、与 # 位的权重同在一张卡上时能容纳的 token 数",
        },
    ),
)
@subjects(
    cost_laws,
    tied_embeddings=variant(cost_laws, decoder_weights=lambda V, layers, d, *rest: cost_laws.decoder_weights(V, layers, d, *rest) - V * d),
    keys_and_values_of_every_head=with_decoder(g=lambda sizes: sizes.h),
    no_gate=with_decoder(d_ff=lambda sizes: Fraction(2 * sizes.d_ff, 3)),
    norms_forgotten=variant(
        cost_laws, decoder_weights=lambda V, layers, d, *rest: cost_laws.decoder_weights(V, layers, d, *rest) - (2 * layers + 1) * d
    ),
)
@counterexample("8 bits per weight: 69 GB", "每个权重 8 位：69 GB", sizes=LLAMA_2_70B, bits=8)
@given(sizes=st.one_of(st.just(LLAMA_2_70B), decoders()), bits=st.integers(10, 32))
def test_weights_of_llama_2_70b_exceed_a_card(subject, sizes, bits):
    for counted in (sizes, LLAMA_2_70B):
        weights = subject.decoder_weights(counted.vocabulary, counted.layers, counted.d, counted.d_ff, counted.h, counted.g)
        equal(weights, parameters(counted), f"weights of {counted}")
    in_bytes = Fraction(weights * bits, 8)
    per_token = (
        2 * LLAMA_2_70B.layers * sum(part.numel() for part in after(kv_cache.gqa_extend, of_size(MODELS["Llama 2 70B (GQA)"], n=1), 1, 1))
    )
    measured("weights of Llama 2 70B", weights)
    measured("bytes of Llama 2 70B in 16 bits", 2 * weights)
    measured("bits per weight that fill a card of 80 GB", Fraction(8 * CARD, weights))
    measured("tokens of its cache in 16 bits beside 8-bit weights on the card", (CARD - weights) // per_token)
    require(in_bytes > CARD, f"{bits} bits per weight: {float(in_bytes):.4g} bytes fit on a card of {CARD:.4g}")


test_deployment_and_quality = not_checkable(
    POST,
    "deployment-and-quality-statements",
    section="MQA, GQA and MLA",
    says="GQA with 8 groups puts one head of keys and values on each card of a machine; MQA costs little quality on most tasks, "
    "GQA is safer, MLA is said to be smaller and better than GQA; bandwidth makes it best to use as few devices as possible.",
    found="It takes trained models and the machines in question; sizes alone can be counted.",
    proxy="llama-2-70b-exceeds-one-card",
    zh=dict(
        says="8 组的 GQA 正好让一台机器的 8 张卡各负责一组 K、V；MQA 在大部分任务上损失有限，GQA 的效果更有保证，"
        "MLA 据说比 GQA 更省更好；带宽决定了跨的设备越少越好。",
        found="这需要训练好的模型和相应的机器；能数的只有大小。",
    ),
)
