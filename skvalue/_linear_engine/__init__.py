"""Utilities of regularised linear models, hundreds at once, without a refit each."""

# Subsets are shared up to so many parameters of a multinomial model: the Hessian of all
# classes is inverted once a coalition.
MAX_JOINT_PARAMETERS = 4096

# Log odds of a class that is certain, to double precision: minus those of one that is
# impossible.
LARGEST_MARGIN = 36.04365338911715
