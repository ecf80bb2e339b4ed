"""The one check of a torch device, before any work and without torch for the CPU."""


def check_device(device):
    """Refuse a device that torch cannot compute on here.

    Parameters
    ----------
    device : str or torch.device
        What the user gave.

    Raises
    ------
    ValueError
        If it is unknown or absent.
    """
    # Most methods do not need torch, and importing it takes seconds.
    if isinstance(device, str) and device == "cpu":
        return
    import torch

    try:
        torch.zeros(1, device=torch.device(device)).item()
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"device={device!r} cannot be used here ({reason}); use "
            '"cpu", or "cuda" where torch sees a GPU.'
        ) from error
