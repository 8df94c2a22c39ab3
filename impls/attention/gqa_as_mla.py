"""GQA written as latent attention (post 10091, "MLA", part 1): one joint projection, then a split and copies.

x (n, d); W_q (h, d, d_k); W_k (g, d, d_k), W_v (g, d, d_v); the latent c = x W_c (n, g (d_k + d_v)) is all keys, then all values.
"""

import torch


def joint(W_k, W_v):
    """W_c (d, g (d_k + d_v)), such that x W_c is everything that GQA caches."""
    return torch.cat([*W_k, *W_v], dim=-1)


def split_and_copied(c, h, g, d_k):
    """Keys (h, n, d_k) and values (h, n, d_v) of all heads: c is cut in two, each part in g, each piece copied h / g times."""
    keys, values = c[:, : g * d_k], c[:, g * d_k :]
    return tuple(part.unflatten(-1, (g, -1)).transpose(0, 1).repeat_interleave(h // g, 0) for part in (keys, values))


def blocks(h, g, size, W):
    """(h, g size, size) of 0 and 1, the matrices that pick the piece of a head's group; dtype and device of W."""
    picks = torch.eye(g * size, dtype=W.dtype, device=W.device).reshape(g * size, g, size)
    return picks.transpose(0, 1).repeat_interleave(h // g, 0)


def plain(W_q, W_k, W_v):
    """W_c, W_cq, W_qc, W_qr, W_kc, W_kr, W_v of mla.py without rotary part, of which GQA is the case."""
    (h, d, d_k), g, d_v = W_q.shape, len(W_k), W_v.shape[-1]
    above, below = W_q.new_zeros(h, g * d_v, d_k), W_q.new_zeros(h, g * d_k, d_v)
    pick_keys = torch.cat([blocks(h, g, d_k, W_q), above], dim=1)
    pick_values = torch.cat([below, blocks(h, g, d_v, W_q)], dim=1)
    identity = torch.eye(d, dtype=W_q.dtype, device=W_q.device)
    return joint(W_k, W_v), identity, W_q, W_q.new_zeros(h, d, 0), pick_keys, W_q.new_zeros(d, 0), pick_values


def rotary(theta, W_q, W_k, W_v):
    """theta and the same weights of mla.py without content part, of which GQA with rotary queries and keys is the case.

    The rotary key is all g keys, turned by the same angles each; a query is zero outside of its group. MLA divides the logits by
    sqrt(g d_k), hence the factor sqrt(g).
    """
    (h, d, d_k), g, d_v = W_q.shape, len(W_k), W_v.shape[-1]
    placed = g**0.5 * W_q @ blocks(h, g, d_k, W_q).mT
    identity = torch.eye(d, dtype=W_q.dtype, device=W_q.device)
    no_content = W_q.new_zeros(h, d, 0), W_q.new_zeros(h, g * d_v, 0)
    return (
        theta.repeat(g),
        torch.cat([*W_v], dim=-1),
        identity,
        no_content[0],
        placed,
        no_content[1],
        torch.cat([*W_k], dim=-1),
        blocks(h, g, d_v, W_q),
    )
