"""The tug-of-war between cache and quality (post 10091): what absorbing the projections costs in precision.

Errors are counted in roundings, see oracles/rounding_count.py: each tensor that a form stores adds as much to the squared error as the
others, unless what it stores is larger than what reaches the logits. The truth is the exact value of the rounded weights and tokens.
"""

import math
from itertools import combinations, permutations

import torch
from hypothesis import example, given

from claims import Finding, Kind, claim, counterexample, subjects, variant
from claims.attention.test_10091_mla import POST
from impls.attention import rounded_mla, rounded_stack
from oracles import rounding_count as rounding
from oracles.evidence import measured
from oracles.figure import Figure
from strategies.attention.rounded import Layers, Stack, layers, stacks

FORMS = {"MHA form": "mha_form", "serial form": "serial_form", "merged form": "merged_form"}
LOSS = Figure(
    title="Error of the logits of one layer against the unit roundoff of what is stored: bfloat16, float16, float32; the lines of the three forms coincide",
    x="unit roundoff $u$",
    y="relative error",
    log="xy",
)
IN_CHINESE = {"MHA form": "MHA 形式", "serial form": "依次相乘", "merged form": "合并矩阵"}
LOSS_NAMES = {
    "Error of the logits of one layer against the unit roundoff of what is stored: bfloat#, float#, float#; the lines of the three forms coincide": (
        "单层 logits 的误差与存储格式的单位舍入误差：bfloat#、float#、float#；三种形式的线重合"
    ),
    "unit roundoff $u$": "单位舍入误差 $u$",
    "relative error": "相对误差",
    **IN_CHINESE,
    "MHA form against serial form": "MHA 形式与依次相乘之差",
    "error of the logits in u, MHA form against serial form, # rotary dimensions": (
        "logits 的误差（以 $u$ 为单位），MHA 形式与依次相乘之差，RoPE 维数 #"
    ),
    **{
        f"error of the logits in u, {en}, # rotary dimensions": f"logits 的误差（以 $u$ 为单位），{zh}，RoPE 维数 #"
        for en, zh in IN_CHINESE.items()
    },
    **{
        f"error of the outputs in u, {en}, # rotary dimensions": f"输出的误差（以 $u$ 为单位），{zh}，RoPE 维数 #"
        for en, zh in IN_CHINESE.items()
    },
    **{f"logits of the {en}, # rotary dimensions": f"{zh}的 logits，RoPE 维数 #" for en, zh in IN_CHINESE.items()},
    **{
        f"logits of the {a} against the {b}, # rotary dimensions": f"{zh_a}与{zh_b}的 logits 之差，RoPE 维数 #"
        for (a, zh_a), (b, zh_b) in combinations(IN_CHINESE.items(), 2)
    },
    **{
        f"outputs of the {en} beyond twice what its logits pass on, # rotary dimensions": f"{zh}的输出，超出 logits 所传误差两倍的部分，RoPE 维数 #"
        for en, zh in IN_CHINESE.items()
    },
}


def run(subject, case, i):
    """Errors of the logits (by form, in units of kappa u), and what the i-th batch of layers has exactly."""
    stored, unit = rounding.nearest(case.format), rounding.KAPPA2**0.5 * rounding.ROUNDOFF[case.format]
    (x, positions, theta, *weights), scale = case.batch(i)
    inputs = stored(x), positions, theta, *map(stored, weights)
    logits, v, outputs = rounding.exact(*inputs)
    got = {name: getattr(subject, function)(stored, *inputs) for name, function in FORMS.items()}
    n = logits.shape[-1]
    of_logits = {name: (both[..., :n] - logits) / unit for name, both in got.items()}
    of_outputs = {name: (both[..., n:] - outputs) / unit for name, both in got.items()}
    return of_logits, of_outputs, logits, v, outputs, scale


def with_call(changed, *forms, call):
    """Forms in which the tensor stored by call number `call` (0: the latent, 1: queries or the merged matrix, ...) is changed(stored, z)."""

    def of(form):
        def of_changed(stored, *args):
            calls = iter(range(100))
            return form(lambda z: changed(stored, z) if next(calls) == call else stored(z), *args)

        return of_changed

    return variant(rounded_mla, **{name: of(getattr(rounded_mla, name)) for name in forms or FORMS.values()})


