"""Utilities of regularised linear models, hundreds at once, without a refit each."""
