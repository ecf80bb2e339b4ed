"""What the contributions of all rows to a coalition cost.

In multiplications, those of large products a quarter, so that a second of one thread
has about as many (`_coalitions.forecast.RATE`) whatever a coalition is busy with.
Functions of shapes only, since budgets that nobody set depend on them. They were within
a factor of 1.7 of what was measured, of 500 to 100 000 rows.
"""

# Of `joint_cost`: shares of the rows, which depend on the data (these are of digits,
# mnist and bbc, 300 to 1000 rows), and multiplications that take as long as a
# probability and as the small calls of a coalition.
MODELLED, REFINING_STEPS = 0.5, 0.7
PROBABILITY, SMALL_CALLS = 25, 6 * 10**7


def column_cost(n, p, n_val):
    """Multiplications of half the rows and all neighbours, of models of one column."""
    pairs, hessian = n * n_val * (6 + p / 5), n * p**2 + 6 * p**3
    return int(pairs + hessian + 200 * n + 4 * 10**6)


def joint_cost(n, p, K, n_val, freedom):
    """Multiplications of half the rows and all neighbours, of several classes."""
    joint, pairs = (K - 1) * p, K * (K - 1) // 2
    hessian = pairs * n / 2 * p**2 / 2 + joint**3 / 2
    blocks = pairs * n * p**2 / 2
    # Rows whose models are made, and steps of models that are refined.
    modelled, steps = MODELLED * n, REFINING_STEPS * freedom * n
    models = modelled * (joint**2 + K * p * n_val)
    refining = steps * (joint**2 + 3 * K * p * n / 2)
    probabilities = K * (modelled * n_val + steps * n / 2)
    products = hessian + blocks + models + refining
    return int(products / 4 + PROBABILITY * probabilities + SMALL_CALLS)