def kept(stored, z):
    return z


def eight_times_as_coarse(stored, z):
    return z + 8 * (stored(z) - z)


def forty_times_as_coarse(stored, z):
    return z + 40 * (stored(z) - z)


def in_mha_form(mistake):
    return variant(rounded_mla, mha_form=mistake)


def accumulated_in_the_format(stored, x, positions, theta, W_c, W_q, W_qr, W_k, W_kr, W_v):
    """The dot products of queries and keys are summed term by term in the format."""
    c = stored(x @ W_c)
    q, k, v = stored(x @ W_q), stored(c @ W_k), stored(c @ W_v)
    content = 0
    for j in range(q.shape[-1]):
        content = stored(content + q[..., j, None] * k[..., None, :, j])
    logits, p = rounded_mla.attend(stored, content, x, positions, theta, W_q, W_qr, W_kr)
    return torch.cat([logits, stored(p @ v)], dim=-1)


def weights_rounded_again(form):
    """As if the truth had been computed from weights before rounding: theirs is one error more."""
    off = lambda stored, W: stored(W * 2**0.5) / 2**0.5
    return lambda stored, x, positions, theta, *weights: form(stored, x, positions, theta, *(off(stored, W) for W in weights))


def scaled_by_the_new_head_size(stored, x, positions, theta, W_c, W_q, W_qr, *weights):
    factor = ((W_q.shape[-1] + W_qr.shape[-1]) / (W_c.shape[-1] + W_qr.shape[-1])) ** 0.5
    return rounded_mla.serial_form(stored, x, positions, theta, W_c, factor * W_q, factor * W_qr, *weights)


def values_of_another_head(stored, *args):
    return rounded_mla.serial_form(stored, *args[:-1], args[-1].roll(1, 1))


