"""Three causal forms of attention over quantised keys, from the keys themselves (post 9844, "divergent thinking").

Q, K (n, d_k), V (n, d_v), n = l m tokens; codebook C (c, d_k), the same for all tokens.
"""

from impls.attention import softmax, vq_blocks, vq_decoder
from impls.attention.transformer_vq import nearest


def dense(Q, K, V, C, l):
    """Every pair of tokens."""
    return softmax.causal(Q @ C[nearest(K, C)].T, V)


def in_steps(Q, K, V, C, l):
    """Token by token."""
    return vq_decoder.recurrent(Q[None], nearest(K, C)[None], V[None], C)[0]


def in_blocks(Q, K, V, C, l):
    """Block by block."""
    z = nearest(K, C)
    return vq_blocks.attention(Q, z, V, C, vq_blocks.recursion(z, V, C, l), l)
