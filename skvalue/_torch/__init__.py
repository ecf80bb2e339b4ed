"""Networks and skorch nets: the only package that imports torch at top level."""