@claim(
    POST,
    "bf16-loss-of-absorption",
    section="MLA, part 1, notes",
    kind=Kind.APPROXIMATION,
    finding=Finding.APPROXIMATE,
    effort=0.06,
    says=r"Merging $W_q W_k^\top$ is an identity at infinite precision only: in single precision, and in bfloat16 all the more, the transformed computation loses visibly.",
    scope="Not stated relative to what; here to the exact value of the stored weights and tokens.",
    found=r"A mismatch between the forms is real, but on generic weights it is no loss of one of them. All have logits with relative error $\kappa \sqrt S\, u$, $\kappa = 1 / \sqrt{8 \ln 2} = 0.42$, "
    r"where $S$ counts the tensors stored on the way: $S = 3 w + 4 (1 - w) + 1$ for each form, $w = d_k / (d_k + d_r)$ the share of the content. "
    r"In float32 that is $5 \cdot 10^{-8}$, "
    "which is not visible.",
    limits="bfloat16, float16 and float32 are simulated: stored tensors are rounded to the format, all else is computed in float64. "
    r"One layer, Gaussian tokens and weights, $w = 1$ and $w = \tfrac12$. Products are exact between stored tensors: sums kept in the format add $\tfrac12 d$ roundings for $d$ terms to every form. "
    "Outputs are only bounded, and their size measured.",
    if_fails="one form stores a tensor more or less, or its scale is another",
    zh=dict(
        says=r"把 $W_q W_k^\top$ 合并成一个矩阵，只在无限精度下才恒等；单精度下、尤其是 bf16 下，变换后的计算会有明显的精度损失。",
        scope="文中没有说是相对于什么；这里是相对于所存权重与 token 的精确结果。",
        found="各形式之间确有差异，但在一般的权重上，这并不是其中某一种的损失。"
        r"所有形式的 logits 的相对误差都是 $\kappa \sqrt S\, u$，$\kappa = 1 / \sqrt{8 \ln 2} = 0.42$，"
        "其中 $S$ 是途中存储的张量个数：每种形式都是 $S = 3 w + 4 (1 - w) + 1$，$w = d_k / (d_k + d_r)$ 是内容部分的占比。"
        r"在 float32 下这是 $5 \cdot 10^{-8}$，并不明显。",
        limits="bfloat16、float16 与 float32 是模拟的：所存张量舍入到该格式，其余都用 float64 计算。"
        r"单层，token 与权重服从高斯分布，$w = 1$ 与 $w = \tfrac12$。所存张量之间的乘积是精确的：若求和也在该格式中进行，"
        r"每种形式都会对 $d$ 项的和增加 $\tfrac12 d$ 次舍入。输出的误差只验证了上界，其大小是实测的。",
        if_fails="某一形式多存或少存了一个张量，或缩放因子不同",
        names=LOSS_NAMES,
    ),
)
@subjects(
    rounded_mla,
    accumulated_in_the_format=in_mha_form(accumulated_in_the_format),
    mha_form_taken_as_the_truth=in_mha_form(lambda stored, *args: rounded_mla.mha_form(lambda z: z, *args)),
    scaled_by_the_new_head_size=variant(rounded_mla, serial_form=scaled_by_the_new_head_size),
    weights_not_rounded_in_the_truth=variant(
        rounded_mla, **{name: weights_rounded_again(getattr(rounded_mla, name)) for name in FORMS.values()}
    ),
    latent_not_rounded=with_call(kept, "serial_form", call=0),
    merged_matrix_not_rounded=with_call(kept, "merged_form", call=1),
    rotary_key_rounded_once=with_call(kept, call=5),
    logits_not_rounded=with_call(kept, call=7),
    serial_form_not_absorbed=variant(rounded_mla, serial_form=rounded_mla.mha_form),
    values_of_another_head=variant(rounded_mla, serial_form=values_of_another_head),
)
@example(case=Layers(torch.bfloat16, d_r=8))
@example(case=Layers(torch.float16, d_r=8))
@example(case=Layers(torch.float32, d_r=8))
@given(case=layers(d_r=(0, 8)))
def test_every_form_has_the_same_number_of_roundings(subject, case):
    w = case.share
    S = 3 * w + 4 * (1 - w) + 1  # content: q, c, k | q, q W_k^T, c | W_q W_k^T, x (W_q W_k^T), c; rotary: q and k twice; the logit
    half = min(w, 1 - w or 1) / 2  # a tensor stored more or less would be a whole step
    pairs = {
        ("MHA form", "serial form"): 2 * w,
        ("MHA form", "merged form"): 4 * w,
        ("serial form", "merged form"): 4 * w,
    }  # stored in one of both alone
    where = f"{case.d_r} rotary dimensions"

    def measure(i):
        of_logits, of_outputs, logits, v, outputs, scale = run(subject, case, i)
        errors = [rounding.squared(e / scale) for e in of_logits.values()]
        errors += [rounding.squared((of_logits[a] - of_logits[b]) / scale) for a, b in pairs]
        sizes = [rounding.squared(logits / scale)] * len(errors)
        errors += [rounding.squared(of_outputs[name]) - 2 * rounding.passed_on(of_logits[name], logits, v, outputs) for name in FORMS]
        sizes += [rounding.squared(outputs)] * len(FORMS)
        for name in FORMS if i == 0 else ():
            relative = (rounding.KAPPA2 * rounding.squared(of_outputs[name]).sum() / rounding.squared(outputs).sum()).sqrt()
            measured(f"error of the outputs in u, {name}, {where}", float(relative))
        return torch.stack(errors), torch.stack(sizes)

    expected = {f"logits of the {name}, {where}": (S - half, S + half) for name in FORMS}
    # Rounding two logits that differ by D changes the mean of D^2 by 0 at least, by a quarter of the squared spacing at most: 3 roundings.
    expected |= {f"logits of the {a} against the {b}, {where}": (differ - half, differ + 3 + half) for (a, b), differ in pairs.items()}
    # Squared errors add up to at most twice the sum: passed on by the logits, and 5 for c, v (or p c), p and o, where p, whose scale is
    # not drawn, may count for max(1 / m^2) = 1 in place of 3 / (8 ln 2).
    expected |= {f"outputs of the {name} beyond twice what its logits pass on, {where}": (-math.inf, 10.0) for name in FORMS}
    counts = rounding.counts_lie(expected, measure)
    u = rounding.ROUNDOFF[case.format]
    for name, count in zip((*FORMS, "MHA form against serial form"), counts):
        measured(f"error of the logits in u, {name}, {where}", (rounding.KAPPA2 * count) ** 0.5)
        if case.d_r:
            LOSS.point(name, u, (rounding.KAPPA2 * count) ** 0.5 * u)


