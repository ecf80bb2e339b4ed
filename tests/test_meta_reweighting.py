"""Meta re-weighting runs inside the public estimator, and learns."""

import pickle

import numpy as np
from sklearn.datasets import make_blobs

from skvalue import NDDVValuator


def fit(**params):
    X, y = make_blobs(80, centers=2, n_features=3, random_state=0)
    valuator = NDDVValuator(
        n_members=2, max_epochs=3, meta_interval=1, random_state=0, **params
    )
    return valuator.fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])


def test_held_out_rows_switch_re_weighting_on():
    weights = fit().meta_weights_
    assert weights.shape == (60,)
    assert ((weights > 0) & (weights < 1)).all()
    assert not hasattr(fit(reweight=False), "meta_weights_")


def test_the_meta_network_learns():
    """Its step is about `meta_lr`: the learning rate of Adam moves its weights."""
    slow, fast = fit(meta_lr=1e-9), fit(meta_lr=0.1)
    assert np.abs(fast.meta_weights_ - slow.meta_weights_).max() > 0.01
    assert np.abs(fast.data_values_ - slow.data_values_).max() > 0


def test_meta_parameters_are_not_in_the_optimizer_of_the_dynamics():
    net = fit().net_
    trained = {id(p) for group in net.optimizer_.param_groups for p in group["params"]}
    assert trained == {id(parameter) for parameter in net.module_.parameters()}
    theta = {id(parameter) for parameter in net.meta_learner.network.parameters()}
    assert not trained & theta


def test_a_re_weighted_fit_can_be_pickled():
    valuator = fit()
    loaded = pickle.loads(pickle.dumps(valuator))
    np.testing.assert_array_equal(loaded.meta_weights_, valuator.meta_weights_)
