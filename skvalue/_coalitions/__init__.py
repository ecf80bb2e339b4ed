r"""Sampling coalitions of players: what semivalues and attributions share.

A semivalue weighs marginal contributions by the size :math:`k` of the coalition,

.. math:: \phi_i = \sum_{k=0}^{n-1} p(k)\; \mathbb{E}_{|S| = k,\, i \notin S}
          \big[U(S \cup i) - U(S)\big], \qquad \sum_k p(k) = 1,

with :math:`p(k) = 1/n` for Shapley. With ``min_size`` the sum starts there and
:math:`p` is scaled to sum to one again.

Players are numbers: there are no rows, no labels and no estimators here. A `Game` says
what coalitions are worth, a sampler which of them are drawn, `SamplingRun` holds what
they said, and `sample` runs it in parallel, saves it and stops.
"""
