"""Key gradients through straight-through quantisation, at a cost linear in the number of tokens (post 9844, "gradient").

Forward K + sg(C_z - K), so the gradient goes to K as if C_z were free. G = dL/dO (n, d_v); Q (n, d_k), V (n, d_v),
codebook C (c, d_k), codes z (n,); P_ij = W[i, z_j] the attention matrix, never formed. The dense gradient
sum_i P_ij (G_i . V_j - G_i . O_i) Q_i depends on j through z_j and V_j alone, hence it is T_z V_j - t_z with

    T_z = sum_i W_iz Q_i G_i^T  (d_k, d_v),    t_z = sum_i W_iz (G_i . O_i) Q_i  (d_k,).

Cost of order n c d_k d_v, against n^2 (d_k + d_v). The sums run over all i, or over i >= j under a causal mask.
"""

from impls.attention.transformer_vq import one_hot, weights


def bidirectional(Q, z, V, C, G):
    """dL/dK (n, d_k) for attention to all tokens."""
    n, d_k, d_v = *Q.shape, V.shape[-1]
    Delta = one_hot(z, C)
    W = weights(Q @ C.T, Delta.sum(0))
    O = W @ (Delta.T @ V)
    T = (W.T @ (Q[:, :, None] * G[:, None, :]).reshape(n, -1)).reshape(-1, d_k, d_v)
    t = W.T @ ((G * O).sum(-1, keepdim=True) * Q)
    return (T[z] @ V[:, :, None])[:, :, 0] - t[z]


def causal(Q, z, V, C, G):
    """dL/dK (n, d_k) for attention to the past: a forward scan for O, a reverse scan, diagonal included, for T and t.

    All rows of the scans are kept here; a loop over them in turn would need memory c d_k d_v.
    """
    Delta, tokens = one_hot(z, C), range(len(z))
    W = weights(Q @ C.T, Delta.cumsum(0))
    O = (W[:, None, :] @ (Delta[:, :, None] * V[:, None, :]).cumsum(0))[:, 0]
    T = from_here_on(W[:, :, None, None] * Q[:, None, :, None] * G[:, None, None, :])
    t = from_here_on(W[:, :, None] * ((G * O).sum(-1, keepdim=True) * Q)[:, None, :])
    return (T[tokens, z] @ V[:, :, None])[:, :, 0] - t[tokens, z]


def from_here_on(x):
    """Sums over i >= j along the first dimension."""
    return x.flip(0).cumsum(0).flip(0)
