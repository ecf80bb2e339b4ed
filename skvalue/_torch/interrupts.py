"""The user's interrupt of a training ends the fit, as it does everywhere else."""


class PassesInterruptsOn:
    """Mixin of skorch nets, which treat an interrupt as the end of training.

    Here only a callback may end it early, so that values of half a training are never
    taken for the real ones.
    """

    def finish(self, training):
        """Call a training method; raise KeyboardInterrupt where the user did."""
        self._stopped_by_callback = self._completed = False
        training()
        if not (self._completed or self._stopped_by_callback):
            raise KeyboardInterrupt

    def fit_loop(self, *args, **kwargs):
        super().fit_loop(*args, **kwargs)
        self._completed = True
        return self

    def notify(self, method_name, **cb_kwargs):
        try:
            super().notify(method_name, **cb_kwargs)
        except KeyboardInterrupt:
            self._stopped_by_callback = True
            raise
