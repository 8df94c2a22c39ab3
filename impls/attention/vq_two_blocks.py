"""Causal attention over quantised keys whose two nearest blocks are treated apart (post 9844, "local enhancement").

n = l m tokens, [i] the i-th block of l; Q, K (n, d_k) with K the quantised keys, V (n, d_v), codebook C (c, d_k), states U
(m + 1, c, d_v + 1) as in vq_blocks. f (2 l or more,) is the bias by distance, B_ij = f_(i-j); far blocks are taken to have none.
"""

import torch

from impls.attention.transformer_vq import weights


def before(x):
    """Each block's predecessor, zero before the first one."""
    return torch.cat([0 * x[:1], x[:-1]])


def nearest_two(x, l):
    """Every block behind the one before it: (n, ...) -> (m, 2 l, ...)."""
    blocks = x.unflatten(0, (-1, l))
    return torch.cat([before(blocks), blocks], dim=1)


def distances(l, device):
    """i - j of a block's queries and the keys of `nearest_two`: (l, 2 l)."""
    position = torch.arange(2 * l, device=device)
    return position[l:, None] - position


def attend(near_logits, far_logits, V, U, l):
    """Softmax over two blocks of single keys, near_logits (m, l, 2 l), and the codes of U_(i-2), far_logits (m, l, c): (n, d_v)."""
    present = nearest_two(torch.ones_like(V[:, 0]), l)  # the ones of the denominator vanish before the first block, too
    near = (distances(l, V.device) >= 0) * present[:, None, :]
    far = before(U[:-1])  # U[0] is U_(-1), so that U[i] is U_(i-1)
    counts = torch.cat([near, far[:, None, :, -1].expand(-1, l, -1)], dim=-1)
    return (weights(torch.cat([near_logits, far_logits], dim=-1), counts) @ torch.cat([nearest_two(V, l), far[..., :-1]], dim=1)).flatten(
        0, 1
    )


def attention(Q, K, V, C, U, f, l):
    """O_[i] = e^(Q_[i] K_[i]^T + B) V_[i] + e^(Q_[i] K_[i-1]^T + B) V_[i-1] + e^(Q_[i] C^T) U_(i-2) over the same with V = 1."""
    q = Q.unflatten(0, (-1, l))
    return attend(q @ nearest_two(K, l).mT + f[distances(l, f.device).clamp(min=0)], q @ C.T, V, U, l)