@claim(
    POST,
    "serial-order-loses-less",
    part_of="bf16-loss-of-absorption",
    section="MLA, part 1, notes",
    kind=Kind.INEQUALITY,
    finding=Finding.REFUTED,
    effort=0.06,
    says=r"In theory multiplying in turn, $(x W_q) W_k^\top$, loses less precision than the merged matrix, $x (W_q W_k^\top)$.",
    scope="Low-rank projections.",
    found=r"Not as a rule. On generic weights both count four roundings. Where the queries have a large component that no key has, serial order stores it and the merged matrix does not: "
    "in the pinned case the squared error of its logits counts some 160 roundings more.",
    limits="The error of the logits, without a rotary part; smaller means by more than half a rounding. "
    "bfloat16, float16 and float32 are simulated: stored tensors are rounded to the format, all else is computed in float64.",
    if_fails="the merged matrix is stored in a coarser format than the rest",
    corrected="Which order loses less depends on where the weights cancel: neither on generic ones, serial order if the latent has a large component that no key reads, "
    "the merged matrix if the queries have one that no key has.",
    corrected_by="order-of-loss-follows-the-cancellation",
    zh=dict(
        says=r"理论上，依次相乘 $(x W_q) W_k^\top$ 的精度损失比先合并再乘的 $x (W_q W_k^\top)$ 要小。",
        scope="低秩投影。",
        found="一般来说并非如此。在一般的权重上，两者都是四次舍入。若 query 有一个所有 key 都没有的大分量，依次相乘会把它存下来，"
        "而合并矩阵不会：在固定的反例中，依次相乘的 logits 的平方误差多出 160 次左右的舍入。",
        limits="logits 的误差，不含 RoPE 部分；“更小”是指至少小 0.5 次舍入。"
        "bfloat16、float16 与 float32 是模拟的：所存张量舍入到该格式，其余都用 float64 计算。",
        if_fails="合并后的矩阵所用的存储格式比其余的更粗",
        corrected="哪种次序损失更小取决于权重在哪里相消：一般的权重没有差别；若 latent 有一个不被任何 key 读取的大分量，"
        "则依次相乘损失更小；若 query 有一个所有 key 都没有的大分量，则合并矩阵损失更小。",
        names={
            "serial form minus merged form, nothing hidden": "依次相乘减去合并矩阵，无隐藏分量",
            "serial form minus merged form, latent hidden": "依次相乘减去合并矩阵，latent 有隐藏分量",
            "serial form minus merged form, query hidden": "依次相乘减去合并矩阵，query 有隐藏分量",
        },
    ),
)
@subjects(
    rounded_mla,
    merged_matrix_eight_times_as_coarse=with_call(eight_times_as_coarse, "merged_form", call=1),
    serial_form_in_float64=variant(rounded_mla, serial_form=lambda stored, *args: rounded_mla.serial_form(lambda z: z, *args)),
)
@counterexample(
    "on generic weights both forms store three tensors whose errors count alike, and the logits",
    "在一般的权重上，两种形式都存储三个贡献相当的张量，外加 logits",
    case=Layers(torch.bfloat16),
)
@counterexample(
    "a query component that no key has is stored by the serial form alone",
    "所有 key 都没有的 query 分量，只有依次相乘会存下来",
    case=Layers(torch.bfloat16, hidden="query", gain=157),
)
@given(case=layers(hidden=("", "latent", "query")))
def test_serial_order_loses_less(subject, case):
    def measure(i):
        of_logits, _, logits, _, _, scale = run(subject, case, i)
        return tuple(
            torch.stack([value])
            for value in (
                rounding.squared(of_logits["serial form"] / scale) - rounding.squared(of_logits["merged form"] / scale),
                rounding.squared(logits / scale),
            )
        )

    rounding.counts_lie({f"serial form minus merged form, {case.hidden or 'nothing'} hidden": (-math.inf, -0.5)}, measure)


