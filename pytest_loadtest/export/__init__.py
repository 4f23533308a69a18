"""Metrics of running loads, sent to monitoring systems through their own client libraries."""
