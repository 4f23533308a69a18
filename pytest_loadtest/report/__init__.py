"""Results into text. Knows the core and results; no engine, no pytest."""