ORDER_NAMES = {
    f"{en}, {where} hidden, G = #": f"{zh}，{zh_where}隐藏分量，$G = #$"
    for en, zh in IN_CHINESE.items()
    for where, zh_where in {"nothing": "无", "latent": "latent 有", "query": "query 有"}.items()
}


@claim(
    POST,
    "order-of-loss-follows-the-cancellation",
    part_of="bf16-loss-of-absorption",
    section="MLA, part 1, notes",
    ours=True,
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    effort=0.06,
    says="Which order loses less depends on where the weights cancel: neither on generic ones, serial order if the latent has "
    "a large component that no key reads, the merged matrix if the queries have one that no key has.",
    scope=r"The sentence that replaces the refuted one. Hidden components are spread over all coordinates, so that each entry stored has $G$ times the energy that reaches the logits.",
    found=r"Exact in the count of roundings: the MHA, serial and merged forms have $4, 4, 4$ on generic weights, $3 + G,\ 2 + 2 G,\ 1 + 3 G$ with a hidden latent component, "
    r"and $2 + 2 G,\ 3 + G,\ 4$ with a hidden query component.",
    limits=r"The error of the logits alone, for $G = 2$ and $3$ and for $w = 1$; a hidden component along a coordinate axis would be cancelled by exact zeros and cost nothing. "
    "bfloat16, float16 and float32 are simulated: stored tensors are rounded to the format, all else is computed in float64.",
    if_fails="one form stores a tensor more or less, or reads the hidden component",
    zh=dict(
        says="哪种次序损失更小取决于权重在哪里相消：一般的权重没有差别；若 latent 有一个不被任何 key 读取的大分量，"
        "则依次相乘损失更小；若 query 有一个所有 key 都没有的大分量，则合并矩阵损失更小。",
        scope="用来替换被推翻那句话的说法。隐藏分量散布在所有坐标上，使所存的每个元素的能量是到达 logits 的部分的 $G$ 倍。",
        found="以舍入次数计是精确的：MHA 形式、依次相乘、合并矩阵在一般的权重上是 $4, 4, 4$ 次，"
        r"latent 有隐藏分量时是 $3 + G,\ 2 + 2 G,\ 1 + 3 G$ 次，query 有隐藏分量时是 $2 + 2 G,\ 3 + G,\ 4$ 次。",
        limits="只看 logits 的误差，$G = 2$ 与 $3$，$w = 1$；若隐藏分量沿着坐标轴，则会被精确的零抵消，没有代价。"
        "bfloat16、float16 与 float32 是模拟的：所存张量舍入到该格式，其余都用 float64 计算。",
        if_fails="某一形式多存或少存了一个张量，或读到了隐藏分量",
        names=ORDER_NAMES,
    ),
)
@subjects(
    rounded_mla,
    serial_form_not_absorbed=variant(rounded_mla, serial_form=rounded_mla.mha_form),
    merged_matrix_not_rounded=with_call(kept, "merged_form", call=1),
    latent_not_rounded=with_call(kept, "mha_form", call=0),
    absorbed_query_not_rounded=with_call(kept, "serial_form", call=2),
    query_rounded_again=with_call(lambda stored, z: stored(stored(z) * 2**0.5) / 2**0.5, "mha_form", call=1),
)
@example(case=Layers(torch.bfloat16, hidden="latent", gain=2))
@example(case=Layers(torch.bfloat16, hidden="query", gain=2))
@example(case=Layers(torch.float32))
@given(case=layers(hidden=("latent", "query", "")))
def test_order_of_loss_follows_the_cancellation(subject, case):
    G = case.gain
    counts = {"latent": (3 + G, 2 + 2 * G, 1 + 3 * G), "query": (2 + 2 * G, 3 + G, 4), "": (4, 4, 4)}[case.hidden]

    def measure(i):
        of_logits, _, logits, _, _, scale = run(subject, case, i)
        errors = torch.stack([rounding.squared(e / scale) for e in of_logits.values()])
        return errors, rounding.squared(logits / scale).expand_as(errors)

    where = f"{case.hidden or 'nothing'} hidden, G = {G}"
    rounding.counts_lie({f"{name}, {where}": (count - 0.5, count + 0.5) for name, count in zip(FORMS, counts)}, measure)


