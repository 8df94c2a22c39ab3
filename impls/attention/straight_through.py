"""Straight-through quantisation, differentiated by autograd (post 9844, "gradient backpropagation").

Q, K (n, d_k), codes z (n,), V (n, d_v), codebook C (c, d_k), G = dL/dO (n, d_v); n = l m tokens in the form by blocks, which has the
bias f of vq_two_blocks. Codebook and codes are constants.
"""

import torch

from impls.attention import softmax, vq_blocks, vq_two_blocks


def quantised(K, z, C):
    """K + sg(C_z - K): C_z forward, K backward."""
    return K + (C[z] - K).detach()


def dense(Q, K, z, V, C, causal):
    """Attention over the straight-through keys, every pair of tokens."""
    logits = Q @ quantised(K, z, C).T
    return softmax.causal(logits, V) if causal else softmax.softmax(logits) @ V


def key_gradient(Q, K, z, V, C, G, causal):
    """dL/dK (n, d_k) of dense attention."""
    K = K.detach().clone().requires_grad_()
    return torch.autograd.grad(dense(Q, K, z, V, C, causal), K, G)[0]


def in_blocks(Q, K, z, V, C, f, l, stop):
    """The two-block form. With `stop` no gradient passes through the states U."""
    U = vq_blocks.recursion(z, V.detach() if stop else V, C, l)
    return vq_two_blocks.attention(Q, quantised(K, z, C), V, C, U, f, l)


def gradients(Q, K, z, V, C, G, f, l, stop=True):
    """dL/dQ, dL/dK and dL/dV of the form in blocks, side by side: (n, 2 d_k + d_v)."""
    inputs = tuple(x.detach().clone().requires_grad_() for x in (Q, K, V))
    Q, K, V = inputs
    return torch.cat(torch.autograd.grad(in_blocks(Q, K, z, V, C, f, l, stop), inputs, G), dim=-1)
