"""What each row adds to all others, to solver tolerance.

.. math:: \\phi_i = U(N) - U(N \\setminus i)

`shared_subsets` reads the contributions of all rows off one fit, by one step of
Newton's method. Here every model of :math:`N \\setminus i` goes on from that step until
rounding ends it, side by side with others and with the Hessian of :math:`N`; for
squared loss the step is exact.
"""

from .shared_subsets import SHARING, solve_pairs


def leave_one_out(problem, rows):
    """Contributions of some rows to all others.

    Parameters
    ----------
    problem : LinearProblem
        An exact one.

    rows : Tensor of int, shape (m,)
        Row numbers.

    Returns
    -------
    contributions : Tensor of shape (m,), dtype float64
        U(N) - U(N without i).
    """
    everyone = problem.X.new_ones(1, len(problem.X))
    counts = everyone @ problem.members
    if not problem.needs_model(counts).all():
        values = problem.without_model(counts)
        return values - problem.without_model(counts - problem.members[rows])
    sharing = SHARING[problem.kind](problem, everyone, counts)
    values = problem.values(sharing.theta, counts)
    left = counts - problem.members[rows]
    without = problem.without_model(left)
    modelled = problem.needs_model(left).nonzero().squeeze(1)
    if len(modelled):
        without[modelled] = solve_pairs(
            problem, everyone[0], counts[0], rows[modelled], (sharing, 0)
        )
    return values - without
