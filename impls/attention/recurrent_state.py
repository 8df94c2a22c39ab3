"""What a layer carries from one token to the next (post 9844, "divergent thinking"): states of Transformer-VQ and of RetNet.

h heads of d_k in RetNet; both layers have d_v = 2 h d_k values per token, RetNet d_k (or, as d_v implies, 2 d_k) for each head.
The states come out of one step of either recurrence, on the meta device: they have sizes but no entries.
"""

import torch

from impls.attention import retention, vq_decoder


def empty(*shape):
    return torch.empty(shape, device="meta")


def transformer_vq(c, h, d_k):
    """U: (c, 2 h d_k), the counts of the codes left out."""
    z, d_v = torch.zeros(1, dtype=torch.long, device="meta"), 2 * h * d_k
    return vq_decoder.step(empty(1, c, d_v + 1), empty(1, d_k), z, empty(1, d_v), empty(c, d_k))[1][0, :, :-1]


def retnet(h, d_k, per_head):
    """S: (h, d_k, per_head)."""
    return retention.step(empty(h, d_k, per_head), empty(h, d_k), empty(h, d_k), empty(h, per_head), empty(h))[1]