DEPTHS = (1, 4, 16)
STREAM = "exact layers, the stream alone rounded"
STREAMS_IN_CHINESE = IN_CHINESE | {STREAM: "各层精确、只舍入残差流"}
STREAM_NAMES = {
    f"stream rounded once, # layer of {STREAM}": "只舍入一次的残差流，# 层，各层精确、只舍入残差流",
    **{
        f"error of the stream in u, {en}, layers: #": f"残差流的误差（以 $u$ 为单位），{zh}，层数 #"
        for en, zh in STREAMS_IN_CHINESE.items()
    },
    **{f"{en}, # layers minus twice that of #": f"{zh}，# 层减去 # 层的两倍" for en, zh in STREAMS_IN_CHINESE.items()},
    **{f"{en}, # layers minus #^# times that of #": f"{zh}，# 层减去 #^# 倍的 # 层" for en, zh in STREAMS_IN_CHINESE.items()},
    **{
        f"{a} minus twice the {b}, # {unit}": f"{zh_a}减去{' ' * zh_b[0].isascii()}{zh_b}的两倍，# 层"
        for (a, zh_a), (b, zh_b) in permutations(IN_CHINESE.items(), 2)
        for unit in ("layer", "layers")
    },
    **{
        f"{en} minus four times that of {STREAM}, # layers": f"{zh}减去“各层精确、只舍入残差流”的四倍，# 层"
        for en, zh in IN_CHINESE.items()
    },
}


def of_stack(streams=rounded_stack.streams, **forms):
    return variant(rounded_stack, streams=streams, **forms)


def only_the_last_layer_rounded(form, stored, kept, x, positions, theta, layers):
    exactly = rounded_stack.streams(form, lambda z: z, lambda z: z, x, positions, theta, layers)
    return [x, *(rounded_stack.streams(form, stored, kept, x, positions, theta, [layer])[1] for x, layer in zip(exactly, layers))]


def first_layer_again_and_again(form, stored, kept, x, positions, theta, layers):
    return rounded_stack.streams(form, stored, kept, x, positions, theta, layers[:1] * len(layers))


