"""Metrics of streams for Prometheus."""
