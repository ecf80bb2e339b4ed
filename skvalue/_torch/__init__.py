"""Networks and skorch nets, and what they share; torch is imported at top level."""
