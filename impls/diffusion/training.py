"""The training objective, and the model that uses some of the times only (post 9181, "Accelerating generation").

x_t = abar_t x_0 + bbar_t noise; predictor(x_t, t) is the model's estimate of the noise; tau = (0, tau_1, tau_2, ..) increasing.
The entries may be of any type that adds and multiplies.
"""


def objective(x_0, noise, predictor, abar, bbar):
    """The terms |noise - predictor(x_t, t)|^2 at t = 1..T, summed over the entries of x_0: the loss is a weighted sum of them."""
    return [((noise - predictor(abar[t] * x_0 + bbar[t] * noise, t)) ** 2).sum() for t in range(1, len(abar))]


def thinned(predictor, abar, bbar, tau):
    """(predictor, abar, bbar) of the model whose i-th time is tau_i of the given one."""
    return lambda x, i: predictor(x, tau[i]), [abar[t] for t in tau], [bbar[t] for t in tau]
