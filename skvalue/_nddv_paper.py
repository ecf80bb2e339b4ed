"""The settings of the NDDV paper, as a second way to make the valuator.

Source: Liang, Gao, Zhang, "Neural Dynamic Data Valuation" (2024), SI 5.B, 5.C, 5.K.
"""

from ._drop import upper_cluster

PAPER_SETTINGS = {
    "n_members": 1,
    "max_epochs": 50,
    "lr": 0.01,
    "meta_lr": 1e-3,
    "reweight": True,
    # Algorithm 3 updates the meta network in every iteration.
    "meta_interval": 1,
    # A tenth of the 100 meta rows that go with 1000 training rows.
    "meta_hidden": 10,
    "utility": "state",
    "utility_epochs": "last",
    # "The cluster with the lower mean": 2-means without the guard of drop="auto".
    "drop": upper_cluster,
}


class PaperSettings:
    """Mixin of `NDDVValuator` that knows the settings of the paper."""

    @classmethod
    def paper(cls, **parameters):
        r"""Make a valuator with the settings that the paper states.

        One network, trained for 50 epochs by Adam with a learning rate of 0.01, divided
        by 10 at 60 % and at 80 % of them; a meta step in every training step, with a
        learning rate of 0.001 and 10 hidden nodes; the state utility of the last epoch;
        the lower of two clusters is dropped. `fit` needs clean rows, `X_val` and
        `y_val`, for the meta steps.

        Parameters
        ----------
        **parameters : object
            Parameters of `NDDVValuator`, such as ``random_state=0``, that go before the
            settings of the paper.

        Returns
        -------
        valuator : NDDVValuator
            Not fitted. It holds every setting as a parameter, so that ``get_params``,
            ``set_params``, `clone`, grid search and pickling work as on any other.

        Raises
        ------
        TypeError
            If a parameter has an unknown name.

        Notes
        -----
        What the paper leaves open has the default of `NDDVValuator`: `interaction`,
        `diffusion` and `n_steps` of its main experiments, the network of the control,
        the running cost, the batch size (1000 where it measures time) and the
        initialisation. Of "0.01 for out-optimization and 0.001 for in-optimization" the
        first is read as the rate of the training and the second as that of the meta
        network; "further decays by 10 %" as another division by 10.

        What the paper states and no parameter can express:

        - The meta network has a tenth as many hidden nodes as there are meta rows. 10
          are those of its 100; pass ``meta_hidden=len(y_val) // 10`` for others.
        - Eq. 38 has the other sign, by which wrong labels would be the most valuable
          rows. Here, as in the text of the paper, higher is better.
        - The mean field of Eq. 32 and 33 is that of all rows, or of one batch. Here it
          is a moving average over the batches, with weights that sum to one.

        References
        ----------
        .. [1] Liang, Gao, Zhang, "Neural Dynamic Data Valuation", 2024, SI 5.B, 5.C.

        Examples
        --------
        >>> from sklearn.base import clone
        >>> from skvalue import NDDVValuator
        >>> from skvalue.datasets import make_label_noise, make_two_planes
        >>> X, y = make_two_planes(220, random_state=0)
        >>> y_noisy, is_wrong = make_label_noise(y[:200], 0.1, random_state=0)
        >>> valuator = NDDVValuator.paper(max_epochs=10, random_state=0)
        >>> valuator = clone(valuator)
        >>> valuator.meta_interval, valuator.utility_epochs
        (1, 'last')
        >>> valuator = valuator.fit(X[:200], y_noisy, X_val=X[200:], y_val=y[200:])
        >>> bool(valuator.data_values_[is_wrong].mean() < 0)
        True
        """
        return cls(**(PAPER_SETTINGS | parameters))
