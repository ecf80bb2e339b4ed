"""Everything that computes with torch; the only place that imports it at module top."""
