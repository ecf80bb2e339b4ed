"""What ``python -m skvalue`` does: a table in; cleaned rows, values, a report out."""
