"""A run as data: what is kept of a load test, in plain values. It knows the core, no engine and no pytest."""
