r"""Values by regression on, or by comparison of, the utilities of random subsets.

.. math:: \mathrm{AME}_i = \mathbb{E}_p\,\mathbb{E}_{S \sim \mathrm{Bernoulli}(p)}
          \big[U(S \cup i) - U(S \setminus i)\big]

Lin et al., "Measuring the Effect of Training Data on Deep Learning Predictions via
Randomized Experiments", ICML 2022.
"""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LassoCV
