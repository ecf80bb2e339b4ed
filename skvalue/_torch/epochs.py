"""Epochs of a skorch training, as the rest of the package counts its work."""

from functools import partial

from skorch.callbacks import Callback


class EpochProgress(Callback):
    """Print the progress of a training as every other method prints its own.

    Parameters
    ----------
    progress : Progress
        Counts the epochs.
    """

    def __init__(self, progress):
        self.progress = progress

    def on_train_begin(self, net, **kwargs):
        # An interrupted training may end without any epoch.
        self.note_ = None

    def on_epoch_end(self, net, **kwargs):
        loss = net.history[-1, "train_loss"]
        self.note_ = partial("training loss {:.3g}".format, loss)
        self.progress.update(len(net.history), self.note_)

    def on_train_end(self, net, **kwargs):
        self.progress.finish(self.note_)
