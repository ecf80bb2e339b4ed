"""Refuse what only torch or skorch can judge, before anything is trained."""

import torch
from skorch.callbacks import Callback


def check_net_settings(settings, net_class, criterion):
    """Raise where optimiser, callbacks or net parameters are not usable.

    Parameters
    ----------
    settings : dict
        `optimizer`, `lr`, `callbacks` and `net_params` of the valuator.

    net_class, criterion : type
        The skorch net that will be trained, and its loss.
    """
    _check_optimizer(settings["optimizer"], settings["lr"])
    _check_callbacks(settings["callbacks"])
    if settings["net_params"]:
        optimizer = settings["optimizer"] or torch.optim.Adam
        base = {"criterion": criterion, "optimizer": optimizer, "verbose": 0}
        _check_net_params(settings["net_params"], net_class, base)


def make_module(module, size, what):
    """A new module of the user's, ``module(size)``, or an error that says what it is.

    Parameters
    ----------
    module : object
        What the user gave.

    size : int
        What it is called with.

    what : str
        That number in words.

    Returns
    -------
    made : torch.nn.Module
        In evaluation mode.
    """
    if isinstance(module, torch.nn.Module):
        raise ValueError(
            "module must be a class or a function that returns a new torch module for "
            f"the {what}, because more than one is needed; got the instance "
            f"{type(module).__name__}."
        )
    try:
        made = module(size)
    except TypeError as error:
        raise TypeError(
            f"module({size}) failed ({error}); it is called with the {what}."
        ) from error
    if not isinstance(made, torch.nn.Module):
        raise TypeError(
            f"module({size}) returned {type(made).__name__}; it must return a torch "
            "module."
        )
    return made.eval()


def output_shape(module, input_shape):
    """Shape of what a module makes of a batch of two rows of zeros."""
    try:
        with torch.no_grad():
            return tuple(module(torch.zeros(2, *input_shape)).shape)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        raise ValueError(
            f"module cannot take a batch of rows of shape {tuple(input_shape)}: {error}"
        ) from error


def _check_optimizer(optimizer, lr):
    if optimizer is None:
        return
    try:
        made = optimizer([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"optimizer={optimizer!r} cannot be called as a torch optimizer class is, "
            f"with parameters and lr: {error}"
        ) from error
    if not isinstance(made, torch.optim.Optimizer):
        raise TypeError(
            f"optimizer={optimizer!r} made {type(made).__name__}; it must make a torch "
            "optimizer."
        )


def _check_callbacks(callbacks):
    for item in callbacks or []:
        callback = item[-1] if isinstance(item, tuple) and len(item) == 2 else item
        is_class = isinstance(callback, type) and issubclass(callback, Callback)
        if not (is_class or isinstance(callback, Callback)):
            raise TypeError(
                "callbacks must hold skorch callbacks or pairs (name, callback); got "
                f"{item!r}."
            )


def _check_net_params(net_params, net_class, base):
    try:
        net_class(
            torch.nn.Linear,
            module__in_features=1,
            module__out_features=1,
            **base | net_params,
        ).initialize()
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"net_params={net_params!r} are no parameters of the skorch net: {error}"
        ) from error
