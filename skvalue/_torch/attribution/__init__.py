"""The networks of `AmortizedAttribution` and their training."""
