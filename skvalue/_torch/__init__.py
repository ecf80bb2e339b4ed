"""Networks and what trains them: the only place that imports torch at the top."""
