"""Errors of scikit-learn's validation that name the argument."""

from contextlib import contextmanager


@contextmanager
def naming(*names):
    """Make sure that an error of scikit-learn's validation names the argument."""
    try:
        yield
    except (TypeError, ValueError, OverflowError) as error:
        message = str(error)
        no_number = "convert string" in message or "float() argument" in message
        if no_number and names[0].startswith("X"):
            message += "; encode columns that are not numbers first (OneHotEncoder)"
        words = message.replace(":", " ").split()
        # scikit-learn's own wording about column names can only mean X.
        named = any(name in words for name in names) or (
            "X" in names and "feature names" in message.lower()
        )
        if not named:
            subject = " and ".join(names) if "inconsistent" in message else names[0]
            message = f"{subject}: {message}"
        if message == str(error) and not isinstance(error, OverflowError):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(message) from error
