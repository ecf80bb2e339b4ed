"""Utilities: checks that every valuator must pass."""
