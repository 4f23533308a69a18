"""Runs a shape of load on the event loop. It knows the core; not pytest, not HTTP, not reports."""