@claim(
    POST,
    "loss-over-many-layers",
    part_of="bf16-loss-of-absorption",
    section="MLA, part 1, notes",
    kind=Kind.APPROXIMATION,
    finding=Finding.APPROXIMATE,
    effort=0.02,
    says="After many layers the loss of the transformed computation adds up and becomes more visible.",
    scope="Not stated relative to what; here to the exact stream of the stored weights and tokens.",
    found=r"The loss adds up, but it is not that of the transformation: after 1, 4 and 16 layers the stream is off by about $0.8\, u$, $1.5\, u$ and $2.5\, u$ in the MHA form as in both absorbed ones. "
    r"Exact layers between roundings of the residual stream alone lose more than half as much, $0.4\, u$, $0.9\, u$ and $1.7\, u$.",
    limits="Residual stacks of 1, 4 and 16 small random layers on 8 tokens, normalised before each layer, products exact between stored tensors; trained weights may spread errors in another way. "
    "bfloat16, float16 and float32 are simulated: stored tensors are rounded to the format, all else is computed in float64.",
    if_fails="one form stores a tensor in a coarser format, or its errors do not reach the next layer",
    zh=dict(
        says="经过许多层之后，变换后的计算的精度损失会不断累积，变得更加明显。",
        scope="文中没有说是相对于什么；这里是相对于所存权重与 token 的精确残差流。",
        found=r"损失确实会累积，但那不是变换带来的：经过 1、4、16 层之后，残差流的误差大约是 $0.8\, u$、$1.5\, u$、$2.5\, u$，"
        r"MHA 形式与两种吸收形式都是如此。若各层精确、只对层与层之间的残差流做舍入，误差也超过上述的一半：$0.4\, u$、"
        r"$0.9\, u$、$1.7\, u$。",
        limits="1、4、16 个小的随机层构成的残差堆叠，8 个 token，每层之前做归一化，所存张量之间的乘积是精确的；"
        "训练过的权重可能以另一种方式传播误差。"
        "bfloat16、float16 与 float32 是模拟的：所存张量舍入到该格式，其余都用 float64 计算。",
        if_fails="某一形式把某个张量存成了更粗的格式，或它的误差没有传到下一层",
        names=STREAM_NAMES,
    ),
)
@subjects(
    rounded_stack,
    stream_not_rounded=of_stack(lambda form, stored, kept, *args: rounded_stack.streams(form, stored, lambda z: z, *args)),
    only_the_last_layer_rounded=of_stack(only_the_last_layer_rounded),
    first_layer_again_and_again=of_stack(first_layer_again_and_again),
    absorbed_query_forty_times_as_coarse=of_stack(serial_form=with_call(forty_times_as_coarse, "serial_form", call=2).serial_form),
    merged_matrix_forty_times_as_coarse=of_stack(merged_form=with_call(forty_times_as_coarse, "merged_form", call=1).merged_form),
    values_of_another_head=of_stack(serial_form=values_of_another_head),
)
@example(case=Stack(torch.bfloat16))
@given(case=stacks())
def test_loss_grows_alike_in_all_forms(subject, case):
    stored, unit = rounding.nearest(case.format), rounding.KAPPA2**0.5 * rounding.ROUNDOFF[case.format]
    forms = {name: (getattr(subject, function), stored) for name, function in FORMS.items()} | {STREAM: (subject.mha_form, lambda z: z)}
    # Alike: no form has twice the squared error of another. Growth: to more than twice the square of one layer's, and not beyond as many
    # times the error as there are layers. The share of the stream: a quarter of the square, half of the error.
    bounds = {f"stream rounded once, 1 layer of {STREAM}": (0.5, 1.5)}
    bounds |= {
        f"{a} minus twice the {b}, {depth} layer{'s' * (depth > 1)}": (-math.inf, 0.0)
        for depth in DEPTHS
        for a in FORMS
        for b in FORMS
        if a != b
    }
    bounds |= {f"{name}, 16 layers minus twice that of 1": (0.0, math.inf) for name in forms}
    bounds |= {f"{name}, 16 layers minus 16^2 times that of 1": (-math.inf, 0.0) for name in forms}
    bounds |= {f"{name} minus four times that of {STREAM}, 16 layers": (-math.inf, 0.0) for name in FORMS}

    def measure(i):
        (x, positions, theta), layers = case.batch(i, DEPTHS[-1])
        inputs = stored(x), positions, theta, [tuple(map(stored, layer)) for layer in layers]
        truth = rounding.exact_streams(*inputs)
        counts = {}
        for name, (form, rounded) in forms.items():
            got = subject.streams(form, rounded, stored, *inputs)
            for depth in DEPTHS:
                size = rounding.squared(truth[depth])
                counts[name, depth] = rounding.squared((got[depth] - truth[depth]) / unit) / size
                if i == 0:
                    measured(
                        f"error of the stream in u, {name}, layers: {depth}", float((rounding.KAPPA2 * counts[name, depth].mean()).sqrt())
                    )
        errors = [counts[STREAM, 1]]
        errors += [counts[a, depth] - 2 * counts[b, depth] for depth in DEPTHS for a in FORMS for b in FORMS if a != b]
        errors += [counts[name, 16] - 2 * counts[name, 1] for name in forms]
        errors += [counts[name, 16] - 16**2 * counts[name, 1] for name in forms]
        errors += [counts[name, 16] - 4 * counts[STREAM, 16] for name in FORMS]
        return torch.stack(errors), torch.ones(len(errors), len(truth[0]))

    rounding.counts_lie(bounds, measure)
