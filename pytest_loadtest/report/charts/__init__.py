"""Pictures of one load test: from a `LoadResult` to Vega-Lite specifications, and from those to SVG."""
