"""Watched folders: files that have come and are complete."""
