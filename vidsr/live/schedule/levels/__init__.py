"""Levels of quality: models that all streams share, and bicubic interpolation."""
