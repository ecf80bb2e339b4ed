"""Utilities of regularised linear models, hundreds at once, without a refit each."""

# Subsets are shared up to so many parameters of a multinomial model: the Hessian of all
# classes is inverted once a coalition.
MAX_JOINT_PARAMETERS = 4096
