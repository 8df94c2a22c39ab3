"""One step of generation with latent attention, in three forms that return the same (post 10091, "MLA", part 3).

Arguments, cache and weights as in kv_cache.py and mla.py. What is counted are multiply-adds of matrix products.
"""

from impls.attention.kv_cache import append, mla_extend
from impls.attention.mla import scale
from impls.attention.rotary import rotate
from impls.attention.softmax import softmax

absorbed = mla_extend


def projected(cache, x, position, theta, W_c, W_cq, W_qc, W_qr, W_kc, W_kr, W_v):
    """The training form: keys and values of all heads are cached, h (d_k + d_v) + d_r numbers per token."""
    c, c_q = x @ W_c, x @ W_cq
    k, v, k_r = cache = append(cache, c @ W_kc, c @ W_v, rotate(x @ W_kr, position, theta))
    logits = c_q @ W_qc @ k.mT + rotate(c_q @ W_qr, position, theta) @ k_r.T
    return softmax(logits / scale(W_qc, W_qr)) @ v, cache


def expanded_again(cache, x, position, theta, W_c, W_cq, W_qc, W_qr, W_kc, W_kr, W_v):
    """The latent is cached, and keys and values of all tokens are computed from it in every step."""
    c, k_r = cache = append(cache, x @ W_c, rotate(x @ W_kr, position, theta))
    c_q = x @ W_cq
    logits = c_q @ W_qc @ (c @ W_kc).mT + rotate(c_q @ W_qr, position, theta) @ k_r.T
    return softmax(logits / scale(W_qc, W_qr)) @ (c @ W_v), cache


def head_sizes(d_c, d_r):
    """Of queries and keys, and of values, in the absorbed form."""
    return d_c + d_r, d_c


def multiply_adds_per_pair(h, d_k, d_r, d_v, d_c):
    """For a query and a cached token: absorbed, projected."""
    return h * (2 * d_c + d_r), h * (d_k + d_r + d_v)


def extra_multiply_adds(t, h, d_k, d_v, d_c):
    """What a step at token t costs more in the absorbed form than in the projected one."""
    return t * h * (2 * d_c - d_k - d_v)
