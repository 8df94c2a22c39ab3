"""Rotary encoding of whole heads, and what it does to absorption (post 10091, "MLA", part 2).

x (n, d) tokens, c (n, d_c) their latents, W_q (h, d, d_k), W_k (h, d_c, d_k); R (n, d_k, d_k) holds the rotation R_i of every
token's position, for rows: a row z becomes z R_i. Products only, so that arrays of exact numbers will do.
"""


def logits(x, c, R, W_q, W_k):
    """q_t k_i^T with q_t = x_t W_q R_t and k_i = c_i W_k R_i: (h, n, n)."""
    return turned(x @ W_q, R) @ turned(c @ W_k, R).mT


def between(R, W_q, W_k):
    """What stands between x_t and c_i^T: W_q R_(t-i) W_k^T with R_(t-i) = R_t R_i^T, (h, n, n, d, d_c)."""
    relative = R[:, None] @ R[None].mT
    return W_q[:, None, None] @ relative @ W_k.mT[:, None, None]


def turned(z, R):
    """z_i R_i for every row of z (..., n, d_k)."""
    return (z[..., None, :] @ R)[..., 0, :]
